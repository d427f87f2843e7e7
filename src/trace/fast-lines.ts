/**
 * The fast reader: lines of ftrace text and of `trace-cmd report` with a task that was seen before, a time in microseconds, and an
 * event that is a map, an unmap, or only to be counted. It does no more than it is sure of; at the first line that is not exactly of
 * this shape it stops, and the general reader (lines.ts) decides. So both must give the same answer for what this one takes.
 *
 * How it is fast: no search for the end of a map or unmap line (it ends where its last number ends); the fixed text compared four
 * bytes at a time; the task looked up by its 24 columns in six words; addresses read as page number and three zeros, two small
 * integers each; nothing allocated.
 */

import {
  asciiWord,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  DOT,
  HEX_DIGIT,
  NEWLINE,
  PAREN_OPEN,
  RETURN,
  SPACE,
  ZERO,
} from './bytes.ts';
import type { EventNames } from './event-names.ts';
import { PLAIN } from './event-names.ts';
import type { IommuRecord, TraceHandlers } from './events.ts';
import type { TraceState } from './state.ts';
import type { Tally } from './tally.ts';
import { BRACKET_COLUMN, OLD_BRACKET_COLUMN, type TaskCache, taskCacheSlot } from './tasks.ts';

const MAP = asciiWord('map:');
const UNMA = asciiWord('unma');
const P_COLON = 0x3a70; // 'p:'
const IOMM = asciiWord('IOMM');
const U_COLON = asciiWord('U: i');
const OVA = asciiWord('ova=');
const ZERO_X = 0x7830; // '0x'
const TO = asciiWord(' - 0');
const PAD = asciiWord(' pad');
const DR_IS = asciiWord('dr=0');
const SIZ = asciiWord(' siz');
const E_IS = 0x3d65; // 'e='
const UNM = asciiWord(' unm');
const APPE = asciiWord('appe');
const D_SI = asciiWord('d_si');
const ZE_IS = asciiWord('ze=0') & 0xffffff;
const LOWER_X = 120;
const FNV_BASIS = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;
/** A line that is nearer than this to the end of the chunk is left to the general reader, so that no read here is out of bounds. */
const MARGIN = 512;
const MAX_RUN = 32;
const ALL_PAGES = 2 ** 52;

/** Page number of the 16 hexadecimal digits at `p`, or -1 if a digit is bad or the low three are not zero. */
function pfnAt(b: Uint8Array, p: number): number {
  const high =
    (HEX_DIGIT[b[p]!]! << 20) |
    (HEX_DIGIT[b[p + 1]!]! << 16) |
    (HEX_DIGIT[b[p + 2]!]! << 12) |
    (HEX_DIGIT[b[p + 3]!]! << 8) |
    (HEX_DIGIT[b[p + 4]!]! << 4) |
    HEX_DIGIT[b[p + 5]!]!;
  const low =
    (HEX_DIGIT[b[p + 6]!]! << 24) |
    (HEX_DIGIT[b[p + 7]!]! << 20) |
    (HEX_DIGIT[b[p + 8]!]! << 16) |
    (HEX_DIGIT[b[p + 9]!]! << 12) |
    (HEX_DIGIT[b[p + 10]!]! << 8) |
    (HEX_DIGIT[b[p + 11]!]! << 4) |
    HEX_DIGIT[b[p + 12]!]!;
  const zeros = (b[p + 13]! ^ ZERO) | (b[p + 14]! ^ ZERO) | (b[p + 15]! ^ ZERO);
  return (high | low) < 0 || zeros !== 0 ? -1 : high * 0x10000000 + low;
}

export class FastLines {
  readonly #state: TraceState;
  readonly #tally: Tally;
  readonly #names: EventNames;
  readonly #cache: TaskCache;
  readonly #record: IommuRecord;
  readonly #handlers: TraceHandlers;
  /** Where `#iommu` found the end of the line: at its newline. */
  #lineEnd = 0;

  constructor(state: TraceState) {
    this.#state = state;
    this.#tally = state.tally;
    this.#names = state.names;
    this.#cache = state.taskCache;
    this.#record = state.record;
    this.#handlers = state.handlers;
  }

  /**
   * Reads lines from `at` on, as long as they are of the known shape and whole; returns where the first other one begins.
   * One long function: it runs once for each line of files with millions of them, and its parts share eight local variables.
   */
  run(b: Uint8Array, view: DataView, at: number, size: number): number {
    const tally = this.#tally;
    const names = this.#names;
    const words = this.#cache.words;
    const ids = this.#cache.ids;
    const limit = size - MARGIN;
    const maxLine = this.#state.maxLineBytes;
    let line = at;
    if (tally.unit !== 'seconds') return line;
    while (line < limit) {
      // Task: the first 24 bytes, as the general reader has read them before.
      const w0 = view.getInt32(line, true);
      const w1 = view.getInt32(line + 4, true);
      const w2 = view.getInt32(line + 8, true);
      const w3 = view.getInt32(line + 12, true);
      const w4 = view.getInt32(line + 16, true);
      const w5 = view.getInt32(line + 20, true);
      const slot = taskCacheSlot(w0, w1, w2, w3, w4, w5);
      const k = slot * 6;
      if (words[k] !== w0 || words[k + 1] !== w1 || words[k + 2] !== w2) return line;
      if (words[k + 3] !== w3 || words[k + 4] !== w4 || words[k + 5] !== w5) return line;
      const taskId = ids[slot]!;
      if (taskId < 0) return line;

      // CPU, then flags or none. The blank before a bracket at column 25 is not among the 24 columns.
      let p = line + OLD_BRACKET_COLUMN;
      if (b[p] !== BRACKET_OPEN) {
        p = line + BRACKET_COLUMN;
        if (b[p] !== BRACKET_OPEN || b[p - 1] !== SPACE) return line;
      }
      const cpu = (b[p + 1]! - ZERO) >>> 0 < 10 && (b[p + 2]! - ZERO) >>> 0 < 10 && (b[p + 3]! - ZERO) >>> 0 < 10;
      if (!cpu || b[p + 4] !== BRACKET_CLOSE || b[p + 5] !== SPACE) return line;
      p += 6;
      const bound = p + MAX_RUN;
      while (b[p] === SPACE && p < bound) p++;
      if ((b[p]! - ZERO) >>> 0 >= 10) {
        const flags = p;
        while (b[p]! > SPACE) if (++p - flags > 12) return line;
        while (b[p] === SPACE && p < bound) p++;
      }

      // Time: up to nine digits, a dot, six digits, a colon, one blank.
      const time = p;
      let seconds = 0;
      let digit = (b[p]! - ZERO) >>> 0;
      while (digit < 10 && p - time < 10) {
        seconds = seconds * 10 + digit;
        digit = (b[++p]! - ZERO) >>> 0;
      }
      if (p === time || p - time > 9 || b[p] !== DOT || b[p + 7] !== COLON || b[p + 8] !== SPACE) return line;
      let micros = 0;
      for (let i = p + 1; i < p + 7; i++) {
        digit = (b[i]! - ZERO) >>> 0;
        if (digit >= 10) return line;
        micros = micros * 10 + digit;
      }
      const timestamp = (seconds * 1000000 + micros) / 1000000;
      p += 9;

      // A map or an unmap, or a name to count.
      const word = view.getInt32(p, true);
      let end: number;
      let counted = -1;
      if (word === MAP) {
        if (!this.#iommu(b, view, p + 4, true, size)) return line;
        end = this.#lineEnd;
      } else if (word === UNMA && view.getUint16(p + 4, true) === P_COLON) {
        if (!this.#iommu(b, view, p + 6, false, size)) return line;
        end = this.#lineEnd;
      } else {
        let hash = FNV_BASIS;
        let q = p;
        let byte = b[q]!;
        // [a-z_][a-z0-9_]*
        if (byte !== 95 && (byte - 97) >>> 0 >= 26) return line;
        const nameBound = p + 64;
        do {
          hash = Math.imul(hash ^ byte, FNV_PRIME);
          byte = b[++q]!;
        } while (q < nameBound && ((byte - 97) >>> 0 < 26 || byte === 95 || (byte - ZERO) >>> 0 < 10));
        if (byte !== COLON || b[q + 1] !== SPACE) return line;
        counted = names.intern(b, p, q, hash);
        if (names.kind(counted) !== PLAIN) return line;
        q += 2;
        while (b[q] === SPACE) q++;
        if (b[q] === PAREN_OPEN) return line;
        while (q < size && b[q] !== NEWLINE) q++;
        if (q >= size) return line;
        end = q;
      }
      if (end - line > maxLine) return line;

      // Nothing can go wrong from here on.
      tally.lines++;
      if (timestamp < tally.previous) tally.wentBack++;
      if (timestamp < tally.earliest) tally.earliest = timestamp;
      if (timestamp > tally.latest) tally.latest = timestamp;
      tally.previous = timestamp;
      line = end + 1;
      if (counted >= 0) {
        names.counts[counted]!++;
        continue;
      }
      const record = this.#record;
      record.timestamp = timestamp;
      record.taskId = taskId;
      record.line = tally.lines;
      if (word === MAP) {
        names.counts[names.mapId]!++;
        this.#handlers.map(record);
      } else {
        names.counts[names.unmapId]!++;
        this.#handlers.unmap(record);
      }
    }
    return line;
  }

  /** The arguments at `at`, behind the name's colon, into the record; false if they are not exactly as kernels print them. */
  #iommu(b: Uint8Array, view: DataView, at: number, isMap: boolean, size: number): boolean {
    let p = at;
    while (b[p] === SPACE && p - at < MAX_RUN) p++;
    if (p === at || p + 256 > size) return false;
    if (view.getInt32(p, true) !== IOMM || view.getInt32(p + 4, true) !== U_COLON) return false;
    if (view.getInt32(p + 8, true) !== OVA || view.getUint16(p + 12, true) !== ZERO_X) return false;
    const iova = pfnAt(b, p + 14);
    p += 30;
    // Kernels to 5.16 print no end.
    const hasEnd = view.getInt32(p, true) === TO;
    let end = 0;
    if (hasEnd) {
      if (b[p + 4] !== LOWER_X) return false;
      end = pfnAt(b, p + 5);
      p += 21;
    }
    let paddr = 0;
    if (isMap) {
      if (view.getInt32(p, true) !== PAD || view.getInt32(p + 4, true) !== DR_IS || b[p + 8] !== LOWER_X) return false;
      paddr = pfnAt(b, p + 9);
      p += 25;
    }
    if (view.getInt32(p, true) !== SIZ || view.getUint16(p + 4, true) !== E_IS) return false;
    p += 6;
    let start = p;
    let bytes = 0;
    let digit = (b[p]! - ZERO) >>> 0;
    while (digit < 10 && p - start < 16) {
      bytes = bytes * 10 + digit;
      digit = (b[++p]! - ZERO) >>> 0;
    }
    if (p === start || p - start > 15) return false;
    let unmapped = 0;
    if (!isMap) {
      if (view.getInt32(p, true) !== UNM || view.getInt32(p + 4, true) !== APPE || view.getInt32(p + 8, true) !== D_SI)
        return false;
      if ((view.getInt32(p + 12, true) & 0xffffff) !== ZE_IS) return false;
      p += 15;
      start = p;
      digit = (b[p]! - ZERO) >>> 0;
      while (digit < 10 && p - start < 16) {
        unmapped = unmapped * 10 + digit;
        digit = (b[++p]! - ZERO) >>> 0;
      }
      if (p === start || p - start > 15) return false;
    }
    // The hexadecimal digits' end is held by the text behind them, the decimal ones' by the newline.
    if (b[p] === RETURN) p++;
    if (b[p] !== NEWLINE || p >= size) return false;
    const pages = bytes / 4096;
    const unmappedPages = unmapped / 4096;
    if (iova < 0 || paddr < 0 || pages === 0 || (hasEnd && end !== iova + pages)) return false;
    if (Math.floor(pages) !== pages) return false;
    if (Math.floor(unmappedPages) !== unmappedPages || iova + pages > ALL_PAGES || paddr + pages > ALL_PAGES)
      return false;
    const record = this.#record;
    record.iovaPfn = iova;
    record.paddrPfn = paddr;
    record.pages = pages;
    record.unmappedPages = unmappedPages;
    this.#lineEnd = p;
    return true;
  }
}
