/**
 * The general reader: any one line of any format, to an event, a class of other line, or a reason to skip it. It decides what the
 * lines mean; fast-lines.ts only repeats it for the commonest shapes, and a test holds the two together.
 *
 * `b[end]` is always readable and is a newline or a carriage return, so a look at one byte past a match needs no bound.
 */

import {
  ascii,
  COLON,
  findBytes,
  HASH,
  isDigit,
  isNameStart,
  LESS,
  NAME_BYTE,
  PAREN_OPEN,
  SPACE,
  skipSpaces,
  startsWith,
} from './bytes.ts';
import { FUNCTION, MAP, MARKER, PLAIN, STACK } from './event-names.ts';
import { LineContext } from './formats/context.ts';
import { FunctionGraphLine } from './formats/function-graph.ts';
import { IommuArgs, lastNumberIsCut } from './formats/iommu-args.ts';
import * as other from './formats/other-lines.ts';
import type { TraceState } from './state.ts';
import { SKIP, type SkipReason } from './tally.ts';

const STACK_TRACE = ascii('<stack trace');
const USER_STACK_TRACE = ascii('<user stack');
const CALLER = ascii(' <-');
const UNDERSCORE = 95;
const LOWER_A = 97;
const LOWER_Z = 122;
const COLON_BYTES = ascii(':');
const SYS = ascii('sys_');
const RETURNS = ascii(' -> ');
const RETURN_NAME_BYTES = 3;
const LOST_RECORD = ascii('PERF_RECORD_LOST');

export class LineReader {
  readonly #state: TraceState;
  readonly #context = new LineContext();
  readonly #graph = new FunctionGraphLine();
  readonly #args = new IommuArgs();
  /** The line has no newline: it is the input's last, and perhaps cut. */
  #unterminated = false;

  constructor(state: TraceState) {
    this.#state = state;
  }

  /** Accounts for the line [start, end), whose number is `tally.lines`. */
  read(b: Uint8Array, start: number, end: number, unterminated: boolean): void {
    this.#unterminated = unterminated;
    if (b[start] !== HASH && this.#context.read(b, start, end)) this.#withContext(b, start, end);
    else if (!this.#isOtherLine(b, start, end)) this.#withoutContext(b, start, end);
  }

  #withContext(b: Uint8Array, start: number, end: number): void {
    const { kind, body, pid, commStart, commEnd } = this.#context;
    const state = this.#state;
    state.hasContext = true;
    // A first line that was cut may look like one of a trace without context.
    if (state.format === null || state.format === 'ftrace-without-context') {
      // ftrace prints a name's colon, then one blank; trace-cmd pads the name to 20 columns.
      const colon = this.#nameEnd(b, body, end);
      const padded = kind === 'plain' && colon >= 0 && b[colon + 1] === SPACE && b[colon + 2] === SPACE;
      state.format =
        kind === 'perf'
          ? 'perf-script'
          : padded
            ? 'trace-cmd-report'
            : kind === 'latency'
              ? 'ftrace-latency'
              : 'ftrace';
    }
    state.recognised = true;
    const id = state.tasks.intern(b, commStart, commEnd, pid);
    state.record.taskId = id;
    this.#body(b, start, body, end);
    // After the body: it alone knows whether the line is an event, and what its time says about the trace.
    if (kind === 'plain' && commEnd === start + 16 && state.tally.unit === 'seconds') state.learn(b, start, end, id);
  }

  /** What follows the time. */
  #body(b: Uint8Array, start: number, body: number, end: number): void {
    const { tally, names } = this.#state;
    if (b[body] === LESS && (startsWith(b, body, end, STACK_TRACE) || startsWith(b, body, end, USER_STACK_TRACE))) {
      tally.other.stack++;
      return;
    }
    if (b[body] === HASH) {
      tally.other.markers++; // trace_marker_raw: `# 1 buf: 01 02`
      return;
    }
    const colon = this.#nameEnd(b, body, end);
    if (colon >= 0) {
      this.#event(b, start, body, colon, end, true);
      return;
    }
    const call = this.#systemCallEnd(b, body, end);
    if (call >= 0) {
      this.#time();
      names.counts[names.internName(b, body, call)]!++;
    } else if (startsWith(b, body, end, LOST_RECORD)) {
      tally.other.losses++;
      tally.gap('lost-events', null);
    } else if (this.#isFunction(b, body, end)) tally.other.functions++;
    else this.#skip(SKIP.notUnderstood, b, start, end);
  }

  /** An event by its name [body, colon); `timed` if the context's time is its. */
  #event(b: Uint8Array, start: number, body: number, colon: number, end: number, timed: boolean): void {
    const { tally, names } = this.#state;
    const id = names.internName(b, body, colon);
    const kind = names.kind(id);
    const args = skipSpaces(b, colon + 1, end);
    if (kind === MARKER) tally.other.markers++;
    else if (kind === FUNCTION) tally.other.functions++;
    else if (kind === STACK) tally.other.stack++;
    else if (kind === PLAIN || b[args] === PAREN_OPEN || !this.#args.isIommuShape(b, args, end)) {
      if (kind !== PLAIN && b[args] !== PAREN_OPEN && this.#unterminated) this.#skip(SKIP.truncated, b, start, end);
      else if (kind !== PLAIN && findBytes(b, body, colon, COLON_BYTES) >= 0) this.#skip(SKIP.malformed, b, start, end);
      else {
        if (timed) this.#time();
        // A kprobe's arguments begin with its place, `(iommu_map+0x4/0xd0)`; it may have any tracepoint's name.
        const counts = b[args] === PAREN_OPEN || kind !== PLAIN ? names.foreign : names.counts;
        counts[id]!++;
      }
    } else this.#iommuEvent(b, start, args, end, id, kind === MAP, timed);
  }

  #iommuEvent(
    b: Uint8Array,
    start: number,
    args: number,
    end: number,
    id: number,
    isMap: boolean,
    timed: boolean,
  ): void {
    const state = this.#state;
    const { record } = state;
    const reason = this.#args.read(b, args, end, isMap, record);
    const cut = this.#unterminated && !isMap && lastNumberIsCut(b, start, end);
    if (reason !== null || cut) {
      this.#skip(reason ?? SKIP.truncated, b, start, end);
      return;
    }
    record.timestamp = 0;
    if (timed) this.#time();
    record.line = state.tally.lines;
    state.names.counts[id]!++;
    if (isMap) state.handlers.map(record);
    else state.handlers.unmap(record);
  }

  #time(): void {
    const { tally, record } = this.#state;
    record.timestamp = tally.time(this.#context.timestamp, this.#context.ticks ? 'ticks' : 'seconds');
  }

  #isOtherLine(b: Uint8Array, start: number, end: number): boolean {
    const state = this.#state;
    const { tally } = state;
    if (b[start] === HASH) {
      tally.other.comments++;
      if (startsWith(b, start, end, other.TRACER)) {
        state.recognise(other.isFunctionGraphHeader(b, start, end) ? 'ftrace-function-graph' : null);
      }
      const lost = other.overwrittenEvents(b, start, end);
      if (lost > 0) tally.gap('overwritten', lost);
      return true;
    }
    if (other.isBlank(b, start, end)) tally.other.blank++;
    else if (other.isStackLine(b, start, end)) tally.other.stack++;
    else if (other.isTraceCmdCpus(b, start, end)) {
      tally.other.headers++;
      state.recognise('trace-cmd-report');
    } else if (other.isTraceCmdHead(b, start, end)) tally.other.headers++;
    else {
      const loss = other.readLoss(b, start, end);
      if (loss === null) return this.#graph.read(b, start, end) && this.#graphLine(b, start, end);
      tally.other.losses++;
      tally.gap(loss.kind, loss.events);
      state.recognise(null);
    }
    return true;
  }

  /** A line of function_graph; its comment is an event only if the name is a known tracepoint's, for markers stand there too. */
  #graphLine(b: Uint8Array, start: number, end: number): true {
    const state = this.#state;
    const { tally, names } = state;
    const graph = this.#graph;
    if (graph.isSwitch) {
      tally.other.headers++;
      return true;
    }
    state.recognise('ftrace-function-graph');
    if (graph.eventStart < 0) tally.other.functions++;
    else if (graph.open && this.#unterminated) this.#skip(SKIP.truncated, b, start, end);
    else {
      const colon = this.#nameEnd(b, graph.eventStart, graph.eventEnd);
      if (colon >= 0 && names.isKnown(names.internName(b, graph.eventStart, colon))) {
        this.#context.timestamp = graph.timestamp;
        this.#context.ticks = false;
        state.record.taskId = state.tasks.unnamed();
        this.#event(b, start, graph.eventStart, colon, graph.eventEnd, graph.hasTime);
      } else tally.other.markers++;
    }
    return true;
  }

  /** context-info off, raw, hex, or nothing we know. */
  #withoutContext(b: Uint8Array, start: number, end: number): void {
    const state = this.#state;
    const { names } = state;
    const raw = other.rawOrHexLine(b, start, end);
    if (raw !== null) {
      state.recognise('ftrace-raw');
      state.tally.skip(raw, b, start, end);
      return;
    }
    const colon = this.#nameEnd(b, start, end);
    const id = colon < 0 ? -1 : names.internName(b, start, colon);
    const known = id >= 0 && (names.isKnown(id) || names.kind(id) !== PLAIN);
    if (state.hasContext || !(known || state.recognised)) {
      // With task and time elsewhere, this is a piece of a marker's text that had a line break in it.
      this.#skip(known && state.hasContext ? SKIP.bare : SKIP.notUnderstood, b, start, end);
    } else if (known || this.#isEventName(b, start, colon)) {
      state.recognise('ftrace-without-context');
      state.record.taskId = state.tasks.unnamed();
      this.#event(b, start, start, colon, end, false);
    } else if (findBytes(b, start, end, CALLER) >= 0 && isNameStart(b[start])) state.tally.other.functions++;
    else this.#skip(SKIP.notUnderstood, b, start, end);
  }

  /** Where the name at `at` ends in a colon with a blank or nothing behind it; -1 if it does not. */
  #nameEnd(b: Uint8Array, at: number, end: number): number {
    if (!isNameStart(b[at])) return -1;
    let p = at;
    while (p < end && NAME_BYTE[b[p]!] === 1) p++;
    const colon = p - 1;
    return colon > at && b[colon] === COLON && (p === end || b[p] === SPACE) ? colon : -1;
  }

  /** Whether [at, colon) can name a tracepoint; a line of prose with a colon seldom can. */
  #isEventName(b: Uint8Array, at: number, colon: number): boolean {
    for (let p = at; p < colon; p++) {
      const byte = b[p]!;
      if (!(byte === UNDERSCORE || isDigit(byte) || (byte >= LOWER_A && byte <= LOWER_Z))) return false;
    }
    return colon > at;
  }

  /** `sys_mmap(addr: …)` and `sys_mmap -> 0x…`: the end of what names the event, `sys_mmap(` or `sys_mmap ->`; or -1. */
  #systemCallEnd(b: Uint8Array, at: number, end: number): number {
    if (!startsWith(b, at, end, SYS)) return -1;
    let p = at;
    while (p < end && NAME_BYTE[b[p]!] === 1) p++;
    if (b[p] === PAREN_OPEN && p < end) return p + 1;
    return startsWith(b, p, end, RETURNS) ? p + RETURN_NAME_BYTES : -1;
  }

  /** `iommu_map <-__iommu_dma_map`, and `iommu_map` alone with print-parent off. */
  #isFunction(b: Uint8Array, at: number, end: number): boolean {
    if (!isNameStart(b[at])) return false;
    if (findBytes(b, at, end, CALLER) >= 0) return true;
    let p = at;
    while (p < end && NAME_BYTE[b[p]!] === 1) p++;
    return p === end && !this.#unterminated;
  }

  #skip(reason: SkipReason, b: Uint8Array, start: number, end: number): void {
    const told = this.#unterminated ? SKIP.truncated : reason;
    const binary = told === SKIP.notUnderstood && b.subarray(start, end).includes(0);
    this.#state.tally.skip(binary ? SKIP.binary : told, b, start, end);
  }
}
