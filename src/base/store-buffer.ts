/**
 * The store buffer of one x86 processor, after the x86-TSO model of Owens, Sarkar and Sewell (2009): plain stores wait in a
 * first-in first-out buffer, a load takes the newest buffered store to its own word and else reads memory, and the
 * buffer lets its oldest store go to memory at any time: a step of its own (`flush`). Locked operations and MFENCE wait until the
 * buffer is empty.
 *
 * Locations: a shared word has `stride` of them: memory itself, and for each thread t the fact "t's stores to the word have
 * left the buffer" (1 + t), on which t's loads and the flushes of the word conflict. The buffer itself is an object with a word
 * for each store: that a store is there before it is flushed, and gone before a locked operation, is ordered by these.
 */
import type { SharedObject, World } from './world.ts';

interface Waiting {
  readonly object: SharedObject;
  readonly word: number;
  /** -1: the release of a lock, which no load of the thread sees. */
  readonly location: number;
  readonly value: unknown;
  /** Puts the value into memory, returns what was there. */
  readonly apply: (value: unknown) => unknown;
}

/** Stores of one thread beyond this share words with earlier ones: a few orders too many, none too few. */
const SLOTS = 64;

export class StoreBuffer {
  readonly thread: number;
  readonly object: SharedObject;
  private readonly world: World;
  private readonly waiting: Waiting[] = [];
  private flushed = 0;

  constructor(world: World, thread: number) {
    this.world = world;
    this.thread = thread;
    this.object = world.register(`store buffer ${thread}`, SLOTS);
  }

  get length(): number {
    return this.waiting.length;
  }

  push(object: SharedObject, word: number, value: unknown, apply: (value: unknown) => unknown): void {
    this.enter({ object, word, location: this.world.locationOf(object, word), value, apply });
    this.world.tracer?.({
      object,
      word,
      kind: 'write',
      before: undefined,
      after: value,
      note: 'into the store buffer',
    });
  }

  /** The release of a lock: a plain store on x86. `release` logs its own accesses. */
  pushRelease(object: SharedObject, release: () => void): void {
    this.enter({ object, word: 0, location: -1, value: undefined, apply: release });
  }

  /** Newest buffered store to the word, or undefined; logs what the answer depends on. */
  find(object: SharedObject, word: number): { readonly value: unknown } | undefined {
    const location = this.world.locationOf(object, word);
    this.world.note(2 * (location + 1 + this.thread));
    for (let i = this.waiting.length - 1; i >= 0; i--) {
      if (this.waiting[i]!.location === location) return this.waiting[i];
    }
    return undefined;
  }

  /** The oldest store reaches memory. */
  flush(): void {
    const store = this.waiting.shift()!;
    this.world.note(2 * this.slot(this.flushed) + 1);
    this.flushed++;
    if (store.location === -1) {
      store.apply(undefined);
      return;
    }
    this.world.note(2 * (store.location + 1 + this.thread) + 1);
    this.world.note(2 * store.location + 1);
    const { object, word, value } = store;
    const before = store.apply(value);
    this.world.tracer?.({ object, word, kind: 'write', before, after: value, note: 'out of the store buffer' });
  }

  /** Logs that the buffer is empty because its last store was flushed. */
  noteEmpty(): void {
    if (this.flushed > 0) this.world.note(2 * this.slot(this.flushed - 1));
  }

  private enter(store: Waiting): void {
    this.world.note(2 * this.slot(this.flushed + this.waiting.length) + 1);
    this.waiting.push(store);
  }

  private slot(nth: number): number {
    return this.world.locationOf(this.object, nth % SLOTS);
  }
}
