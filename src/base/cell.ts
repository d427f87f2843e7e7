/** A shared variable: one shared word. Each method is one access: put a `yield;` before it. */
import { Words, type WordsOptions } from './words.ts';
import type { SharedObject, World } from './world.ts';

export class Cell<T> {
  readonly object: SharedObject;
  private readonly word: Words<T>;

  constructor(world: World, name: string, value: T, options?: WordsOptions) {
    this.word = new Words(world, name, [value], options);
    this.object = this.word.object;
  }

  load(): T {
    return this.word.load(0);
  }

  store(value: T): void {
    this.word.store(0, value);
  }

  /** Atomic (locked on x86). A failed compare-exchange is a read. */
  compareExchange(expected: T, value: T): boolean {
    return this.word.compareExchange(0, expected, value);
  }

  /** Atomic read-modify-write (locked on x86); returns the new value. */
  add(this: Cell<number>, delta: number): number {
    return this.word.add(0, delta);
  }

  /** Atomic exchange (locked on x86); returns the old value. */
  exchange(value: T): T {
    return this.word.exchange(0, value);
  }

  /** For properties, conditions and printing: not an access. Under TSO it is what memory holds, not what buffers do. */
  peek(): T {
    return this.word.peek(0);
  }

  /** Gives the variable back (made with `{ freeable: true }`). Touching it from now on is a use after free. */
  free(): void {
    this.word.free();
  }
}
