/**
 * A cache of entries that are found by three numbers and dropped by what they are tagged with. A hash table with chains, and
 * beside it a dense list, so that dropping everything costs what is in it. Entries are taken again once dropped.
 *
 * `keep`: an entry stays until it must go. Bounded: at `capacity` one that is chosen by turns goes for each that comes.
 */

export interface Tagged {
  /** What it is found by. */
  a: number;
  b: number;
  c: number;
  /** Its chain, and its place in the list. */
  bucket: number;
  at: number;
  next: Tagged | null;
}

/** Told of each access to a cache that threads of a checker share. */
export interface AccessRecorder {
  loaded(): void;
  stored(): void;
}

export class TaggedCache<E extends Tagged> {
  /** Entries that are in the cache. */
  count = 0;
  /** Entries that have gone, one way or another. */
  drops = 0;
  /** The first `count` are in the cache; the others wait to be taken again. */
  private readonly entries: E[] = [];
  private buckets: (E | null)[];
  private mask: number;
  private readonly make: () => E;
  private readonly capacity: number;
  private readonly recorder: AccessRecorder | null;
  private turn = 0;

  constructor(make: () => E, capacity: number, recorder: AccessRecorder | null) {
    this.make = make;
    this.capacity = capacity;
    this.recorder = recorder;
    this.buckets = new Array<E | null>(16).fill(null);
    this.mask = 15;
  }

  find(a: number, b: number, c: number): E | null {
    if (this.recorder !== null) this.recorder.loaded();
    if (this.count === 0) return null;
    return this.inChain(this.buckets[hash(a, b, c) & this.mask]!, a, b, c);
  }

  private inChain(first: E | null, a: number, b: number, c: number): E | null {
    let entry = first;
    while (entry !== null && (entry.a !== a || entry.b !== b || entry.c !== c)) entry = entry.next as E | null;
    return entry;
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
    if (this.count >= this.capacity) this.drop(this.entries[this.turn++ % this.capacity]!);
    if (this.count > this.mask) {
      this.grow();
      bucket = hash(a, b, c) & this.mask;
    }
    const entry = this.take();
    entry.a = a;
    entry.b = b;
    entry.c = c;
    entry.bucket = bucket;
    entry.next = this.buckets[bucket]!;
    this.buckets[bucket] = entry;
    return entry;
  }

  /** Interleaved walks may still hold an entry that was dropped: then it is not taken again. */
  private take(): E {
    const at = this.count++;
    const waiting = this.recorder === null ? this.entries[at] : undefined;
    if (waiting !== undefined) return waiting;
    const entry = this.make();
    entry.at = at;
    this.entries[at] = entry;
    return entry;
  }

  private grow(): void {
    this.mask = 2 * this.mask + 1;
    this.buckets = new Array<E | null>(this.mask + 1).fill(null);
    for (let i = 0; i < this.count; i++) {
      const entry = this.entries[i]!;
      entry.bucket = hash(entry.a, entry.b, entry.c) & this.mask;
      entry.next = this.buckets[entry.bucket]!;
      this.buckets[entry.bucket] = entry;
    }
  }

  private drop(entry: E): void {
    let before: E | null = this.buckets[entry.bucket]!;
    if (before === entry) {
      this.buckets[entry.bucket] = entry.next as E | null;
    } else {
      while (before!.next !== entry) before = before!.next as E | null;
      before!.next = entry.next;
    }
    this.drops++;
    const last = this.entries[--this.count]!;
    const { at } = entry;
    this.entries[at] = last;
    last.at = at;
    this.entries[this.count] = entry;
    entry.at = this.count;
  }

  dropAll(): void {
    if (this.recorder !== null) this.recorder.stored();
    for (let i = 0; i < this.count; i++) this.buckets[this.entries[i]!.bucket] = null;
    this.drops += this.count;
    this.count = 0;
  }

  /** Drops what `matches`. Entries are looked at from the last on, so that those that move into gaps have been. */
  dropWhere(matches: (entry: E) => boolean): void {
    if (this.recorder !== null) this.recorder.stored();
    for (let i = this.count - 1; i >= 0; i--) if (matches(this.entries[i]!)) this.drop(this.entries[i]!);
  }
}

function hash(a: number, b: number, c: number): number {
  // The low bits of a page number tell most; `| 0` keeps 32 of its 52.
  let mixed = (a | 0) ^ Math.imul(b | 0, 0x9e3779b1) ^ Math.imul(c | 0, 0x85ebca6b);
  mixed ^= mixed >>> 15;
  return mixed ^ (mixed >>> 7);
}
