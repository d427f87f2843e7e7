/**
 * Text in a terminal: what may be printed, how wide it is, and how it is cut, padded and wrapped. Every string goes
 * through `clean` first, so that nothing from a trace can drive the terminal.
 */
import { printable } from '../../base/result.ts';

/** Functions that mark up text; the identity, for NO_COLOR and for files. */
export interface Colors {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly green: (text: string) => string;
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

const asIs = (text: string): string => text;

export const plainColors: Colors = { bold: asIs, dim: asIs, green: asIs, red: asIs, yellow: asIs, cyan: asIs };

export interface TerminalOptions {
  /** Columns; no line is wider. */
  readonly width: number;
  readonly color: Colors;
  /** Whether more than ASCII may be printed. */
  readonly unicode: boolean;
}

const asciiOf: Readonly<Record<string, string>> = {
  '…': '...',
  '–': '-',
  '×': 'x',
  '’': "'",
  µ: 'u',
  '✓': '+',
  '✗': 'x',
  '◐': '~',
};

/** Longer texts than this are cut; nothing that we write ourselves comes near. */
const longestText = 4000;

/** Safe to print: controls and invisible characters made visible, and only ASCII where the terminal has no more. */
export function clean(text: string, unicode: boolean): string {
  const safe = printable(text, longestText).replace(
    /\p{Cf}/gu,
    (char) => `\\x${char.codePointAt(0)?.toString(16) ?? ''}`,
  );
  return unicode ? safe : safe.replace(/[^\x20-\x7e]/gu, (char) => asciiOf[char] ?? '?');
}

/** Columns that the text takes: none for combining characters, two for wide ones (East Asian, emoji). */
export function textWidth(text: string): number {
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

const noWidth = /^[\p{Mn}\p{Me}]$/u;

function charWidth(char: string): number {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  // The emoji selector may widen the character before it.
  if (code === 0xfe0f) return 1;
  if (noWidth.test(char)) return 0;
  return isWide(code) ? 2 : 1;
}

function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x231a && code <= 0x23ff) ||
    (code >= 0x2614 && code <= 0x27bf && code !== 0x2713 && code !== 0x2717) ||
    (code >= 0x2b1b && code <= 0x2b55) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xa960 && code <= 0xa97c) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe10 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    code >= 0x16fe0
  );
}

/** At most `width` columns; what is cut ends in an ellipsis. */
export function cut(text: string, width: number, unicode: boolean): string {
  if (textWidth(text) <= width) return text;
  const dots = unicode ? '…' : width >= 6 ? '...' : '';
  const kept = head(text, Math.max(0, width - textWidth(dots)));
  return width >= 1 ? `${kept}${dots}` : '';
}

/** The longest beginning of at most `width` columns. */
function head(text: string, width: number): string {
  let out = '';
  let used = 0;
  for (const char of text) {
    used += charWidth(char);
    if (used > width) break;
    out += char;
  }
  return out;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - textWidth(text))) + text;
}

/** Lines of at most `width` columns, broken at spaces; a word that is longer than a line is broken anywhere. */
export function wrap(text: string, width: number): readonly string[] {
  const room = Math.max(1, width);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((one) => pieces(one, room))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (textWidth(longer) <= room) {
      line = longer;
    } else {
      if (line !== '') lines.push(line);
      line = word;
    }
  }
  return line === '' ? lines : [...lines, line];
}

function pieces(word: string, width: number): readonly string[] {
  const out: string[] = [];
  let rest = word;
  while (textWidth(rest) > width) {
    // A wide character in a column of one still has to go somewhere.
    const piece = head(rest, width) || (rest.match(/^./su)?.[0] ?? rest);
    out.push(piece);
    rest = rest.slice(piece.length);
  }
  return [...out, rest];
}
