/**
 * The arguments of `iommu:map` and `iommu:unmap`, in every shape we know (include/trace/events/iommu.h):
 *
 *   IOMMU: iova=0x… paddr=0x… size=%zu                        map, to 5.16
 *   IOMMU: iova=0x… - 0x… paddr=0x… size=%zu                  map, from 5.17; the second address is exclusive
 *   IOMMU: iova=0x… [- 0x…] size=%zu unmapped_size=%zu        unmap
 *   iova=0x… paddr=0x… size=8192                              `trace-cmd report -R`
 *   iova=0x… (4294676480) paddr=0x… (…) size=0x1000 (4096)    ftrace's `fields` option
 *
 * Values are read as pages and a rest, exact over the whole 64 bits, without bigint. Fields that a later kernel may append as
 * ` name=value` are passed over.
 */

import {
  ascii,
  DASH,
  decimalValue,
  EQUALS,
  HEX_DIGIT,
  isDigit,
  isNameStart,
  LOWER_X,
  NAME_BYTE,
  PAREN_CLOSE,
  PAREN_OPEN,
  SPACE,
  skipDigits,
  skipHexDigits,
  skipSpaces,
  startsWith,
  ZERO,
} from '../bytes.ts';
import type { IommuRecord } from '../events.ts';
import { SKIP, type SkipReason } from '../tally.ts';

const PAGE_BYTES = 4096;
/** Pages in 64 bits of address. */
const ALL_PAGES = 2 ** 52;

const IOMMU = ascii('IOMMU:');
const IOVA = ascii('iova=');
const PADDR = ascii('paddr=');
const SIZE = ascii('size=');
const UNMAPPED = ascii('unmapped_size=');

export class IommuArgs {
  /** The value read last. */
  #pages = 0;
  #rest = 0;
  #beyond = false;

  /** Whether these are the tracepoint's arguments, rather than those of a kprobe or another event of the same name. */
  isIommuShape(b: Uint8Array, at: number, end: number): boolean {
    return startsWith(b, at, end, IOMMU) || startsWith(b, at, end, IOVA);
  }

  /** Fills `record` from the arguments of a map or an unmap; null if it did, else why not. */
  read(b: Uint8Array, at: number, end: number, isMap: boolean, record: IommuRecord): SkipReason | null {
    let p = startsWith(b, at, end, IOMMU) ? skipSpaces(b, at + IOMMU.length, end) : at;
    let beyond = false;
    let rest = 0;

    p = this.#field(b, p, end, IOVA);
    if (p < 0) return SKIP.malformed;
    const iovaPfn = this.#pages;
    beyond ||= this.#beyond;
    rest += this.#rest;

    let endPfn = -1;
    let endRest = 0;
    const range = skipSpaces(b, p, end);
    if (b[range] === DASH && range < end) {
      p = this.#value(b, skipSpaces(b, range + 1, end), end);
      if (p < 0) return SKIP.malformed;
      endPfn = this.#pages;
      endRest = this.#rest;
      beyond ||= this.#beyond;
    }

    let paddrPfn = 0;
    if (isMap) {
      p = this.#field(b, skipSpaces(b, p, end), end, PADDR);
      if (p < 0) return SKIP.malformed;
      paddrPfn = this.#pages;
      beyond ||= this.#beyond;
      rest += this.#rest;
    }

    p = this.#field(b, skipSpaces(b, p, end), end, SIZE);
    if (p < 0) return SKIP.malformed;
    const pages = this.#pages;
    beyond ||= this.#beyond;
    const sizeRest = this.#rest;

    let unmappedPages = 0;
    if (!isMap) {
      p = this.#field(b, skipSpaces(b, p, end), end, UNMAPPED);
      if (p < 0) return SKIP.malformed;
      unmappedPages = this.#pages;
      beyond ||= this.#beyond;
      rest += this.#rest;
    }
    if (!this.#onlyFields(b, p, end)) return SKIP.malformed;

    if (beyond || iovaPfn + pages > ALL_PAGES || paddrPfn + pages > ALL_PAGES) return SKIP.beyond64Bits;
    if (pages === 0 && sizeRest === 0) return SKIP.empty;
    if (rest + sizeRest !== 0) return SKIP.unaligned;
    // The kernel adds in 64 bits: a range up to the very end is printed with the end 0.
    if (endPfn >= 0 && (endRest !== 0 || endPfn !== (iovaPfn + pages) % ALL_PAGES)) return SKIP.endMismatch;

    record.iovaPfn = iovaPfn;
    record.paddrPfn = paddrPfn;
    record.pages = pages;
    record.unmappedPages = unmappedPages;
    return null;
  }

  #field(b: Uint8Array, at: number, end: number, key: Uint8Array): number {
    return startsWith(b, at, end, key) ? this.#value(b, at + key.length, end) : -1;
  }

  /** Reads a number and the ` (4096)` that the fields option puts behind it; where it ends, or -1. */
  #value(b: Uint8Array, at: number, end: number): number {
    const hex = b[at] === ZERO && b[at + 1] === LOWER_X && at + 1 < end;
    const stop = hex ? this.#hex(b, at + 2, end) : this.#decimal(b, at, end);
    if (stop < 0 || (stop < end && b[stop] !== SPACE)) return -1;
    if (b[stop + 1] !== PAREN_OPEN || stop + 1 >= end) return stop;
    const close = skipDigits(b, b[stop + 2] === DASH ? stop + 3 : stop + 2, end);
    return b[close] === PAREN_CLOSE && close < end ? close + 1 : -1;
  }

  #hex(b: Uint8Array, at: number, end: number): number {
    const stop = skipHexDigits(b, at, end);
    if (stop === at) return -1;
    let first = at;
    while (first < stop && b[first] === ZERO) first++;
    this.#beyond = stop - first > 16;
    const cut = Math.max(first, stop - 3);
    let pages = 0;
    let rest = 0;
    if (!this.#beyond) {
      for (let i = first; i < cut; i++) pages = pages * 16 + HEX_DIGIT[b[i]!]!;
      for (let i = cut; i < stop; i++) rest = rest * 16 + HEX_DIGIT[b[i]!]!;
    }
    this.#pages = pages;
    this.#rest = rest;
    return stop;
  }

  #decimal(b: Uint8Array, at: number, end: number): number {
    const stop = skipDigits(b, at, end);
    if (stop === at) return -1;
    let first = at;
    while (first < stop && b[first] === ZERO) first++;
    this.#beyond = stop - first > 20;
    this.#pages = 0;
    this.#rest = 0;
    if (this.#beyond) return stop;
    // Up to 20 digits: in two halves of at most 10, each exact; 10^10 = 2441406 * 4096 + 1024.
    const cut = Math.max(first, stop - 10);
    const high = decimalValue(b, first, cut);
    const low = decimalValue(b, cut, stop);
    const rest = high * 1024 + low;
    this.#pages = high * 2441406 + Math.floor(rest / PAGE_BYTES);
    this.#rest = rest % PAGE_BYTES;
    this.#beyond = this.#pages >= ALL_PAGES;
    return stop;
  }

  #onlyFields(b: Uint8Array, at: number, end: number): boolean {
    let p = at;
    for (;;) {
      p = skipSpaces(b, p, end);
      if (p >= end) return true;
      if (!isNameStart(b[p])) return false;
      while (p < end && NAME_BYTE[b[p]!] === 1) p++;
      if (b[p] !== EQUALS || p >= end) return false;
      while (p < end && b[p] !== SPACE) p++;
    }
  }
}

/** Whether an unmap line that ends without a newline was cut inside its last number: what is left begins the size. */
export function lastNumberIsCut(b: Uint8Array, start: number, end: number): boolean {
  let cut = end;
  while (cut > start && isDigit(b[cut - 1])) cut--;
  const length = end - cut;
  if (length === 0 || !startsWith(b, cut - UNMAPPED.length, end, UNMAPPED)) return false;
  const size = cut - UNMAPPED.length - 1;
  let from = size;
  while (from > start && isDigit(b[from - 1])) from--;
  return size - from > length && startsWith(b, from, size, b.subarray(cut, end));
}
