/**
 * Table memory for interleaved runs: each access is recorded in the world's log, and what nobody may do to a frame is told
 * at once: touching it after it was freed, freeing it twice. Counters of `struct page` outlive the page, so a late look
 * at one is only noted (`lateCounts`).
 */
import type { SharedObject, World } from '../../src/base/flow.ts';
import type { TableMemory } from '../../src/hw/memory/table-memory.ts';

export class MemoryMisuse extends Error {
  override readonly name = 'MemoryMisuse';
}

const WORDS = 512;

interface Frame {
  readonly object: SharedObject;
  readonly words: Int32Array;
  inUse: boolean;
  counter: number;
}

export class RecordedMemory implements TableMemory {
  /** Reads and changes of a counter of a free frame. */
  lateCounts = 0;
  readonly #world: World;
  readonly #frames: (Frame | undefined)[] = [undefined];
  readonly #free: number[] = [];
  #pointerMask = 0;
  #pointerLo = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get framesInUse(): number {
    return this.#frames.filter((frame) => frame?.inUse).length;
  }

  locate(pfn: number, index: number): number {
    return 2 * (pfn * WORDS + index);
  }

  lo(at: number): number {
    return at < 2 * WORDS ? 0 : (this.#touch(at, 'read').words[at % (2 * WORDS)] as number);
  }

  hi(at: number): number {
    return at < 2 * WORDS ? 0 : (this.#touch(at, 'read').words[(at % (2 * WORDS)) + 1] as number);
  }

  store(pfn: number, index: number, lo: number, hi: number): void {
    const frame = this.#touch(this.locate(pfn, index), 'write');
    frame.words[2 * index] = lo;
    frame.words[2 * index + 1] = hi;
  }

  fill(pfn: number, index: number, lo: number, hi: number): void {
    if ((lo | hi) === 0) throw new MemoryMisuse(`fill of frame ${pfn}, word ${index} with zero`);
    this.store(pfn, index, lo, hi);
  }

  installIfZero(pfn: number, index: number, lo: number, hi: number): boolean {
    const at = this.locate(pfn, index);
    if ((this.lo(at) | this.hi(at)) !== 0) return false;
    this.store(pfn, index, lo, hi);
    return true;
  }

  clear(pfn: number, index: number): void {
    this.store(pfn, index, 0, 0);
  }

  exchangeZero(pfn: number, index: number): number {
    const was = this.lo(this.locate(pfn, index));
    this.store(pfn, index, 0, 0);
    return was;
  }

  tableIn(pfn: number, index: number, mask: number, tableLo: number): number {
    const at = this.locate(pfn, index);
    const lo = this.lo(at);
    return (lo & mask) === tableLo ? (lo >>> 12) | ((this.hi(at) & 0x7ff) << 20) : 0;
  }

  enter(pfn: number): number {
    return pfn;
  }

  setPointers(mask: number, tableLo: number): void {
    this.#pointerMask = mask;
    this.#pointerLo = tableLo;
  }

  follow(table: number, index: number): number {
    return this.tableIn(table, index, this.#pointerMask, this.#pointerLo);
  }

  wordIn(table: number, index: number): number {
    return this.locate(table, index);
  }

  frameAt(table: number): number {
    return table;
  }

  countAt(): void {}

  countEntriesAt(table: number, delta: number): number {
    return this.addEntries(table, delta);
  }

  unlinkAt(table: number, index: number): void {
    this.clear(table, index);
  }

  addEntriesAt(table: number, delta: number): number {
    return this.addEntries(table, delta);
  }

  remember(): void {}

  link(_parent: number, _index: number, child: number): number {
    return child;
  }

  installTable(parent: number, index: number, lo: number, hi: number, child: number): number {
    return this.installIfZero(parent, index, lo, hi) ? child : 0;
  }

  open(pfn: number, index: number): number {
    return this.locate(pfn, index);
  }

  put(at: number, lo: number, hi: number): void {
    this.store(Math.floor(at / (2 * WORDS)), (at / 2) % WORDS, lo, hi);
  }

  count(_pfn: number, _delta: number): void {}

  allocFrame(): number {
    const again = this.#free.pop();
    const pfn = again ?? this.#frames.length;
    if (again === undefined) {
      const object = this.#world.register(`frame ${pfn}`);
      this.#frames.push({ object, words: new Int32Array(2 * WORDS), inUse: false, counter: 0 });
    }
    const frame = this.#frames[pfn] as Frame;
    frame.words.fill(0);
    frame.counter = 0;
    frame.inUse = true;
    return pfn;
  }

  freeFrame(pfn: number): void {
    const frame = this.#frames[pfn];
    if (!frame?.inUse) throw new MemoryMisuse(`frame ${pfn} is freed twice`);
    frame.inUse = false;
    this.#free.push(pfn);
  }

  addRefcount(pfn: number, delta: number): number {
    return this.#addCounter(pfn, delta);
  }

  addMapcount(pfn: number, delta: number): number {
    return this.#addCounter(pfn, delta);
  }

  addEntries(pfn: number, delta: number): number {
    return this.#addCounter(pfn, delta);
  }

  #addCounter(pfn: number, delta: number): number {
    const frame = this.#frames[pfn] as Frame;
    this.#world.record(frame.object, delta === 0 ? 'read' : 'write', WORDS);
    if (!frame.inUse) this.lateCounts++;
    frame.counter += delta;
    return frame.counter;
  }

  #touch(at: number, kind: 'read' | 'write'): Frame {
    const pfn = Math.floor(at / (2 * WORDS));
    const index = (at / 2) % WORDS;
    const frame = this.#frames[pfn];
    if (!frame?.inUse)
      throw new MemoryMisuse(`word ${index} of frame ${pfn} is touched (${kind}) and the frame is free`);
    this.#world.record(frame.object, kind, index);
    return frame;
  }
}
