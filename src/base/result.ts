/**
 * Results for bad input: a trace, a file, an option. An architectural fault is not an error of this kind (it is a
 * returned value with its own code), and a broken invariant of ours is not either (`assert.ts`).
 */

/** What is wrong with an input, where, and what its owner can do about it. All three are shown on one line. */
export interface InputError {
  /** Kebab-case and stable, for programs: `not-a-trace`, `out-of-range`. */
  readonly code: string;
  /** One sentence without a final stop, for people. */
  readonly message: string;
  /** File, line, byte offset or option, as far as known. */
  readonly place?: string;
  /** What to do next. */
  readonly hint?: string;
}

export type Result<T, E = InputError> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function err<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}

/** `place: message (hint)`, on one line whatever the input put into it. */
export function formatInputError(error: InputError): string {
  const place = error.place === undefined ? '' : `${error.place}: `;
  const hint = error.hint === undefined ? '' : ` (${error.hint})`;
  return printable(`${place}${error.message}${hint}`);
}

/** Control characters, line ends and terminal escapes made visible: what a hostile file says must not drive a terminal. */
export function printable(text: string, maxLength = 400): string {
  let out = '';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const bidi = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    const control = code < 0x20 || (code >= 0x7f && code <= 0x9f) || code === 0x2028 || code === 0x2029;
    out += control || bidi ? `\\x${code.toString(16).padStart(2, '0')}` : char;
    if (out.length > maxLength) return `${out.slice(0, maxLength)}…`;
  }
  return out;
}
