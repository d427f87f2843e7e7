/**
 * What stands before the event on a line: task, CPU, flags, time. The kernel's printf formats (kernel/trace/trace_output.c), which
 * trace-cmd and perf follow:
 *
 *   `%16s-%-7d ` [`(%7d) `] `[%03d] ` [flags] ` %5lu.%06lu: ` or ` %12llu: `     trace, trace_pipe, trace-cmd report
 *   `%8.8s-%-7d %3d` flags ` %4lldus%c: ` or ` %5lu.%06lu: `                     latency-format; trace-cmd report -l
 *   `%16s %7d %3d %d %08x %08lx [%08llx] %ld.%03ldms (+%ld.%03ldms): `           latency-format with verbose (from the source, no capture)
 *   `%16s %5d [%03d] %5lu.%06lu: `                                               perf script
 *
 * The name of a task may be any 15 bytes, also ones that look like the rest of a line. So the columns come first (the dash is at byte
 * 16 or 8 whatever the name is), and for lines that lost their padding the task is found from its right end, at most 16 bytes in:
 * too near to be reached by what a process can write into the trace.
 */

import {
  ascii,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  DASH,
  DOT,
  decimalValue,
  isDigit,
  PAREN_CLOSE,
  PAREN_OPEN,
  PLUS,
  POWER_OF_TEN,
  SLASH,
  SPACE,
  skipDigits,
  skipHexDigits,
  skipSpaces,
  startsWith,
} from '../bytes.ts';
import { MAX_COMM_BYTES } from '../tasks.ts';

export type ContextKind = 'plain' | 'latency' | 'perf';

const WIDE_COMM = 16;
const NARROW_COMM = 8;
const MAX_PID_DIGITS = 10;
const MAX_FLAGS = 12;
/** From a task's name to its `[`: name, separator, pid, tgid and the blanks between. */
const MAX_TO_BRACKET = MAX_COMM_BYTES + 40;
const US = ascii('us');
const MS = ascii('ms');
const MS_PLUS = ascii('ms (+');

export class LineContext {
  kind: ContextKind = 'plain';
  /** Without padding. */
  commStart = 0;
  commEnd = 0;
  pid = 0;
  timestamp = 0;
  ticks = false;
  /** Where the event begins. */
  body = 0;

  /** Reads the context of the line [start, end); false if it has none. */
  read(b: Uint8Array, start: number, end: number): boolean {
    if (b[start + WIDE_COMM] === DASH && this.#bracketed(b, start, start + WIDE_COMM, end)) return true;
    if (b[start + NARROW_COMM] === DASH && this.#latency(b, start, start + NARROW_COMM, end)) return true;
    if (b[start + WIDE_COMM] === SPACE && this.#verboseLatency(b, start, end)) return true;
    return this.#search(b, start, end);
  }

  /** `-PID (TGID) [CPU] flags TIME: ` from the dash on. */
  #bracketed(b: Uint8Array, start: number, dash: number, end: number): boolean {
    const pidEnd = skipDigits(b, dash + 1, end);
    if (!this.#task(b, start, dash, dash + 1, pidEnd)) return false;
    let p = skipSpaces(b, pidEnd, end);
    if (b[p] === PAREN_OPEN) {
      while (p < end && b[p] !== PAREN_CLOSE && p - pidEnd < 24) p++;
      if (b[p] !== PAREN_CLOSE) return false;
      p = skipSpaces(b, p + 1, end);
    }
    this.kind = 'plain';
    return b[p] === BRACKET_OPEN && this.#cpuAndTime(b, p, end);
  }

  /** `[CPU] flags TIME: ` */
  #cpuAndTime(b: Uint8Array, bracket: number, end: number): boolean {
    const close = skipDigits(b, bracket + 1, end);
    if (close === bracket + 1 || b[close] !== BRACKET_CLOSE || b[close + 1] !== SPACE) return false;
    const p = skipSpaces(b, close + 1, end);
    if (this.#time(b, p, end)) return true;
    const flagsEnd = this.#skipFlags(b, p, end);
    return flagsEnd > p && this.#time(b, skipSpaces(b, flagsEnd, end), end);
  }

  /** `-PID CPUflags TIME: ` from the dash on: the CPU and the flags touch. */
  #latency(b: Uint8Array, start: number, dash: number, end: number): boolean {
    const pidEnd = skipDigits(b, dash + 1, end);
    if (!this.#task(b, start, dash, dash + 1, pidEnd) || b[pidEnd] !== SPACE) return false;
    const cpu = skipSpaces(b, pidEnd, end);
    const cpuEnd = skipDigits(b, cpu, end);
    const flagsEnd = this.#skipFlags(b, cpuEnd, end);
    if (cpuEnd === cpu || flagsEnd === cpuEnd || b[flagsEnd] !== SPACE) return false;
    this.kind = 'latency';
    return this.#time(b, skipSpaces(b, flagsEnd, end), end);
  }

  /** Numbers in columns, then `[hex] 12.345ms (+0.001ms): ` or `[hex] 12345 (+67): `. */
  #verboseLatency(b: Uint8Array, start: number, end: number): boolean {
    const pid = skipSpaces(b, start + WIDE_COMM, end);
    let p = skipDigits(b, pid, end);
    if (!this.#task(b, start, start + WIDE_COMM, pid, p)) return false;
    for (let field = 0; field < 4; field++) {
      const from = skipSpaces(b, p, end);
      p = skipHexDigits(b, from, end);
      if (p === from) return false;
    }
    p = skipSpaces(b, p, end);
    if (b[p] !== BRACKET_OPEN) return false;
    p = skipHexDigits(b, p + 1, end);
    if (b[p] !== BRACKET_CLOSE || b[p + 1] !== SPACE) return false;
    this.kind = 'latency';
    return this.#verboseTime(b, p + 2, end);
  }

  #verboseTime(b: Uint8Array, at: number, end: number): boolean {
    const whole = skipDigits(b, at, end);
    if (whole === at || whole - at > 18) return false;
    const milliseconds = b[whole] === DOT && isDigit(b[whole + 1]) && startsWith(b, whole + 4, end, MS_PLUS);
    let p = milliseconds ? whole + 4 + MS_PLUS.length : whole + 3;
    if (!milliseconds && !(b[whole] === SPACE && b[whole + 1] === PAREN_OPEN && b[whole + 2] === PLUS)) return false;
    const value = decimalValue(b, at, whole);
    this.ticks = !milliseconds;
    this.timestamp = milliseconds ? (value * 1000 + decimalValue(b, whole + 1, whole + 4)) / 1e6 : value;
    p = skipDigits(b, p, end);
    if (milliseconds) p = skipDigits(b, p + 1, end);
    if (milliseconds && startsWith(b, p, end, MS)) p += 2;
    if (b[p] !== PAREN_CLOSE || b[p + 1] !== COLON || p + 1 >= end) return false;
    this.body = skipSpaces(b, p + 2, end);
    return true;
  }

  /** Lines without padding, with a prefix, or of perf: every `[` near enough, from the right. */
  #search(b: Uint8Array, start: number, end: number): boolean {
    const first = skipSpaces(b, start, end);
    for (let p = Math.min(end - 1, first + MAX_TO_BRACKET); p > first; p--) {
      if (b[p] === BRACKET_OPEN && b[p - 1] === SPACE && this.#taskBefore(b, first, p) && this.#cpuAndTime(b, p, end)) {
        if (this.kind === 'perf' && this.ticks) continue;
        if (this.kind === 'perf') this.#skipPeriod(b, end);
        return true;
      }
      if (b[p] === DASH && p <= first + MAX_COMM_BYTES && this.#latency(b, first, p, end)) return true;
    }
    // `trace-cmd report` of several files or instances puts `name: ` before each line.
    let colon = first;
    while (colon < end && colon - first < MAX_TO_BRACKET && b[colon] !== COLON) colon++;
    const rest = colon + 2;
    return b[colon + 1] === SPACE && b[rest + WIDE_COMM] === DASH && this.#bracketed(b, rest, rest + WIDE_COMM, end);
  }

  /** `comm-PID [(TGID)] ` of ftrace or `comm PID[/TID] ` of perf, read leftwards from its `[`. */
  #taskBefore(b: Uint8Array, first: number, bracket: number): boolean {
    let p = this.#skipSpacesBack(b, first, bracket);
    if (b[p - 1] === PAREN_CLOSE) {
      while (p > first && b[p - 1] !== PAREN_OPEN) p--;
      p = this.#skipSpacesBack(b, first, p - 1);
    }
    const pidEnd = p;
    while (p > first && isDigit(b[p - 1])) p--;
    const pid = p;
    if (b[p - 1] === SLASH) {
      p--;
      while (p > first && isDigit(b[p - 1])) p--;
    }
    if (p <= first) return false;
    const dash = b[p - 1] === DASH;
    if (!dash && b[p - 1] !== SPACE) return false;
    this.kind = dash ? 'plain' : 'perf';
    const commEnd = dash ? p - 1 : this.#skipSpacesBack(b, first, p);
    return commEnd > first && commEnd - first <= MAX_COMM_BYTES && this.#task(b, first, commEnd, pid, pidEnd);
  }

  /** perf prints the period of a sampled event between time and name. */
  #skipPeriod(b: Uint8Array, end: number): void {
    const stop = skipDigits(b, this.body, end);
    if (stop > this.body && b[stop] === SPACE) this.body = skipSpaces(b, stop, end);
  }

  #task(b: Uint8Array, start: number, commEnd: number, pidStart: number, pidEnd: number): boolean {
    if (pidEnd === pidStart || pidEnd - pidStart > MAX_PID_DIGITS) return false;
    this.commStart = skipSpaces(b, start, commEnd);
    this.commEnd = commEnd;
    this.pid = decimalValue(b, pidStart, pidEnd);
    return true;
  }

  #skipSpacesBack(b: Uint8Array, first: number, at: number): number {
    let p = at;
    while (p > first && b[p - 1] === SPACE) p--;
    return p;
  }

  /** One token that does not begin with a digit: `d..2.`, `.N...`. */
  #skipFlags(b: Uint8Array, at: number, end: number): number {
    if (isDigit(b[at])) return at;
    let p = at;
    while (p < end && b[p]! > SPACE && p - at < MAX_FLAGS) p++;
    return p;
  }

  /** `7.903958: `, `26881308270: `, `39052us!: `; and what `--ts-diff` puts behind it, `(+42) `. */
  #time(b: Uint8Array, at: number, end: number): boolean {
    const whole = skipDigits(b, at, end);
    if (whole === at || whole - at > 20) return false;
    let p = whole;
    this.ticks = false;
    this.timestamp = decimalValue(b, at, whole);
    if (b[p] === DOT) {
      p = skipDigits(b, whole + 1, end);
      const digits = p - whole - 1;
      if (digits < 1 || digits > 9) return false;
      const scale = POWER_OF_TEN[digits]!;
      const scaled = this.timestamp * scale + decimalValue(b, whole + 1, p);
      // One division of an exact number gives the nearest double, as reading the decimal would.
      this.timestamp = scaled / scale;
    } else if (startsWith(b, p, end, US)) {
      this.timestamp /= 1e6;
      p += 2;
      if (b[p] !== COLON) p++;
    } else this.ticks = true;
    if (p >= end || b[p] !== COLON || (p + 1 < end && b[p + 1] !== SPACE)) return false;
    p = skipSpaces(b, p + 1, end);
    if (b[p] === PAREN_OPEN && b[p + 1] === PLUS && p + 1 < end) {
      const close = skipDigits(b, p + 2, end);
      if (close > p + 2 && b[close] === PAREN_CLOSE) p = skipSpaces(b, close + 1, end);
    }
    this.body = p;
    return true;
  }
}
