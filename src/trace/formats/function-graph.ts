/**
 * Lines of the function_graph tracer (kernel/trace/trace_functions_graph.c):
 *
 *    0) + 30.205 us   |    iommu_get_dma_domain();
 *    0)               |      /* map: IOMMU: iova=… *\/
 *   12.345678 |   0)  iogen-454  |   …            with funcgraph-abstime, funcgraph-proc
 *    0)   iogen-454    =>    <idle>-0             between two rules of dashes
 *
 * An event is a comment among the calls, without task, and without time unless funcgraph-abstime is on. trace_marker text stands
 * in the same comments, with nothing to tell it apart: see README.md.
 */

import {
  ascii,
  BAR,
  DASH,
  DOT,
  decimalValue,
  EQUALS,
  GREATER,
  PAREN_CLOSE,
  POWER_OF_TEN,
  skipDigits,
  skipSpaces,
  startsWith,
} from '../bytes.ts';

const OPEN = ascii('/* ');
const CLOSE = ascii(' */');
const RULE_DASHES = 20;

export class FunctionGraphLine {
  /** The event in a comment: [eventStart, eventEnd); eventStart is -1 if there is no comment. */
  eventStart = -1;
  eventEnd = -1;
  /** A comment that is not closed: a line that was cut. */
  open = false;
  /** A task switch rather than a call. */
  isSwitch = false;
  timestamp = 0;
  hasTime = false;

  read(b: Uint8Array, start: number, end: number): boolean {
    const cpu = this.#skipTime(b, skipSpaces(b, start, end), end);
    const close = skipDigits(b, cpu, end);
    if (close === cpu || b[close] !== PAREN_CLOSE || close >= end) return this.#isRule(b, start, end);
    let bar = close + 1;
    this.isSwitch = false;
    while (bar < end && b[bar] !== BAR) {
      if (b[bar] === EQUALS && b[bar + 1] === GREATER) this.isSwitch = true;
      bar++;
    }
    this.eventStart = -1;
    this.open = false;
    if (bar >= end) return this.isSwitch;
    this.isSwitch = false;
    this.#comment(b, bar + 1, end);
    return true;
  }

  /** `12.345678 |  ` if it is there. */
  #skipTime(b: Uint8Array, at: number, end: number): number {
    this.hasTime = false;
    const dot = skipDigits(b, at, end);
    if (dot === at || dot - at > 15 || b[dot] !== DOT || dot >= end) return at;
    const stop = skipDigits(b, dot + 1, end);
    const bar = skipSpaces(b, stop, end);
    const digits = stop - dot - 1;
    if (digits < 1 || digits > 9 || b[bar] !== BAR || bar >= end) return at;
    const scale = POWER_OF_TEN[digits]!;
    this.timestamp = (decimalValue(b, at, dot) * scale + decimalValue(b, dot + 1, stop)) / scale;
    this.hasTime = true;
    return skipSpaces(b, bar + 1, end);
  }

  #comment(b: Uint8Array, from: number, end: number): void {
    // With funcgraph-proc or irq-info there are more columns before the call.
    let p = skipSpaces(b, from, end);
    for (let bar = p; bar < end && !startsWith(b, p, end, OPEN); bar++)
      if (b[bar] === BAR) p = skipSpaces(b, bar + 1, end);
    if (!startsWith(b, p, end, OPEN)) return;
    this.eventStart = p + OPEN.length;
    this.open = !startsWith(b, end - CLOSE.length, end, CLOSE) || end - CLOSE.length < this.eventStart;
    this.eventEnd = this.open ? end : end - CLOSE.length;
  }

  #isRule(b: Uint8Array, start: number, end: number): boolean {
    const dashes = skipSpaces(b, start, end);
    let p = dashes;
    while (p < end && b[p] === DASH) p++;
    this.isSwitch = true;
    this.eventStart = -1;
    return p === end && p - dashes >= RULE_DASHES;
  }
}
