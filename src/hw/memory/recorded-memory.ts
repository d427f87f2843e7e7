/**
 * Table memory for the checker: each access goes into the world's log, frame by frame and word by word, and under TSO plain
 * stores wait in the store buffer of their thread.
 *
 * Frames are handed out again, the last freed first, so who allocates and who frees is shared state: both touch the
 * allocator. What nobody may do to a frame is told at once: touching it after it was freed (`UseAfterFree`), freeing it
 * twice, filling with zero (`MemoryMisuse`). A frame's life is a word of its own that each access reads and that allocation
 * and free write, so that an access is ordered against both. Counters of `struct page` outlive the page: a late look at
 * one is only noted (`lateCounts`).
 *
 * Allocation, free, compare-exchange, exchange and counts are locked operations. A 64-bit load is one access although
 * `lo` and `hi` are two calls.
 */
import { highHalf, joinHalves, lowHalf } from '../../base/halves.ts';
import { type AccessKind, type SharedObject, UseAfterFree, type World } from '../../base/world.ts';
import { type TableMemory, WORDS_PER_FRAME } from './table-memory.ts';

/** Words of a frame's object beyond its 512: the counter of struct page, and whether the frame is in use. */
const COUNTER = WORDS_PER_FRAME;
const LIFE = WORDS_PER_FRAME + 1;

/** A thread did to memory what no order of events makes right. A verdict on the program, not a bug of ours. */
export class MemoryMisuse extends Error {
  override readonly name = 'MemoryMisuse';
}

interface Frame {
  readonly object: SharedObject;
  /** Halves of words interleaved: `lo`, `hi`. */
  readonly halves: Int32Array;
  inUse: boolean;
  counter: number;
}

export class RecordedMemory implements TableMemory {
  /** Reads and changes of a counter of a free frame. */
  lateCounts = 0;
  private readonly world: World;
  private readonly name: string;
  private readonly allocator: SharedObject;
  private readonly frames: (Frame | undefined)[] = [undefined];
  private readonly free: number[] = [];
  private pointerMask = 0;
  private pointerLo = 0;
  /** Code of the newest plain access. */
  private lastCode = -1;

  /** `name`: what frames are called, with their numbers. Two memories of one world have different ones. */
  constructor(world: World, name = 'frame') {
    this.world = world;
    this.name = name;
    this.allocator = world.register(`${name} allocator`);
  }

  /** For properties: not an access. */
  get framesInUse(): number {
    if (this.world.peeking) this.world.peeked.push(this.world.locationOf(this.allocator));
    return this.frames.filter((frame) => frame?.inUse).length;
  }

  /** Bits 31:0 of a word, for properties and conditions: not an access. Under TSO it is what memory holds. */
  peekLo(pfn: number, index: number): number {
    return this.peek(pfn, index, 0);
  }

  /** Bits 63:32 in the same way. */
  peekHi(pfn: number, index: number): number {
    return this.peek(pfn, index, 1);
  }

  /** Whether the frame is in use. An access to its life. */
  isInUse(pfn: number): boolean {
    const frame = this.frames[pfn];
    if (frame === undefined) return false;
    this.world.plainAccesses++;
    this.world.record(frame.object, 'read', LIFE);
    return frame.inUse;
  }

  // Positions: two for each word, as users of `open` expect.

  locate(pfn: number, index: number): number {
    return 2 * (pfn * WORDS_PER_FRAME + index);
  }

  open(pfn: number, index: number): number {
    return this.locate(pfn, index);
  }

  // The way down of a hot walk: a table is known by its frame, and each step of the way is a load like any other.

  enter(pfn: number): number {
    return pfn;
  }

  setPointers(mask: number, tableLo: number): void {
    this.pointerMask = mask;
    this.pointerLo = tableLo;
  }

  follow(table: number, index: number): number {
    return this.tableIn(table, index, this.pointerMask, this.pointerLo);
  }

  wordIn(table: number, index: number): number {
    return this.locate(table, index);
  }

  frameAt(table: number): number {
    return table;
  }

  countAt(_table: number, _delta: number): void {}

  addEntriesAt(table: number, delta: number): number {
    return this.addEntries(table, delta);
  }

  countEntriesAt(table: number, delta: number): number {
    return this.addEntries(table, delta);
  }

  unlinkAt(table: number, index: number): void {
    this.clear(table, index);
  }

  remember(_parent: number, _index: number, _child: number): void {}

  link(_parent: number, _index: number, child: number): number {
    return child;
  }

  installTable(parent: number, index: number, lo: number, hi: number, child: number): number {
    return this.installIfZero(parent, index, lo, hi) ? child : 0;
  }

  lo(at: number): number {
    return this.load(at, 0);
  }

  hi(at: number): number {
    return this.load(at, 1);
  }

  tableIn(pfn: number, index: number, mask: number, tableLo: number): number {
    const at = this.locate(pfn, index);
    const lo = this.lo(at);
    return (lo & mask) === tableLo ? (lo >>> 12) | ((this.hi(at) & 0x7ff) << 20) : 0;
  }

  put(at: number, lo: number, hi: number): void {
    const word = at / 2;
    this.store(Math.floor(word / WORDS_PER_FRAME), word % WORDS_PER_FRAME, lo, hi);
  }

  count(_pfn: number, _delta: number): void {}

  store(pfn: number, index: number, lo: number, hi: number): void {
    const { world } = this;
    const frame = this.alive(pfn, index, 'write');
    world.plainAccesses++;
    const buffer = world.bufferOf(world.thread);
    if (buffer === null) this.write(frame, index, lo, hi);
    else buffer.push(frame.object, index, joinHalves(lo, hi), (word) => replace(frame, index, word as bigint));
  }

  fill(pfn: number, index: number, lo: number, hi: number): void {
    if ((lo | hi) === 0) throw new MemoryMisuse(`fill of ${this.name} ${pfn}, word ${index} with zero`);
    this.store(pfn, index, lo, hi);
  }

  clear(pfn: number, index: number): void {
    this.store(pfn, index, 0, 0);
  }

  installIfZero(pfn: number, index: number, lo: number, hi: number): boolean {
    return this.compareExchange(pfn, index, 0, 0, lo, hi, 'installIfZero');
  }

  setBitsLo(pfn: number, index: number, lo: number, hi: number, bits: number): boolean {
    return this.compareExchange(pfn, index, lo, hi, lo | bits, hi, 'setBitsLo');
  }

  exchangeZero(pfn: number, index: number): number {
    const frame = this.beginLocked(pfn, index, 'exchangeZero');
    const was = frame.halves[2 * index]!;
    this.write(frame, index, 0, 0, 'exchange');
    return was;
  }

  allocFrame(): number {
    const { world } = this;
    world.plainAccesses++;
    world.locked(`${this.name} allocation`);
    world.record(this.allocator, 'write');
    const again = this.free.pop();
    const pfn = again ?? this.frames.length;
    if (again === undefined) this.frames.push(this.newFrame(pfn));
    const frame = this.frames[pfn]!;
    world.record(frame.object, 'write', LIFE);
    world.record(frame.object, 'write', COUNTER);
    world.tracer?.({ object: frame.object, word: LIFE, kind: 'write', before: 'free', after: 'in use', note: 'alloc' });
    frame.halves.fill(0);
    frame.counter = 0;
    frame.inUse = true;
    return pfn;
  }

  freeFrame(pfn: number): void {
    const { world } = this;
    const frame = this.frames[pfn];
    if (frame === undefined) throw new MemoryMisuse(`${this.name} ${pfn} is freed and was never handed out`);
    world.plainAccesses++;
    world.locked(`free of ${this.name} ${pfn}`);
    world.record(this.allocator, 'write');
    world.record(frame.object, 'write', LIFE);
    if (!frame.inUse) throw new MemoryMisuse(`${this.name} ${pfn} is freed twice`);
    world.tracer?.({ object: frame.object, word: LIFE, kind: 'write', before: 'in use', after: 'free', note: 'free' });
    frame.inUse = false;
    this.free.push(pfn);
  }

  addRefcount(pfn: number, delta: number): number {
    return this.addCounter(pfn, delta);
  }

  addMapcount(pfn: number, delta: number): number {
    return this.addCounter(pfn, delta);
  }

  addEntries(pfn: number, delta: number): number {
    return this.addCounter(pfn, delta);
  }

  private addCounter(pfn: number, delta: number): number {
    const { world } = this;
    const frame = this.frames[pfn];
    if (frame === undefined) throw new MemoryMisuse(`${this.name} ${pfn} has no counter: it was never handed out`);
    const kind = delta === 0 ? 'read' : 'write';
    world.plainAccesses++;
    if (kind === 'write') world.locked(`count of ${this.name} ${pfn}`);
    // Whether this is a late look depends on the frame's life.
    world.record(frame.object, 'read', LIFE);
    world.record(frame.object, kind, COUNTER);
    if (!frame.inUse) this.lateCounts++;
    const before = frame.counter;
    frame.counter += delta;
    world.tracer?.({ object: frame.object, word: COUNTER, kind, before, after: frame.counter, note: 'count' });
    return frame.counter;
  }

  private newFrame(pfn: number): Frame {
    const object = this.world.lazily(() => this.world.register(`${this.name} ${pfn}`, LIFE + 1));
    return { object, halves: new Int32Array(2 * WORDS_PER_FRAME), inUse: false, counter: 0 };
  }

  /** Frame 0 is never given out and reads as zero. */
  private load(at: number, half: 0 | 1): number {
    const word = at >> 1;
    if (word < WORDS_PER_FRAME) return 0;
    const { world } = this;
    const index = word % WORDS_PER_FRAME;
    const frame = this.alive((word - index) / WORDS_PER_FRAME, index, 'read');
    const code = this.codeOf(frame.object, index, 'read');
    // The other half of the word just read is no access of its own.
    const isNew = world.plainAccesses === 0 || code !== this.lastCode;
    if (isNew) world.plainAccesses++;
    this.lastCode = code;
    const buffered = world.bufferOf(world.thread)?.find(frame.object, index);
    if (buffered !== undefined) return halfOf(buffered.value as bigint, half);
    world.note(code);
    if (isNew) this.tellRead(frame, index);
    return frame.halves[2 * index + half]!;
  }

  /** The frame, which is in use; its life is read. */
  private alive(pfn: number, index: number, kind: AccessKind): Frame {
    const frame = this.frames[pfn];
    if (frame === undefined) {
      throw new MemoryMisuse(
        `word ${index} of ${this.name} ${pfn} is ${kind === 'read' ? 'read' : 'written'}, a frame that was never handed out`,
      );
    }
    if (index >= WORDS_PER_FRAME) throw new MemoryMisuse(`${this.name} ${pfn} has 512 words, and no word ${index}`);
    this.world.record(frame.object, 'read', LIFE);
    if (frame.inUse) return frame;
    // Before the free it would have touched the word too.
    this.world.exchanged = true;
    throw new UseAfterFree(`word ${index} of ${this.name} ${pfn}`, kind);
  }

  private compareExchange(
    pfn: number,
    index: number,
    wasLo: number,
    wasHi: number,
    lo: number,
    hi: number,
    operation: string,
  ): boolean {
    this.world.exchanged = true;
    const frame = this.beginLocked(pfn, index, operation);
    const { halves } = frame;
    if (halves[2 * index] !== wasLo || halves[2 * index + 1] !== wasHi) {
      this.world.note(this.codeOf(frame.object, index, 'read'));
      this.tellRead(frame, index, 'failed compare-exchange');
      return false;
    }
    this.write(frame, index, lo, hi, 'compare-exchange');
    return true;
  }

  private beginLocked(pfn: number, index: number, operation: string): Frame {
    this.world.plainAccesses++;
    this.world.locked(operation);
    return this.alive(pfn, index, 'write');
  }

  private write(frame: Frame, index: number, lo: number, hi: number, note?: string): void {
    const { tracer } = this.world;
    this.lastCode = -1;
    this.world.note(this.codeOf(frame.object, index, 'write'));
    const before = tracer === null ? 0n : wordOf(frame, index);
    frame.halves[2 * index] = lo;
    frame.halves[2 * index + 1] = hi;
    const told = note === undefined ? {} : { note };
    tracer?.({ object: frame.object, word: index, kind: 'write', before, after: wordOf(frame, index), ...told });
  }

  private tellRead(frame: Frame, index: number, note?: string): void {
    if (this.world.tracer === null) return;
    const value = wordOf(frame, index);
    const told = note === undefined ? {} : { note };
    this.world.tracer({ object: frame.object, word: index, kind: 'read', before: value, after: value, ...told });
  }

  private codeOf(object: SharedObject, word: number, kind: AccessKind): number {
    return 2 * this.world.locationOf(object, word) + (kind === 'write' ? 1 : 0);
  }

  private peek(pfn: number, index: number, half: 0 | 1): number {
    const frame = this.frames[pfn];
    if (frame === undefined) return 0;
    const { world } = this;
    if (world.peeking) world.peeked.push(world.locationOf(frame.object, index), world.locationOf(frame.object, LIFE));
    return frame.halves[2 * index + half]!;
  }
}

function halfOf(word: bigint, half: 0 | 1): number {
  return half === 0 ? lowHalf(word) : highHalf(word);
}

function wordOf(frame: Frame, index: number): bigint {
  return joinHalves(frame.halves[2 * index]!, frame.halves[2 * index + 1]!);
}

/** What a store does that leaves its buffer: the word that was there comes back. */
function replace(frame: Frame, index: number, word: bigint): bigint {
  const before = wordOf(frame, index);
  frame.halves[2 * index] = halfOf(word, 0);
  frame.halves[2 * index + 1] = halfOf(word, 1);
  return before;
}
