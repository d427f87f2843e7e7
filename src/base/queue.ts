/**
 * A first-in first-out queue between threads. `yield queue.notEmpty();` waits, and `take()` belongs to the same step:
 *
 *     yield queue.notEmpty();
 *     const item = queue.take();
 *
 * One word: all operations on one queue are ordered against each other. Both are locked operations under TSO.
 */

import type { Step } from './flow.ts';
import { TestMistake } from './mistake.ts';
import type { SharedObject, World } from './world.ts';

const NOBODY: readonly number[] = [];

export class Queue<T> {
  readonly object: SharedObject;
  private readonly world: World;
  private readonly capacity: number;
  private readonly items: T[] = [];
  private readonly notEmptyStep: Step;
  private readonly notFullStep: Step;

  constructor(world: World, name: string, capacity = Number.POSITIVE_INFINITY) {
    this.world = world;
    this.capacity = capacity;
    this.object = world.register(name);
    this.notEmptyStep = this.waiting('notEmpty', () => this.peekLength() > 0);
    this.notFullStep = this.waiting('notFull', () => this.peekLength() < this.capacity);
  }

  /** Waits for an item; `take` it in the same step. */
  notEmpty(): Step {
    return this.world.announce(this.notEmptyStep);
  }

  /** Waits for room; `put` in the same step. */
  notFull(): Step {
    return this.world.announce(this.notFullStep);
  }

  /** The oldest item. Order: behind `yield queue.notEmpty();`, in one step with it. */
  take(): T {
    if (this.items.length === 0) {
      throw new TestMistake(`${this.object.name} is empty: take() stands behind \`yield queue.notEmpty();\``);
    }
    const item = this.items[0] as T;
    this.touch(item, 'take');
    this.items.shift();
    return item;
  }

  /** Adds an item; a `yield;` or `yield queue.notFull();` before it. */
  put(item: T): void {
    if (this.items.length >= this.capacity)
      throw new TestMistake(`${this.object.name} is full: put() stands behind \`yield queue.notFull();\``);
    this.touch(item, 'put');
    this.items.push(item);
  }

  /** For properties, conditions and printing: not an access. */
  peekLength(): number {
    if (this.world.peeking) this.world.peeked.push(this.object.base);
    return this.items.length;
  }

  private touch(item: T, note: string): void {
    this.world.locked(`${this.object.name}.${note}`);
    this.world.note(2 * this.object.base + 1);
    this.world.tracer?.({ object: this.object, word: 0, kind: 'write', before: undefined, after: item, note });
  }

  private waiting(verb: string, condition: () => boolean): Step {
    return {
      label: `${this.object.name}.${verb}`,
      role: 'wait',
      drains: true,
      enabled: condition,
      perform: () => this.world.note(2 * this.object.base),
      waitsFor: () => NOBODY,
    };
  }
}
