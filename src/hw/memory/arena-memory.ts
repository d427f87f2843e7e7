/**
 * Simulated physical memory for speed: one Int32Array holds everything, halves of a word interleaved. It begins with two
 * elements a frame: a slot, which says where the frame's 1,024 halves are, and its counters. A frame that is all zero needs
 * no piece of its own, so 32 GiB of emptied page tables fit in some 200 MiB. All share one array because each typed array
 * that a function touches costs V8 a dozen instructions (docs/adr/0003).
 *
 * Frames are numbered from 512: the elements of those below are never set, and so are the piece of zeros that all slots
 * which were never set, or are zero again, point to.
 *
 * `keepZeroFrames`: a frame that becomes zero keeps its piece, since a design that frees emptied tables reuses the frame
 * at once. Without it the piece goes back to the pool, since emptied tables stay.
 *
 * Members are `private` and not `#private`: a private name makes the bytecode of each method larger, and V8 inlines by size.
 * Arrays grow by doubling; nothing is resizable or shared (both cost 2 to 14 times an access).
 */
import type { TableMemory } from './table-memory.ts';

export interface ArenaOptions {
  readonly keepZeroFrames?: boolean;
  /** Frames of the simulated machine; allocation fails beyond. Default 2^28 (1 TiB of tables). */
  readonly maxFrames?: number;
  /** Frames and non-zero frames to make room for at once: spares the copies of growing, and what is not used costs nothing. */
  readonly expectFrames?: number;
  readonly expectNonZeroFrames?: number;
  /** Host bytes for non-zero frames and slots; beyond, `HostMemoryExhausted` is thrown. Default and most: 8 GiB. */
  readonly maxHostBytes?: number;
}

/** The simulated tables need more host memory than allowed: input that is too large, not a bug. */
export class HostMemoryExhausted extends Error {
  override readonly name = 'HostMemoryExhausted';
}

/** Halves in a piece: one frame. */
const PIECE = 1024;
/** Element indices stay below 2^31. */
const MAX_HOST_BYTES = 2 ** 33;

const FIRST_FRAME = PIECE / 2;
/** Counters of a frame: the design's in bits 31:16, signed, and the number of non-zero words in 15:0. */
const COUNTER_SHIFT = 16;
const NON_ZERO_MASK = 0xffff;

export class ArenaMemory implements TableMemory {
  /** [0, 2 * capacity): slot of each frame, a position in this array or 0, and its counters. Then the pieces. */
  private words: Int32Array;
  /** Frames that have a slot; a power of two. */
  private capacity: number;
  /** Position after the last piece handed out. */
  private end: number;
  private freeFrames: Int32Array;
  private freeFrameCount = 0;
  private freePieces = new Int32Array(PIECE);
  private freePieceCount = 0;
  private nextFrame = FIRST_FRAME;
  private readonly keepZeroFrames: boolean;
  private readonly maxFrames: number;
  private readonly maxHalves: number;

  constructor(options: ArenaOptions = {}) {
    this.keepZeroFrames = options.keepZeroFrames ?? false;
    this.maxFrames = options.maxFrames ?? 2 ** 28;
    this.maxHalves = Math.floor(Math.min(options.maxHostBytes ?? MAX_HOST_BYTES, MAX_HOST_BYTES) / 4);
    this.capacity = PIECE;
    while (this.capacity < FIRST_FRAME + (options.expectFrames ?? 0)) this.capacity *= 2;
    this.end = 2 * this.capacity;
    this.words = new Int32Array(this.end + Math.max(64, options.expectNonZeroFrames ?? 0) * PIECE);
    this.freeFrames = new Int32Array(this.capacity);
  }

  /** A machine just switched on, in the same host memory: no frame is in use, all are zero. */
  reset(): void {
    this.words.fill(0, 0, 2 * this.nextFrame);
    this.words.fill(0, 2 * this.capacity, this.end);
    this.end = 2 * this.capacity;
    this.nextFrame = FIRST_FRAME;
    this.freeFrameCount = 0;
    this.freePieceCount = 0;
  }

  /** Frames given out and not freed. */
  get framesInUse(): number {
    return this.nextFrame - FIRST_FRAME - this.freeFrameCount;
  }

  /** Host bytes of slots and of pieces that hold non-zero frames, or did. */
  get hostBytes(): number {
    return this.end * 4;
  }

  tableIn(pfn: number, index: number, mask: number, tableLo: number): number {
    const words = this.words;
    // `| 0` and `| 1` tell V8 that nothing overflows; positions are even.
    const at = (words[pfn << 1]! + (index << 1)) | 0;
    const lo = words[at]!;
    return (lo & mask) === tableLo ? (lo >>> 12) | ((words[at | 1]! & 0x7ff) << 20) : 0;
  }

  locate(pfn: number, index: number): number {
    return (this.words[pfn << 1]! + (index << 1)) | 0;
  }

  lo(at: number): number {
    return this.words[at]!;
  }

  hi(at: number): number {
    return this.words[at | 1]!;
  }

  open(pfn: number, index: number): number {
    return ((this.words[pfn << 1] || this.attach(pfn)) + (index << 1)) | 0;
  }

  writable(pfn: number, index: number): number {
    const base = this.words[pfn << 1]!;
    return base === 0 ? 0 : (base + (index << 1)) | 0;
  }

  put(at: number, lo: number, hi: number): void {
    const words = this.words;
    words[at] = lo;
    words[at | 1] = hi;
  }

  count(pfn: number, delta: number): void {
    const left = (this.words[(pfn << 1) | 1]! + delta) | 0;
    this.words[(pfn << 1) | 1] = left;
    if ((left & NON_ZERO_MASK) === 0 && !this.keepZeroFrames) this.detach(pfn);
  }

  store(pfn: number, index: number, lo: number, hi: number): void {
    const at = this.locate(pfn, index);
    const was = this.words[at]! | this.words[at + 1]!;
    if ((lo | hi) === 0) {
      if (was !== 0) this.clear(pfn, index);
    } else if (was === 0) {
      this.fill(pfn, index, lo, hi);
    } else {
      this.put(at, lo, hi);
    }
  }

  fill(pfn: number, index: number, lo: number, hi: number): void {
    this.put(this.open(pfn, index), lo, hi);
    this.words[(pfn << 1) | 1]!++;
  }

  installIfZero(pfn: number, index: number, lo: number, hi: number): boolean {
    const at = this.locate(pfn, index);
    if ((this.words[at]! | this.words[at + 1]!) !== 0) return false;
    this.fill(pfn, index, lo, hi);
    return true;
  }

  clear(pfn: number, index: number): void {
    this.put(this.locate(pfn, index), 0, 0);
    this.count(pfn, -1);
  }

  exchangeZero(pfn: number, index: number): number {
    const at = this.locate(pfn, index);
    const lo = this.words[at]!;
    if ((lo | this.words[at + 1]!) !== 0) this.clear(pfn, index);
    return lo;
  }

  allocFrame(): number {
    if (this.freeFrameCount === 0) return this.allocFresh();
    const pfn = this.freeFrames[--this.freeFrameCount]!;
    if (this.words[(pfn << 1) | 1] !== 0) this.clean(pfn);
    return pfn;
  }

  freeFrame(pfn: number): void {
    this.freeFrames[this.freeFrameCount++] = pfn;
  }

  addRefcount(pfn: number, delta: number): number {
    const value = (this.words[(pfn << 1) | 1]! + (delta << COUNTER_SHIFT)) | 0;
    this.words[(pfn << 1) | 1] = value;
    return value >> COUNTER_SHIFT;
  }

  addMapcount(pfn: number, delta: number): number {
    return this.addRefcount(pfn, delta);
  }

  addEntries(pfn: number, delta: number): number {
    return this.addRefcount(pfn, delta);
  }

  /** Non-zero words of a frame: for tests and reports. */
  nonZeroWords(pfn: number): number {
    return (this.words[(pfn << 1) | 1] ?? 0) & NON_ZERO_MASK;
  }

  private allocFresh(): number {
    if (this.nextFrame - FIRST_FRAME >= this.maxFrames) return 0;
    if (this.nextFrame === this.capacity) this.growFrames();
    return this.nextFrame++;
  }

  /** Doubles the slots: all pieces move up by as much, and with them what the slots and the free list say. */
  private growFrames(): void {
    const shift = 2 * this.capacity;
    const old = this.words;
    const grownEnd = this.end + shift;
    this.words = new Int32Array(this.roomFor(grownEnd));
    this.words.set(old.subarray(0, shift));
    this.words.set(old.subarray(shift, this.end), 2 * shift);
    for (let pfn = FIRST_FRAME; pfn < this.capacity; pfn++) {
      if (old[pfn << 1] !== 0) this.words[pfn << 1] = old[pfn << 1]! + shift;
    }
    for (let i = 0; i < this.freePieceCount; i++) this.freePieces[i] = this.freePieces[i]! + shift;
    this.end = grownEnd;
    this.capacity *= 2;
    this.freeFrames = grown(this.freeFrames, new Int32Array(this.capacity));
  }

  /** Length of an array that holds `halves` and some more. */
  private roomFor(halves: number): number {
    if (halves > this.maxHalves) {
      throw new HostMemoryExhausted(`simulated page tables need more than ${this.maxHalves * 4} bytes of host memory`);
    }
    let length = this.words.length;
    while (length < halves) length *= 2;
    return Math.min(length, this.maxHalves);
  }

  /** Gives the frame a piece of zeros of its own; returns its position. */
  private attach(pfn: number): number {
    let at: number;
    if (this.freePieceCount > 0) {
      at = this.freePieces[--this.freePieceCount]!;
    } else {
      at = this.end;
      if (at + PIECE > this.words.length) {
        this.words = grown(this.words, new Int32Array(this.roomFor(at + PIECE)));
      }
      this.end = at + PIECE;
    }
    this.words[pfn << 1] = at;
    return at;
  }

  private detach(pfn: number): void {
    if (this.freePieceCount === this.freePieces.length) {
      this.freePieces = grown(this.freePieces, new Int32Array(this.freePieces.length * 2));
    }
    const at = this.words[pfn << 1]!;
    // A frame that never had a piece has none to give back.
    if (at === 0) return;
    this.freePieces[this.freePieceCount++] = at;
    this.words[pfn << 1] = 0;
  }

  /** A page from the allocator is zero, and so are its counters. */
  private clean(pfn: number): void {
    const dirty = (this.words[(pfn << 1) | 1]! & NON_ZERO_MASK) !== 0;
    this.words[(pfn << 1) | 1] = 0;
    if (!dirty) return;
    const at = this.words[pfn << 1]!;
    this.words.fill(0, at, at + PIECE);
    if (!this.keepZeroFrames) this.detach(pfn);
  }
}

function grown(from: Int32Array, to: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  to.set(from);
  return to;
}
