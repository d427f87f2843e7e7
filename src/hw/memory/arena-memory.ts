/**
 * Simulated physical memory for speed: one Int32Array holds everything, halves of a word interleaved. It begins with two
 * elements a frame: the position of the frame's piece, and its counters while it has none. A frame that is all zero needs no
 * piece, so 32 GiB of emptied page tables fit in some 200 MiB. All share one array because each typed array that a function
 * touches costs V8 a dozen instructions (docs/adr/0003).
 *
 * A piece, from four elements before its position on: one unused, the frame, the frame's counters, its owner; then 1,024 halves.
 * The piece of a table of tables has 512 elements more, one for each word: where the piece of the table below is, or 0 when
 * that is not known. `follow` reads those alone and decodes no word. The owner is the element that points to a piece, so
 * that a piece which goes can be forgotten: `words[at] = p` and `words[p - OWNER] = at` hold together or not at all.
 *
 * Frames are numbered from 768: the elements of those below are never set, and so are the piece of zeros that all frames
 * without one share, at position 0.
 *
 * `keepZeroFrames`: a frame that becomes zero keeps its piece, since a design that frees emptied tables reuses the frame
 * at once. Without it the piece goes back to the pool, since emptied tables stay.
 *
 * Members are `private` and not `#private`: a private name makes the bytecode of each method larger, and V8 inlines by size.
 * Arrays grow by doubling; nothing is resizable or shared (both cost 2 to 14 times an access).
 */
import { type ArenaOptions, grown, HostMemoryExhausted, MAX_HOST_BYTES } from './host-memory.ts';
import type { TableMemory } from './table-memory.ts';

export { type ArenaOptions, HostMemoryExhausted };

/** Where things are in a piece, relative to its position. */
const FRAME = 3;
const COUNTERS = 2;
const OWNER = 1;
const BELOW = 1024;
/** Elements of a piece. */
const PLAIN_PIECE = 4 + 1024;
const POINTER_PIECE = PLAIN_PIECE + 512;

const FIRST_FRAME = (BELOW + 512) / 2;
/** Counters of a frame: the design's in bits 31:16, signed; whether it holds pointers; the number of non-zero words in 14:0. */
const COUNTER_SHIFT = 16;
const POINTERS = 0x8000;
const NON_ZERO_MASK = 0x7fff;
/** One more non-zero word, and one more for the design. */
const BOTH = 0x10001;

/** Host bytes of the piece of a frame. */
export const PIECE_BYTES = PLAIN_PIECE * 4;

export class ArenaMemory implements TableMemory {
  /** [0, 2 * capacity): position of each frame's piece, or 0; its counters while that is 0. Then the pieces. */
  private words: Int32Array;
  /** Frames that have elements; a power of two. */
  private capacity: number;
  /** Where the next piece begins. */
  private end: number;
  /** The frame freed last, or 0: what is freed and taken again at once spares the array. */
  private lastFreed = 0;
  private freeFrames: Int32Array;
  private freeFrameCount = 0;
  private readonly freePieces: number[] = [];
  private readonly freePointerPieces: number[] = [];
  private nextFrame = FIRST_FRAME;
  private readonly keepZeroFrames: boolean;
  private readonly maxFrames: number;
  private readonly maxHalves: number;

  constructor(options: ArenaOptions = {}) {
    this.keepZeroFrames = options.keepZeroFrames ?? false;
    this.maxFrames = options.maxFrames ?? 2 ** 28;
    this.maxHalves = Math.floor(Math.min(options.maxHostBytes ?? MAX_HOST_BYTES, MAX_HOST_BYTES) / 4);
    this.capacity = 1024;
    while (this.capacity < FIRST_FRAME + (options.expectFrames ?? 0)) this.capacity *= 2;
    this.end = 2 * this.capacity;
    this.words = new Int32Array(this.end + Math.max(64, options.expectNonZeroFrames ?? 0) * POINTER_PIECE);
    this.freeFrames = new Int32Array(this.capacity);
  }

  /** A machine just switched on, in the same host memory: no frame is in use, all are zero. */
  reset(): void {
    this.words.fill(0, 0, 2 * this.nextFrame);
    this.words.fill(0, 2 * this.capacity, this.end);
    this.end = 2 * this.capacity;
    this.nextFrame = FIRST_FRAME;
    this.freeFrameCount = 0;
    this.lastFreed = 0;
    this.freePieces.length = 0;
    this.freePointerPieces.length = 0;
  }

  /** Frames given out and not freed. */
  get framesInUse(): number {
    return this.nextFrame - FIRST_FRAME - this.freeFrameCount - (this.lastFreed === 0 ? 0 : 1);
  }

  /** Host bytes of the frames' elements and of pieces that hold non-zero frames, or did. */
  get hostBytes(): number {
    return this.end * 4;
  }

  enter(pfn: number): number {
    return this.words[pfn << 1]!;
  }

  /** `remember` and `link` say which words are followed. */
  setPointers(_mask: number, _tableLo: number): void {}

  follow(table: number, index: number): number {
    // `| 0` and `| 1` tell V8 that nothing overflows; positions are even.
    return this.words[(table + BELOW + index) | 0]!;
  }

  wordIn(table: number, index: number): number {
    return (table + (index << 1)) | 0;
  }

  frameAt(table: number): number {
    return this.words[(table - FRAME) | 0]!;
  }

  countAt(table: number, delta: number): void {
    const left = (this.words[(table - COUNTERS) | 0]! + delta) | 0;
    this.words[(table - COUNTERS) | 0] = left;
    if ((left & NON_ZERO_MASK) === 0) this.zeroed(table);
  }

  countEntriesAt(table: number, delta: number): number {
    const left = (this.words[(table - COUNTERS) | 0]! + Math.imul(delta, BOTH)) | 0;
    this.words[(table - COUNTERS) | 0] = left;
    if ((left & NON_ZERO_MASK) === 0) this.zeroed(table);
    return left >> COUNTER_SHIFT;
  }

  addEntriesAt(table: number, delta: number): number {
    const left = (this.words[(table - COUNTERS) | 0]! + (delta << COUNTER_SHIFT)) | 0;
    this.words[(table - COUNTERS) | 0] = left;
    return left >> COUNTER_SHIFT;
  }

  unlinkAt(table: number, index: number): void {
    this.put(this.wordIn(table, index), 0, 0);
    this.forget((table + BELOW + index) | 0);
    this.countAt(table, -1);
  }

  remember(parent: number, index: number, child: number): void {
    if (this.words[parent << 1] !== 0 && this.words[child << 1] !== 0) this.link(parent, index, child);
  }

  link(parent: number, index: number, child: number): number {
    const below = this.words[child << 1] || this.attach(child);
    const at = (this.words[parent << 1]! + BELOW + index) | 0;
    if (this.words[at] !== below) this.relink(at, below);
    return below;
  }

  installTable(parent: number, index: number, lo: number, hi: number, child: number): number {
    const below = this.words[child << 1] || this.attach(child);
    const table = this.words[parent << 1] || this.attach(parent);
    const words = this.words;
    const at = (table + (index << 1)) | 0;
    if ((words[at]! | words[at | 1]!) !== 0) return 0;
    this.put(at, lo, hi);
    words[(table - COUNTERS) | 0]!++;
    if (words[(below - OWNER) | 0] !== 0) this.forget(words[(below - OWNER) | 0]!);
    words[(table + BELOW + index) | 0] = below;
    words[(below - OWNER) | 0] = (table + BELOW + index) | 0;
    return below;
  }

  tableIn(pfn: number, index: number, mask: number, tableLo: number): number {
    const words = this.words;
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

  put(at: number, lo: number, hi: number): void {
    const words = this.words;
    words[at] = lo;
    words[at | 1] = hi;
  }

  count(pfn: number, delta: number): void {
    this.countAt(this.words[pfn << 1]!, delta);
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
      this.forgetBelow(this.words[pfn << 1]!, index);
    }
  }

  fill(pfn: number, index: number, lo: number, hi: number): void {
    const table = this.words[pfn << 1] || this.attach(pfn);
    this.put((table + (index << 1)) | 0, lo, hi);
    this.words[table - COUNTERS]!++;
  }

  installIfZero(pfn: number, index: number, lo: number, hi: number): boolean {
    const at = this.locate(pfn, index);
    if ((this.words[at]! | this.words[at + 1]!) !== 0) return false;
    this.fill(pfn, index, lo, hi);
    return true;
  }

  setBitsLo(pfn: number, index: number, lo: number, hi: number, bits: number): boolean {
    const at = this.locate(pfn, index);
    if (this.words[at] !== lo || this.words[at + 1] !== hi) return false;
    this.store(pfn, index, lo | bits, hi);
    return true;
  }

  clear(pfn: number, index: number): void {
    const table = this.words[pfn << 1]!;
    this.put((table + (index << 1)) | 0, 0, 0);
    this.forgetBelow(table, index);
    this.countAt(table, -1);
  }

  exchangeZero(pfn: number, index: number): number {
    const at = this.locate(pfn, index);
    const lo = this.words[at]!;
    if ((lo | this.words[at + 1]!) !== 0) this.clear(pfn, index);
    return lo;
  }

  allocFrame(holdsPointers = false): number {
    let pfn = this.lastFreed;
    this.lastFreed = 0;
    if (pfn === 0) pfn = this.freeFrameCount > 0 ? this.freeFrames[--this.freeFrameCount]! : this.allocFresh();
    if (holdsPointers || this.words[this.countersOf(pfn)] !== 0) this.prepare(pfn, holdsPointers);
    return pfn;
  }

  freeFrame(pfn: number): void {
    if (this.lastFreed !== 0) this.freeFrames[this.freeFrameCount++] = this.lastFreed;
    this.lastFreed = pfn;
  }

  addRefcount(pfn: number, delta: number): number {
    const at = this.countersOf(pfn);
    const value = (this.words[at]! + (delta << COUNTER_SHIFT)) | 0;
    this.words[at] = value;
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
    return (this.words[this.countersOf(pfn)] ?? 0) & NON_ZERO_MASK;
  }

  private countersOf(pfn: number): number {
    const table = this.words[pfn << 1]!;
    return table === 0 ? (pfn << 1) | 1 : (table - COUNTERS) | 0;
  }

  private allocFresh(): number {
    if (this.nextFrame - FIRST_FRAME >= this.maxFrames) return 0;
    if (this.nextFrame === this.capacity) this.growFrames();
    return this.nextFrame++;
  }

  /** Doubles the frames' elements: all pieces move up by as much, and with them whatever says where they are. */
  private growFrames(): void {
    const shift = 2 * this.capacity;
    const old = this.words;
    const grownEnd = this.end + shift;
    this.words = new Int32Array(this.roomFor(grownEnd));
    this.words.set(old.subarray(0, shift));
    this.words.set(old.subarray(shift, this.end), 2 * shift);
    for (let pfn = FIRST_FRAME; pfn < this.capacity; pfn++) if (old[pfn << 1] !== 0) this.movePiece(pfn, shift);
    for (const pool of [this.freePieces, this.freePointerPieces]) {
      for (let i = 0; i < pool.length; i++) pool[i]! += shift;
    }
    this.end = grownEnd;
    this.capacity *= 2;
    this.freeFrames = grown(this.freeFrames, new Int32Array(this.capacity));
  }

  private movePiece(pfn: number, shift: number): void {
    const words = this.words;
    const table = words[pfn << 1]! + shift;
    words[pfn << 1] = table;
    if (words[table - OWNER] !== 0) words[table - OWNER]! += shift;
    if ((words[table - COUNTERS]! & POINTERS) === 0) return;
    for (let at = table + BELOW; at < table + BELOW + 512; at++) if (words[at] !== 0) words[at]! += shift;
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
    const counters = this.words[(pfn << 1) | 1]!;
    const pointers = (counters & POINTERS) !== 0;
    const pool = pointers ? this.freePointerPieces : this.freePieces;
    const table = pool.pop() ?? this.newPiece(pointers ? POINTER_PIECE : PLAIN_PIECE);
    this.words[pfn << 1] = table;
    this.words[table - FRAME] = pfn;
    this.words[table - COUNTERS] = counters;
    return table;
  }

  private newPiece(size: number): number {
    const end = this.end + size;
    if (end > this.words.length) this.words = grown(this.words, new Int32Array(this.roomFor(end)));
    const table = this.end + 4;
    this.end = end;
    return table;
  }

  /** The frame's piece, all zero, goes back to the pool. The piece says whose it was until somebody takes it. */
  private detach(pfn: number): void {
    const table = this.words[pfn << 1]!;
    // A frame that never had a piece has none to give back.
    if (table === 0) return;
    const counters = this.words[table - COUNTERS]!;
    this.forget(this.words[table - OWNER]!);
    this.words[pfn << 1] = 0;
    this.words[(pfn << 1) | 1] = counters;
    ((counters & POINTERS) === 0 ? this.freePieces : this.freePointerPieces).push(table);
  }

  /** A page from the allocator is zero, and so are its counters. The frame's piece, if it keeps one, is of the right kind. */
  private prepare(pfn: number, holdsPointers: boolean): void {
    if (pfn === 0) return;
    const counters = holdsPointers ? POINTERS : 0;
    const table = this.words[pfn << 1]!;
    if (table !== 0) {
      const old = this.words[table - COUNTERS]!;
      if ((old & NON_ZERO_MASK) !== 0) this.wipe(table, (old & POINTERS) !== 0);
      if (this.keepZeroFrames && (old & POINTERS) === counters) {
        this.words[table - COUNTERS] = counters;
        return;
      }
      this.detach(pfn);
    }
    this.words[(pfn << 1) | 1] = counters;
  }

  private wipe(table: number, pointers: boolean): void {
    this.words.fill(0, table, table + 1024);
    if (pointers) for (let index = 0; index < 512; index++) this.forget(table + BELOW + index);
  }

  /** The last non-zero word of a table went. */
  private zeroed(table: number): void {
    if (!this.keepZeroFrames) this.detach(this.words[(table - FRAME) | 0]!);
  }

  private relink(at: number, below: number): void {
    this.forget(at);
    this.forget(this.words[(below - OWNER) | 0]!);
    this.words[at] = below;
    this.words[(below - OWNER) | 0] = at;
  }

  /** Word `index` of a table has changed: it does not point to what it did. */
  private forgetBelow(table: number, index: number): void {
    if ((this.words[(table - COUNTERS) | 0]! & POINTERS) !== 0) this.forget((table + BELOW + index) | 0);
  }

  /** Element `at` points to no piece any more. Element 0, the owner of a piece that none points to, never did. */
  private forget(at: number): void {
    const below = this.words[at]!;
    if (below === 0) return;
    this.words[(below - OWNER) | 0] = 0;
    this.words[at] = 0;
  }
}
