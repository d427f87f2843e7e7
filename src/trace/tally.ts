/**
 * The accounts of one trace: every line of the input ends in exactly one of `names.counts`, `names.foreign`, `other` and `skipped`.
 * Everything here is bounded, whatever the input.
 */

import { printable } from '../base/result.ts';
import { decodeUtf8 } from './bytes.ts';
import type { Gap, OtherLines, SkippedLines, TimeUnit } from './events.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Why a line was skipped: all there are, so their number is bounded. */
export const SKIP = {
  notUnderstood: 'not understood',
  binary: 'binary data',
  overlong: 'line too long',
  truncated: 'last line cut short',
  raw: 'written with the raw option, which leaves out the fields',
  hex: 'written with the hex option, which leaves out the fields',
  bare: 'an event without task and time, in a trace whose events have them',
  malformed: 'map or unmap whose fields cannot be read',
  beyond64Bits: 'map or unmap beyond 64 bits',
  unaligned: 'map or unmap that is not in whole 4096-byte pages',
  empty: 'map or unmap of size 0',
  endMismatch: 'map or unmap whose end is not iova + size',
} as const;
export type SkipReason = (typeof SKIP)[keyof typeof SKIP];

const EXAMPLE_BYTES = 160;
const MAX_GAPS = 100;

export class Tally {
  lines = 0;
  readonly other: Writable<OtherLines> = {
    blank: 0,
    comments: 0,
    headers: 0,
    markers: 0,
    stack: 0,
    functions: 0,
    losses: 0,
  };
  readonly gaps: Gap[] = [];
  gapsOmitted = 0;
  readonly #skipped = new Map<SkipReason, Writable<SkippedLines>>();

  /** Time over all events. The hot loop has `time` in place. */
  unit: TimeUnit = 'none';
  previous = Number.NaN;
  earliest = Number.POSITIVE_INFINITY;
  latest = Number.NEGATIVE_INFINITY;
  wentBack = 0;
  /** Events whose time is in another unit than the first one's. */
  strayTimes = 0;

  skip(reason: SkipReason, b: Uint8Array, start: number, end: number): void {
    const known = this.#skipped.get(reason);
    if (known) {
      known.count++;
      return;
    }
    const example = printable(decodeUtf8(b, start, Math.min(end, start + EXAMPLE_BYTES)), EXAMPLE_BYTES);
    this.#skipped.set(reason, { reason, count: 1, example, line: this.lines });
  }

  skippedOf(reason: SkipReason): number {
    return this.#skipped.get(reason)?.count ?? 0;
  }

  skipped(): SkippedLines[] {
    return [...this.#skipped.values()].sort((a, b) => b.count - a.count || a.line - b.line);
  }

  gap(kind: Gap['kind'], events: number | null): void {
    if (this.gaps.length < MAX_GAPS) this.gaps.push({ kind, line: this.lines, events });
    else this.gapsOmitted++;
  }

  /** Takes an event's time into account and returns the one to hand out: a time in another unit counts as no later than the last. */
  time(timestamp: number, unit: TimeUnit): number {
    if (this.unit === 'none') this.unit = unit;
    else if (this.unit !== unit) {
      this.strayTimes++;
      return this.previous;
    }
    if (timestamp < this.previous) {
      this.wentBack++;
      if (timestamp < this.earliest) this.earliest = timestamp;
    } else {
      if (timestamp < this.earliest) this.earliest = timestamp;
      if (timestamp > this.latest) this.latest = timestamp;
    }
    this.previous = timestamp;
    return timestamp;
  }
}
