/**
 * Lines without task and time that are not events: comments with the counts of a wrapped buffer, trace-cmd's head, losses, call
 * chains, and the shapes of ftrace's raw and hex options.
 */

import {
  ascii,
  decimalValue,
  EQUALS,
  findBytes,
  GREATER,
  HASH,
  SLASH,
  SPACE,
  skipDigits,
  skipHexDigits,
  skipSpaces,
  startsWith,
  TAB,
} from '../bytes.ts';
import type { Gap } from '../events.ts';
import { SKIP, type SkipReason } from '../tally.ts';

export const TRACER = ascii('# tracer: ');
const FUNCTION_GRAPH_TRACER = ascii('# tracer: function_graph');
const ENTRIES = ascii('entries-in-buffer/entries-written: ');
const LATENCY = ascii('# latency: ');
const CPU = ascii('CPU:');
const EMPTY = ascii(' is empty');
const CPUS = ascii('cpus=');
const VERSION = ascii('version = ');
const LOST = ascii('LOST ');
const EVENTS = ascii('EVENTS]');
const DROPPED = ascii('EVENTS DROPPED]');
const TYPE = ascii('type: ');
const MAX_COUNT_DIGITS = 15;

export function isFunctionGraphHeader(b: Uint8Array, start: number, end: number): boolean {
  return startsWith(b, start, end, FUNCTION_GRAPH_TRACER);
}

/**
 * Events that were overwritten, as a comment says: `# entries-in-buffer/entries-written: 1823/8022   #P:2`, or with latency-format
 * `# latency: 0 us, #294/294, CPU#0 | …`. 0 if none, or if it says nothing of the kind.
 */
export function overwrittenEvents(b: Uint8Array, start: number, end: number): number {
  let p = findBytes(b, start, end, ENTRIES);
  if (p >= 0) p += ENTRIES.length;
  else {
    if (!startsWith(b, start, end, LATENCY)) return 0;
    p = start + LATENCY.length;
    while (p < end && b[p] !== HASH) p++;
    p++;
  }
  const slash = skipDigits(b, p, end);
  const stop = skipDigits(b, slash + 1, end);
  if (slash === p || slash >= end || b[slash] !== SLASH || stop === slash + 1) return 0;
  if (slash - p > MAX_COUNT_DIGITS || stop - slash > MAX_COUNT_DIGITS) return 0;
  return Math.max(0, decimalValue(b, slash + 1, stop) - decimalValue(b, p, slash));
}

/** `CPU:0 [LOST 113 EVENTS]`, `CPU:0 [LOST EVENTS]`; trace-cmd's `CPU:7 [204600 EVENTS DROPPED]`, `CPU:7 [EVENTS DROPPED]`. */
export function readLoss(b: Uint8Array, start: number, end: number): Omit<Gap, 'line'> | null {
  if (!startsWith(b, start, end, CPU)) return null;
  const digits = skipDigits(b, start + CPU.length, end);
  let p = digits + 2;
  if (digits === start + CPU.length || b[digits] !== SPACE || b[digits + 1] !== 91) return null;
  const lost = startsWith(b, p, end, LOST);
  if (lost) p += LOST.length;
  const stop = skipDigits(b, p, end);
  const counted = stop > p && stop - p <= MAX_COUNT_DIGITS;
  const words = stop > p ? stop + 1 : p;
  const tail = lost ? EVENTS : DROPPED;
  if (!startsWith(b, words, end, tail) || words + tail.length !== end) return null;
  return { kind: lost ? 'lost-events' : 'dropped-events', events: counted ? decimalValue(b, p, stop) : null };
}

/** `cpus=2`: alone on a line it is trace-cmd's. */
export function isTraceCmdCpus(b: Uint8Array, start: number, end: number): boolean {
  const digits = start + CPUS.length;
  return startsWith(b, start, end, CPUS) && digits < end && skipDigits(b, digits, end) === end;
}

/** `version = 7`, `CPU 1 is empty`: trace-cmd's too, but not enough to know a trace by. */
export function isTraceCmdHead(b: Uint8Array, start: number, end: number): boolean {
  const version = start + VERSION.length;
  if (startsWith(b, start, end, VERSION)) return version < end && skipDigits(b, version, end) === end;
  const cpu = start + CPU.length;
  if (!startsWith(b, start, end, CPU.subarray(0, 3)) || b[start + 3] !== SPACE) return false;
  const p = skipDigits(b, skipSpaces(b, cpu, end), end);
  return p > cpu && startsWith(b, p, end, EMPTY) && p + EMPTY.length === end;
}

/** ` => do_syscall_64` of the kernel; perf's `<tab> ffffffffaf8ddb28 __iommu_map+0x258 ([kernel.kallsyms])`. */
export function isStackLine(b: Uint8Array, start: number, end: number): boolean {
  const p = skipSpaces(b, start, end);
  if (b[p] === EQUALS && b[p + 1] === GREATER) return p + 2 <= end;
  if (b[start] !== TAB) return false;
  const address = skipSpaces(b, start + 1, end);
  const stop = skipHexDigits(b, address, end);
  return stop > address && (stop === end || b[stop] === SPACE);
}

/** `328 0 10287101249 type: 1149`, or the same in 8, 8 and 16 hexadecimal digits. */
export function rawOrHexLine(b: Uint8Array, start: number, end: number): SkipReason | null {
  let p = start;
  let hex = true;
  for (let field = 0; field < 3; field++) {
    const stop = skipHexDigits(b, p, end);
    if (stop === p || b[stop] !== SPACE || stop >= end) return null;
    hex &&= stop - p === (field < 2 ? 8 : 16);
    p = stop + 1;
  }
  if (!startsWith(b, p, end, TYPE)) return null;
  const digits = p + TYPE.length;
  if (digits >= end || skipDigits(b, digits, end) !== end) return null;
  return hex ? SKIP.hex : SKIP.raw;
}

export function isBlank(b: Uint8Array, start: number, end: number): boolean {
  let p = start;
  while (p < end && (b[p] === SPACE || b[p] === TAB)) p++;
  return p === end;
}
