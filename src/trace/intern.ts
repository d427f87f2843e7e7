/**
 * Byte strings to small numbers: event names and task names repeat millions of times and are made into text once.
 * Open addressing over a hash that the caller has, then a full comparison. The number of entries is bounded, because the
 * input is not trusted; past the bound `intern` says -1 and the caller has a place for the rest.
 */

import { assert } from '../base/assert.ts';
import { decodeUtf8 } from './bytes.ts';

export class ByteInterner {
  readonly #limit: number;
  readonly #mask: number;
  /** Entry number + 1; 0 is empty. */
  readonly #slots: Int32Array;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #tags: number[] = [];
  #arena = new Uint8Array(4096);
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
    // At most half full, so that probing ends soon.
    const slots = 2 ** Math.ceil(Math.log2(2 * (limit + 1)));
    this.#mask = slots - 1;
    this.#slots = new Int32Array(slots);
  }

  get size(): number {
    return this.#starts.length;
  }

  /** The entry for these bytes and this tag, made if it is new; -1 if there is no room for a new one. */
  intern(b: Uint8Array, start: number, end: number, tag: number, hash: number): number {
    let slot = (hash ^ (hash >>> 15) ^ Math.imul(tag, 0x9e3779b1)) & this.#mask;
    for (;;) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) return this.#add(b, start, end, tag, slot);
      if (this.#tags[entry] === tag && this.#same(entry, b, start, end)) return entry;
      slot = (slot + 1) & this.#mask;
    }
  }

  text(entry: number): string {
    assert(entry >= 0 && entry < this.size, 'an entry of another interner was asked for');
    return decodeUtf8(this.#arena, this.#starts[entry]!, this.#ends[entry]!);
  }

  tag(entry: number): number {
    return this.#tags[entry]!;
  }

  #same(entry: number, b: Uint8Array, start: number, end: number): boolean {
    const from = this.#starts[entry]!;
    if (this.#ends[entry]! - from !== end - start) return false;
    const arena = this.#arena;
    for (let i = start; i < end; i++) if (arena[from + i - start] !== b[i]) return false;
    return true;
  }

  #add(b: Uint8Array, start: number, end: number, tag: number, slot: number): number {
    if (this.size >= this.#limit) return -1;
    const length = end - start;
    if (this.#used + length > this.#arena.length) {
      const larger = new Uint8Array(Math.max(2 * this.#arena.length, this.#used + length));
      larger.set(this.#arena);
      this.#arena = larger;
    }
    this.#arena.set(b.subarray(start, end), this.#used);
    this.#starts.push(this.#used);
    this.#used += length;
    this.#ends.push(this.#used);
    this.#tags.push(tag);
    this.#slots[slot] = this.size;
    return this.size - 1;
  }
}
