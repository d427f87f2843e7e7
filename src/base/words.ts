/**
 * Shared words: an array that threads and hardware models share, each word on its own. Each method is one access to one word:
 * put a `yield;` before it.
 *
 * `freeable`: the object may be freed while others still know it; touching it then is a use after free, which the checker looks
 * for. It costs an access to the object's life with each access, so that a free is ordered against them.
 *
 * Members are `private` and not `#private`: V8 inlines by size of the bytecode, and these are the hot path of a check.
 */
import { TestMistake } from './mistake.ts';
import type { AccessKind, SharedObject, World } from './world.ts';

export interface WordsOptions {
  readonly freeable?: boolean;
  /** Under TSO stores take effect at once: registers, and what only one CPU touches, which always sees its own stores. */
  readonly unbuffered?: boolean;
}

/** Options of what takes effect at once. */
export const UNBUFFERED: WordsOptions = { unbuffered: true };

export class Words<T> {
  readonly object: SharedObject;
  private readonly world: World;
  private readonly slow: boolean;
  private readonly freeable: boolean;
  private readonly unbuffered: boolean;
  /** Code of a read of word 0, and how far the codes of two words are apart. */
  private readonly code: number;
  private readonly step: number;
  private readonly values: T[];
  private readonly epoch: number;

  constructor(world: World, name: string, values: readonly T[], options?: WordsOptions) {
    this.world = world;
    this.object = world.register(name, values.length);
    this.code = 2 * this.object.base;
    this.step = 2 * world.stride;
    this.freeable = options?.freeable ?? false;
    this.unbuffered = options?.unbuffered ?? false;
    this.slow = world.slow || this.freeable;
    this.values = values.slice();
    this.epoch = world.epoch;
  }

  get length(): number {
    return this.values.length;
  }

  load(word: number): T {
    this.check(word);
    this.world.plainAccesses++;
    if (this.slow) return this.slowLoad(word);
    this.world.note(this.code + word * this.step);
    return this.values[word]!;
  }

  store(word: number, value: T): void {
    this.check(word);
    this.world.plainAccesses++;
    if (this.slow) {
      this.slowStore(word, value);
      return;
    }
    this.world.note(this.code + word * this.step + 1);
    this.values[word] = value;
  }

  /** Atomic (locked on x86). A failed compare-exchange is a read. */
  compareExchange(word: number, expected: T, value: T): boolean {
    this.check(word);
    this.world.plainAccesses++;
    this.world.exchanged = true;
    if (this.slow) this.beforeLocked('compareExchange');
    const before = this.values[word]!;
    if (!Object.is(before, expected)) {
      this.world.note(this.code + word * this.step);
      this.tell(word, 'read', before, before, 'failed compare-exchange');
      return false;
    }
    this.lockedWrite(word, value, 'compare-exchange');
    return true;
  }

  /** Atomic read-modify-write (locked on x86); returns the new value. */
  add(this: Words<number>, word: number, delta: number): number {
    this.check(word);
    this.world.plainAccesses++;
    if (this.slow) this.beforeLocked('add');
    const sum = this.values[word]! + delta;
    this.lockedWrite(word, sum, 'add');
    return sum;
  }

  /** Atomic exchange (locked on x86); returns the old value. */
  exchange(word: number, value: T): T {
    this.check(word);
    this.world.plainAccesses++;
    if (this.slow) this.beforeLocked('exchange');
    const before = this.values[word]!;
    this.lockedWrite(word, value, 'exchange');
    return before;
  }

  /** For properties, conditions and printing: not an access. Under TSO it is what memory holds, not what buffers do. */
  peek(word: number): T {
    if (this.world.peeking) this.world.peeked.push(this.world.locationOf(this.object, word));
    return this.values[word]!;
  }

  /** Gives the object back. Touching it from now on is a use after free. */
  free(): void {
    if (!this.freeable) throw new TestMistake(`${this.object.name} is freed: make it with { freeable: true }`);
    this.world.plainAccesses++;
    this.world.locked(`${this.object.name}.free`);
    this.world.free(this.object);
  }

  private check(word: number): void {
    if (word >= 0 && word < this.values.length && this.epoch === this.world.epoch) return;
    const { name } = this.object;
    throw new TestMistake(
      this.epoch === this.world.epoch
        ? `${name} has words 0 to ${this.values.length - 1}, and word ${word} is touched`
        : `${name} was made in another execution: program is to make all objects anew`,
    );
  }

  private slowLoad(word: number): T {
    const { world, object } = this;
    if (this.freeable) world.touchAlive(object, 'read');
    const buffered = this.unbuffered ? undefined : world.bufferOf(world.thread)?.find(object, word);
    if (buffered !== undefined) {
      this.tell(word, 'read', buffered.value, buffered.value, 'from the store buffer');
      return buffered.value as T;
    }
    world.note(this.code + word * this.step);
    this.tell(word, 'read', this.values[word], this.values[word]);
    return this.values[word]!;
  }

  private slowStore(word: number, value: T): void {
    const { world, object } = this;
    if (this.freeable) world.touchAlive(object, 'write');
    const buffer = this.unbuffered ? null : world.bufferOf(world.thread);
    if (buffer === null) this.lockedWrite(word, value);
    else buffer.push(object, word, value, (stored) => this.replace(word, stored as T));
  }

  private replace(word: number, value: T): T {
    const before = this.values[word]!;
    this.values[word] = value;
    return before;
  }

  private lockedWrite(word: number, value: T, note?: string): void {
    this.world.note(this.code + word * this.step + 1);
    this.tell(word, 'write', this.values[word], value, note);
    this.values[word] = value;
  }

  private beforeLocked(operation: string): void {
    this.world.locked(`${this.object.name}.${operation}`);
    if (this.freeable) this.world.touchAlive(this.object, 'write');
  }

  private tell(word: number, kind: AccessKind, before: unknown, after: unknown, note?: string): void {
    if (this.world.tracer === null) return;
    this.world.tracer({ object: this.object, word, kind, before, after, ...(note === undefined ? {} : { note }) });
  }
}
