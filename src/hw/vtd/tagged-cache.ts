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
  /** It is in the cache. */
  live: boolean;
  /** Place in the dense list. */
  at: number;
  next: Tagged | null;
}

/** Told of each access to a cache that threads of a checker share. */
export interface AccessRecorder {
  loaded(): void;
  stored(): void;
}

export class TaggedCache<E extends Tagged> {
  readonly entries: E[] = [];
  private buckets: (E | null)[];
  private mask: number;
  private readonly spare: E[] = [];
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
    let entry: E | null = this.buckets[hash(a, b, c) & this.mask]!;
    while (entry !== null && (entry.a !== a || entry.b !== b || entry.c !== c)) entry = entry.next as E | null;
    return entry;
  }

  /** An entry to be filled in, in place of one that is found by the same. Null: the cache has no room at all. */
  enter(a: number, b: number, c: number): E | null {
    if (this.recorder !== null) this.recorder.stored();
    if (this.capacity === 0) return null;
    const old = this.find(a, b, c);
    if (old !== null) this.drop(old);
    if (this.entries.length >= this.capacity) this.drop(this.entries[this.turn++ % this.capacity]!);
    if (this.entries.length > this.mask) this.grow();
    const entry = this.spare.pop() ?? this.make();
    entry.a = a;
    entry.b = b;
    entry.c = c;
    entry.live = true;
    entry.at = this.entries.length;
    this.entries.push(entry);
    this.link(entry);
    return entry;
  }

  private link(entry: E): void {
    const bucket = hash(entry.a, entry.b, entry.c) & this.mask;
    entry.next = this.buckets[bucket]!;
    this.buckets[bucket] = entry;
  }

  private grow(): void {
    this.mask = 2 * this.mask + 1;
    this.buckets = new Array<E | null>(this.mask + 1).fill(null);
    for (const entry of this.entries) this.link(entry);
  }

  drop(entry: E): void {
    const bucket = hash(entry.a, entry.b, entry.c) & this.mask;
    let before: E | null = this.buckets[bucket]!;
    if (before === entry) {
      this.buckets[bucket] = entry.next as E | null;
    } else {
      while (before!.next !== entry) before = before!.next as E | null;
      before!.next = entry.next;
    }
    const last = this.entries.pop()!;
    if (last !== entry) {
      this.entries[entry.at] = last;
      last.at = entry.at;
    }
    this.recycle(entry);
  }

  /** Interleaved walks may still hold an entry that was dropped: then it is not taken again. */
  private recycle(entry: E): void {
    entry.live = false;
    if (this.recorder === null) this.spare.push(entry);
  }

  dropAll(): void {
    if (this.recorder !== null) this.recorder.stored();
    const { entries, buckets } = this;
    for (let i = entries.length - 1; i >= 0; i--) {
      const entry = entries.pop()!;
      buckets[hash(entry.a, entry.b, entry.c) & this.mask] = null;
      this.recycle(entry);
    }
  }

  /** Drops what `matches`. Entries are looked at from the last on, so that those that move into gaps have been. */
  dropWhere(matches: (entry: E) => boolean): void {
    if (this.recorder !== null) this.recorder.stored();
    for (let i = this.entries.length - 1; i >= 0; i--) if (matches(this.entries[i]!)) this.drop(this.entries[i]!);
  }
}

function hash(a: number, b: number, c: number): number {
  // The low bits of a page number tell most; `| 0` keeps 32 of its 52.
  let mixed = (a | 0) ^ Math.imul(b | 0, 0x9e3779b1) ^ Math.imul(c | 0, 0x85ebca6b);
  mixed ^= mixed >>> 15;
  return mixed ^ (mixed >>> 7);
}
