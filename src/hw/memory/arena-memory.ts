/**
 * Simulated physical memory for speed: frames live in one Int32Array arena, halves interleaved, and `slot[pfn]` says
 * which 4 KiB piece of the arena holds a frame. A frame that is all zero needs no piece (slot 0 is a piece of zeros),
 * so 32 GiB of emptied page tables fit in some 150 MiB. Measured designs: docs/adr/0003.
 *
 * `keepZeroFrames`: a frame that becomes zero keeps its piece, since a design that frees emptied tables reuses the frame
 * at once. Without it the piece goes back to the pool, since emptied tables stay.
 *
 * Plain typed arrays grow by doubling; nothing is resizable or shared (both cost 2 to 14 times an access).
 */
import type { TableMemory } from './table-memory.ts';

export interface ArenaOptions {
  readonly keepZeroFrames?: boolean;
  /** Frames of the simulated machine; allocation fails beyond. Default 2^28 (1 TiB of tables). */
  readonly maxFrames?: number;
  /** Host bytes for non-zero frames; beyond, `HostMemoryExhausted` is thrown. Default 8 GiB: element indices stay below 2^31. */
  readonly maxHostBytes?: number;
}

/** The simulated tables need more host memory than allowed: input that is too large, not a bug. */
export class HostMemoryExhausted extends Error {
  override readonly name = 'HostMemoryExhausted';
}

const PIECE_BYTES = 4096;
const MAX_PIECES = 2 ** 21;

export class ArenaMemory implements TableMemory {
  #words: Int32Array;
  #slot: Int32Array;
  /** Non-zero words of each frame: what is true, not what a design counts. */
  #nonZero: Uint16Array;
  #counter: Int16Array;
  #freeFrames: Int32Array;
  #freePieces: Int32Array;
  #freeFrameCount = 0;
  #freePieceCount = 0;
  #nextFrame = 1;
  #nextPiece = 1;
  #pieces: number;
  readonly #keepZeroFrames: boolean;
  readonly #maxFrames: number;
  readonly #maxPieces: number;

  constructor(options: ArenaOptions = {}) {
    this.#keepZeroFrames = options.keepZeroFrames ?? false;
    this.#maxFrames = options.maxFrames ?? 2 ** 28;
    this.#maxPieces = Math.min(
      MAX_PIECES,
      Math.floor((options.maxHostBytes ?? MAX_PIECES * PIECE_BYTES) / PIECE_BYTES),
    );
    this.#pieces = 64;
    this.#words = new Int32Array(this.#pieces * 1024);
    this.#slot = new Int32Array(256);
    this.#nonZero = new Uint16Array(256);
    this.#counter = new Int16Array(256);
    this.#freeFrames = new Int32Array(256);
    this.#freePieces = new Int32Array(256);
  }

  /** Frames given out and not freed. */
  get framesInUse(): number {
    return this.#nextFrame - 1 - this.#freeFrameCount;
  }

  /** Host bytes that hold non-zero frames, or did. */
  get hostBytes(): number {
    return this.#nextPiece * PIECE_BYTES;
  }

  locate(pfn: number, index: number): number {
    return (this.#slot[pfn]! << 10) | (index << 1);
  }

  lo(at: number): number {
    return this.#words[at]!;
  }

  hi(at: number): number {
    return this.#words[at | 1]!;
  }

  store(pfn: number, index: number, lo: number, hi: number): void {
    const at = (this.#slot[pfn]! << 10) | (index << 1);
    const was = this.#words[at]! | this.#words[at + 1]!;
    if ((lo | hi) === 0) {
      if (was !== 0) this.clear(pfn, index);
    } else if (was === 0) {
      this.fill(pfn, index, lo, hi);
    } else {
      this.#words[at] = lo;
      this.#words[at + 1] = hi;
    }
  }

  fill(pfn: number, index: number, lo: number, hi: number): void {
    const at = ((this.#slot[pfn] || this.#attach(pfn)) << 10) | (index << 1);
    this.#words[at] = lo;
    this.#words[at | 1] = hi;
    this.#nonZero[pfn]!++;
  }

  installIfZero(pfn: number, index: number, lo: number, hi: number): boolean {
    const at = (this.#slot[pfn]! << 10) | (index << 1);
    if ((this.#words[at]! | this.#words[at + 1]!) !== 0) return false;
    this.fill(pfn, index, lo, hi);
    return true;
  }

  clear(pfn: number, index: number): void {
    const at = (this.#slot[pfn]! << 10) | (index << 1);
    this.#words[at] = 0;
    this.#words[at | 1] = 0;
    if (--this.#nonZero[pfn]! === 0 && !this.#keepZeroFrames) this.#detach(pfn);
  }

  exchangeZero(pfn: number, index: number): number {
    const at = (this.#slot[pfn]! << 10) | (index << 1);
    const lo = this.#words[at]!;
    if ((lo | this.#words[at + 1]!) !== 0) this.clear(pfn, index);
    return lo;
  }

  allocFrame(): number {
    if (this.#freeFrameCount > 0) {
      const pfn = this.#freeFrames[--this.#freeFrameCount]!;
      if (this.#nonZero[pfn] !== 0) this.#zero(pfn);
      if (this.#counter[pfn] !== 0) this.#counter[pfn] = 0;
      return pfn;
    }
    return this.#allocFresh();
  }

  freeFrame(pfn: number): void {
    this.#freeFrames[this.#freeFrameCount++] = pfn;
  }

  addRefcount(pfn: number, delta: number): number {
    const value = this.#counter[pfn]! + delta;
    this.#counter[pfn] = value;
    return value;
  }

  addMapcount(pfn: number, delta: number): number {
    return this.addRefcount(pfn, delta);
  }

  addEntries(pfn: number, delta: number): number {
    return this.addRefcount(pfn, delta);
  }

  /** Non-zero words of a frame: for tests and reports. */
  nonZeroWords(pfn: number): number {
    return this.#nonZero[pfn] ?? 0;
  }

  #allocFresh(): number {
    if (this.#nextFrame > this.#maxFrames) return 0;
    if (this.#nextFrame === this.#slot.length) this.#growFrames();
    return this.#nextFrame++;
  }

  #growFrames(): void {
    const length = this.#slot.length * 2;
    this.#slot = grown(this.#slot, new Int32Array(length));
    this.#nonZero = grown(this.#nonZero, new Uint16Array(length));
    this.#counter = grown(this.#counter, new Int16Array(length));
    this.#freeFrames = grown(this.#freeFrames, new Int32Array(length));
  }

  /** Gives the frame a piece of zeros. */
  #attach(pfn: number): number {
    let piece: number;
    if (this.#freePieceCount > 0) {
      piece = this.#freePieces[--this.#freePieceCount]!;
    } else {
      if (this.#nextPiece >= this.#maxPieces) {
        throw new HostMemoryExhausted(
          `simulated page tables need more than ${this.#maxPieces * PIECE_BYTES} bytes of host memory`,
        );
      }
      if (this.#nextPiece === this.#pieces) this.#growPieces();
      piece = this.#nextPiece++;
    }
    this.#slot[pfn] = piece;
    return piece;
  }

  #growPieces(): void {
    this.#pieces = Math.min(this.#pieces * 2, this.#maxPieces);
    this.#words = grown(this.#words, new Int32Array(this.#pieces * 1024));
  }

  #detach(pfn: number): void {
    if (this.#freePieceCount === this.#freePieces.length) {
      this.#freePieces = grown(this.#freePieces, new Int32Array(this.#freePieces.length * 2));
    }
    this.#freePieces[this.#freePieceCount++] = this.#slot[pfn]!;
    this.#slot[pfn] = 0;
  }

  #zero(pfn: number): void {
    const start = this.#slot[pfn]! << 10;
    this.#words.fill(0, start, start + 1024);
    this.#nonZero[pfn] = 0;
    if (!this.#keepZeroFrames) this.#detach(pfn);
  }
}

function grown<A extends Int32Array | Uint16Array | Int16Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
