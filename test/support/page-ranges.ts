/** Sets of pages as lists of [start, end), for tests that ask whether flushes covered something. */

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Whether the union of `parts` holds all of `whole`. */
export function covers(parts: readonly Span[], whole: Span): boolean {
  let reached = whole.start;
  for (const part of [...parts].sort((a, b) => a.start - b.start)) {
    if (part.start > reached) break;
    if (part.end > reached) reached = part.end;
  }
  return reached >= whole.end;
}

export function hex(page: number): string {
  return `0x${page.toString(16)}`;
}

export function spanText(span: Span): string {
  return `[${hex(span.start)}, ${hex(span.end)})`;
}
