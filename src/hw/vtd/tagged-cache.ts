/**
 * A cache of entries that are found by three numbers and dropped by what they are tagged with. A hash table with chains, and
 * beside it a dense list, so that dropping everything costs what is in it. Entries are taken again once dropped.
 *
 * `keep`: an entry stays until it must go. Bounded: at `capacity` one that is chosen by turns goes for each that comes.
 */

/** Around an entry: one class for all caches, so that V8 sees one kind of object in the chains. */
class Slot<E> {
  /** What the entry is found by. */
  a = 0;
  b = 0;
  c = 0;
  /** Its chain, and its place in the list. */
  bucket = 0;
  at: number;
  next: Slot<E> | null = null;
  readonly entry: E;

  constructor(entry: E, at: number) {
    this.entry = entry;
    this.at = at;
  }
}

/** Told of each access to a cache that threads of a checker share. */
export interface AccessRecorder {
  loaded(): void;
  stored(): void;
  /** A store that does not pass earlier ones (a write to an uncached register). */
  storedInOrder(what: string): void;
}

export class TaggedCache<E> {
  /** Entries that are in the cache. */
  count = 0;
  /** Entries that have gone, one way or another. */
  drops = 0;
  /** The first `count` are in the cache; the others wait to be taken again. */
  private readonly slots: Slot<E>[] = [];
  private buckets: (Slot<E> | null)[];
  private mask: number;
  private readonly make: () => E;
  private readonly capacity: number;
  private readonly recorder: AccessRecorder | null;
  private turn = 0;
  /** What was found last, while it is in the cache: context and PASID entries are mostly the same again. */
  private last: Slot<E> | null = null;

  constructor(make: () => E, capacity: number, recorder: AccessRecorder | null) {
    this.make = make;
    this.capacity = capacity;
    this.recorder = recorder;
    this.buckets = new Array<Slot<E> | null>(16).fill(null);
    this.mask = 15;
  }

  find(a: number, b: number, c: number): E | null {
    if (this.recorder !== null) this.recorder.loaded();
    if (this.count === 0) return null;
    const { last } = this;
    if (last !== null && last.a === a && last.b === b && last.c === c) return last.entry;
    const slot = this.inChain(this.buckets[hash(a, b, c) & this.mask]!, a, b, c);
    if (slot === null) return null;
    this.last = slot;
    return slot.entry;
  }

  private inChain(first: Slot<E> | null, a: number, b: number, c: number): Slot<E> | null {
    let slot = first;
    while (slot !== null && (slot.a !== a || slot.b !== b || slot.c !== c)) slot = slot.next;
    return slot;
  }

  /** An entry to be filled in, in place of one that is found by the same. Null: the cache has no room at all. */
  enter(a: number, b: number, c: number): E | null {
    if (this.recorder !== null) this.recorder.stored();
    if (this.capacity === 0) return null;
    let bucket = hash(a, b, c) & this.mask;
    if (this.buckets[bucket] !== null) {
      const old = this.inChain(this.buckets[bucket]!, a, b, c);
      if (old !== null) this.drop(old);
    }
    if (this.count >= this.capacity) this.drop(this.slots[this.turn++ % this.capacity]!);
    if (this.count > this.mask) {
      this.grow();
      bucket = hash(a, b, c) & this.mask;
    }
    const slot = this.take();
    slot.a = a;
    slot.b = b;
    slot.c = c;
    slot.bucket = bucket;
    slot.next = this.buckets[bucket]!;
    this.buckets[bucket] = slot;
    return slot.entry;
  }

  /** Interleaved walks may still hold an entry that was dropped: then it is not taken again. */
  private take(): Slot<E> {
    const at = this.count++;
    const waiting = this.recorder === null ? this.slots[at] : undefined;
    if (waiting !== undefined) return waiting;
    const slot = new Slot(this.make(), at);
    this.slots[at] = slot;
    return slot;
  }

  private grow(): void {
    this.mask = 2 * this.mask + 1;
    this.buckets = new Array<Slot<E> | null>(this.mask + 1).fill(null);
    for (let i = 0; i < this.count; i++) {
      const slot = this.slots[i]!;
      slot.bucket = hash(slot.a, slot.b, slot.c) & this.mask;
      slot.next = this.buckets[slot.bucket]!;
      this.buckets[slot.bucket] = slot;
    }
  }

  private drop(slot: Slot<E>): void {
    let before: Slot<E> | null = this.buckets[slot.bucket]!;
    if (before === slot) {
      this.buckets[slot.bucket] = slot.next;
    } else {
      while (before!.next !== slot) before = before!.next;
      before!.next = slot.next;
    }
    this.drops++;
    this.last = null;
    const last = this.slots[--this.count]!;
    const { at } = slot;
    this.slots[at] = last;
    last.at = at;
    this.slots[this.count] = slot;
    slot.at = this.count;
  }

  dropAll(): void {
    if (this.recorder !== null) this.recorder.stored();
    for (let i = 0; i < this.count; i++) this.buckets[this.slots[i]!.bucket] = null;
    this.drops += this.count;
    this.count = 0;
    this.last = null;
  }

  /** Drops what `matches`. Entries are looked at from the last on, so that those that move into gaps have been. */
  dropWhere(matches: (entry: E) => boolean): void {
    if (this.recorder !== null) this.recorder.stored();
    for (let i = this.count - 1; i >= 0; i--) if (matches(this.slots[i]!.entry)) this.drop(this.slots[i]!);
  }
}

function hash(a: number, b: number, c: number): number {
  // The low bits of a page number tell most; `| 0` keeps 32 of its 52.
  let mixed = (a | 0) ^ Math.imul(b | 0, 0x9e3779b1) ^ Math.imul(c | 0, 0x85ebca6b);
  mixed ^= mixed >>> 15;
  return mixed ^ (mixed >>> 7);
}
