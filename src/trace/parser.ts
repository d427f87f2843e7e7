/**
 * Kernel trace text, bytes in and events out. Chunks may be cut anywhere; what a line is does not depend on where. Memory is flat:
 * at most one line is kept between chunks, and a longer one is counted and passed over.
 *
 * Refused, with an InputError: what is no text, and text in which nothing looks like a trace. Everything else is read to its end, and
 * the summary says what was skipped.
 */

import { assert } from '../base/assert.ts';
import { err, type InputError, ok, type Result } from '../base/result.ts';
import { NEWLINE, RETURN, startsWith } from './bytes.ts';
import type { TraceHandlers, TraceSummary } from './events.ts';
import { FastLines } from './fast-lines.ts';
import { LineReader } from './lines.ts';
import { HEAD_BYTES, refusalByMagic, UTF8_BOM } from './magic.ts';
import { TraceState } from './state.ts';
import { summarize } from './summary.ts';
import { SKIP } from './tally.ts';

export interface TraceParserOptions {
  /** Longer lines are counted as skipped; 64 KiB unless told. */
  readonly maxLineBytes?: number;
  /** Refuse the input if none of its first lines looks like a trace; 1000 unless told. */
  readonly linesToRecognise?: number;
}

const HOW_TO_RECORD =
  'record one with: trace-cmd record -e iommu; trace-cmd report > FILE; or copy /sys/kernel/tracing/trace';

export class TraceTextParser {
  readonly #state: TraceState;
  readonly #reader: LineReader;
  readonly #fast: FastLines;
  readonly #maxLine: number;
  readonly #linesToRecognise: number;
  readonly #head = new Uint8Array(HEAD_BYTES);
  #headLength = 0;
  #begun = false;
  #bytes = 0;
  /** The beginning of a line whose end has not come yet. */
  readonly #carry: Uint8Array;
  #carried = 0;
  /** Inside a line that was too long: pass over the rest of it. */
  #skipping = false;
  #refusal: InputError | null = null;
  #ended = false;

  constructor(handlers: TraceHandlers, options: TraceParserOptions = {}) {
    this.#maxLine = options.maxLineBytes ?? 64 * 1024;
    this.#linesToRecognise = options.linesToRecognise ?? 1000;
    assert(this.#maxLine > 0 && this.#linesToRecognise > 0, 'a parser option is zero or negative');
    this.#state = new TraceState(handlers, this.#maxLine);
    this.#reader = new LineReader(this.#state);
    this.#fast = new FastLines(this.#state);
    this.#carry = new Uint8Array(this.#maxLine + 1);
  }

  /** Lines begun and accounted for so far. */
  get lines(): number {
    return this.#state.tally.lines;
  }

  /** Takes the next bytes; they may be reused afterwards. Once refused, every call says so again. */
  push(chunk: Uint8Array): Result<void> {
    assert(!this.#ended, 'push was called after end');
    // A plain view: subclasses (node's Buffer) in the hot loop would make its reads slow.
    const b = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#bytes += b.length;
    if (this.#refusal === null) {
      if (this.#begun) this.#consume(b);
      else this.#begin(b);
    }
    return this.#refusal === null ? ok(undefined) : err(this.#refusal);
  }

  /** Ends the input: the last line need not have a newline. */
  end(): Result<TraceSummary> {
    assert(!this.#ended, 'end was called twice');
    this.#ended = true;
    if (this.#bytes === 0) {
      return err({ code: 'empty-input', message: 'the input is empty', hint: HOW_TO_RECORD });
    }
    if (!this.#begun) this.#readHead();
    if (this.#refusal === null && this.#carried > 0) this.#carriedLine(true);
    if (this.#refusal === null && !this.#state.recognised) this.#refuseUnrecognised();
    return this.#refusal === null ? ok(summarize(this.#state, this.#bytes)) : err(this.#refusal);
  }

  /** Collects the first bytes, whatever chunks they come in. */
  #begin(b: Uint8Array): void {
    const taken = Math.min(HEAD_BYTES - this.#headLength, b.length);
    this.#head.set(b.subarray(0, taken), this.#headLength);
    this.#headLength += taken;
    if (this.#headLength < HEAD_BYTES) return;
    this.#readHead();
    if (this.#refusal === null) this.#consume(b.subarray(taken));
  }

  #readHead(): void {
    this.#begun = true;
    const head = this.#head.slice(0, this.#headLength);
    this.#refusal = refusalByMagic(head);
    if (this.#refusal === null)
      this.#consume(startsWith(head, 0, head.length, UTF8_BOM) ? head.subarray(UTF8_BOM.length) : head);
  }

  #consume(b: Uint8Array): void {
    const size = b.length;
    const view = new DataView(b.buffer, b.byteOffset, size);
    let at = this.#carried > 0 || this.#skipping ? this.#finishLine(b) : 0;
    while (at < size && this.#refusal === null) {
      at = this.#fast.run(b, view, at, size);
      const newline = findNewline(b, at);
      const stop = newline < 0 ? size : newline;
      if (stop - at > this.#maxLine) {
        this.#tooLong(b, at);
        this.#skipping = newline < 0;
      } else if (newline < 0) {
        this.#carry.set(b.subarray(at), 0);
        this.#carried = size - at;
      } else this.#line(b, at, newline, false);
      at = stop + 1;
    }
  }

  /** The rest of a line that an earlier chunk began; returns where the next line begins. */
  #finishLine(b: Uint8Array): number {
    const newline = findNewline(b, 0);
    const stop = newline < 0 ? b.length : newline;
    if (!this.#skipping) {
      const taken = Math.min(stop, this.#maxLine - this.#carried);
      this.#carry.set(b.subarray(0, taken), this.#carried);
      this.#carried += taken;
      if (taken < stop) {
        this.#carried = 0;
        this.#tooLong(this.#carry, 0);
        this.#skipping = true;
      } else if (newline >= 0) this.#carriedLine(false);
    }
    if (newline >= 0) this.#skipping = false;
    return stop + 1;
  }

  #carriedLine(unterminated: boolean): void {
    const end = this.#carried;
    this.#carried = 0;
    this.#carry[end] = NEWLINE;
    this.#line(this.#carry, 0, end, unterminated);
  }

  #line(b: Uint8Array, start: number, newline: number, unterminated: boolean): void {
    this.#state.tally.lines++;
    const end = newline > start && b[newline - 1] === RETURN ? newline - 1 : newline;
    this.#reader.read(b, start, end, unterminated);
    if (!this.#state.recognised) this.#checkUnrecognised(b, start, end);
  }

  #tooLong(b: Uint8Array, start: number): void {
    this.#state.tally.lines++;
    this.#state.tally.skip(SKIP.overlong, b, start, start + this.#maxLine);
    if (!this.#state.recognised) this.#checkUnrecognised(b, start, start + this.#maxLine);
  }

  #checkUnrecognised(b: Uint8Array, start: number, end: number): void {
    const { lines } = this.#state.tally;
    if (b.subarray(start, end).includes(0)) {
      this.#refusal = {
        code: 'binary',
        message: 'the input is binary, not text',
        place: `line ${lines}`,
        hint: HOW_TO_RECORD,
      };
    } else if (lines >= this.#linesToRecognise) this.#refuseUnrecognised();
  }

  #refuseUnrecognised(): void {
    const { lines } = this.#state.tally;
    const message =
      lines === 1
        ? 'its only line does not look like a kernel trace'
        : `none of its first ${lines} lines looks like a kernel trace`;
    this.#refusal = { code: 'not-a-trace', message, hint: HOW_TO_RECORD };
  }
}

/** The next newline, or -1. Lines are short: a loop takes less than the call of `indexOf`. */
function findNewline(b: Uint8Array, at: number): number {
  const size = b.length;
  let p = at;
  while (p < size && b[p] !== NEWLINE) p++;
  return p < size ? p : -1;
}
