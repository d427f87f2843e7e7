/**
 * The step interface, first cut (docs/adr/0002): what a simulated thread may do, and what a scheduler needs to know.
 *
 * A flow is a generator function. It writes `yield;` before each plain access to shared state, and
 * `yield lock.acquire();` (any `Step`) for what may have to wait. Between two yields a thread runs alone. The value of
 * a yield is never used, so that a flow can be turned into its straight-line twin by leaving the yields out
 * (tools/straight.mjs). Nondeterminism other than the schedule comes from `World.choose`.
 *
 * Shared objects record what a step touched in their world's access log; nobody declares accesses by hand.
 */
import { assert } from './assert.ts';

/** One simulated thread's code: yields before each shared access, returns `R`. */
export type Flow<R> = Generator<Step | undefined, R, undefined>;

/** An operation that may have to wait. The scheduler performs it, once it is enabled, as one step. */
export interface Step {
  readonly label: string;
  /** Whether `thread` could do it now. Pure. */
  enabled(thread: number): boolean;
  perform(thread: number): void;
  /** Threads that `thread` waits for, as far as known: for deadlock reports. */
  waitsFor(thread: number): readonly number[];
}

export type AccessKind = 'read' | 'write';

export interface Access {
  readonly object: SharedObject;
  readonly kind: AccessKind;
  /** Word within the object, for objects of many words. */
  readonly word: number;
}

export interface SharedObject {
  readonly id: number;
  readonly name: string;
}

/** Owns what one execution shares: object ids, the running thread, the access log and the chooser. */
export class World {
  /** The thread whose step is being run; -1 outside any. */
  thread = -1;
  readonly accesses: Access[] = [];
  #nextId = 0;
  readonly #chooser: (options: number) => number;

  constructor(chooser: (options: number) => number = () => 0) {
    this.#chooser = chooser;
  }

  register(name: string): SharedObject {
    return { id: this.#nextId++, name };
  }

  record(object: SharedObject, kind: AccessKind, word = 0): void {
    this.accesses.push({ object, kind, word });
  }

  /** One of 0 .. options-1, by the chooser: the only nondeterminism besides the schedule. */
  choose(options: number): number {
    const chosen = this.#chooser(options);
    assert(
      Number.isInteger(chosen) && chosen >= 0 && chosen < options,
      `the chooser gave ${chosen} of ${options} options`,
    );
    return chosen;
  }
}

/** A shared variable. Each method is one access: put a `yield;` before it. */
export class Cell<T> {
  readonly object: SharedObject;
  readonly #world: World;
  #value: T;

  constructor(world: World, name: string, value: T) {
    this.#world = world;
    this.object = world.register(name);
    this.#value = value;
  }

  load(): T {
    this.#world.record(this.object, 'read');
    return this.#value;
  }

  store(value: T): void {
    this.#world.record(this.object, 'write');
    this.#value = value;
  }

  /** A failed compare-exchange is a read. */
  compareExchange(expected: T, value: T): boolean {
    const equal = Object.is(this.#value, expected);
    this.#world.record(this.object, equal ? 'write' : 'read');
    if (equal) this.#value = value;
    return equal;
  }

  /** Atomic read-modify-write; returns the new value. */
  add(this: Cell<number>, delta: number): number {
    this.#world.record(this.object, 'write');
    this.#value += delta;
    return this.#value;
  }

  /** For properties and printing: not an access. */
  peek(): T {
    return this.#value;
  }
}

/** A lock with one owner (spinlock, mutex). All methods return steps: `yield lock.acquire();`. */
export class Lock {
  readonly object: SharedObject;
  readonly #world: World;
  #owner = -1;

  constructor(world: World, name: string) {
    this.#world = world;
    this.object = world.register(name);
  }

  get owner(): number {
    return this.#owner;
  }

  acquire(): Step {
    return step(`${this.object.name}.acquire`, {
      enabled: () => this.#owner === -1,
      perform: (thread) => {
        this.#world.record(this.object, 'write');
        this.#owner = thread;
      },
      waitsFor: () => (this.#owner === -1 ? [] : [this.#owner]),
    });
  }

  release(): Step {
    return step(`${this.object.name}.release`, {
      perform: (thread) => {
        assert(
          this.#owner === thread,
          `${this.object.name} is released by thread ${thread} and held by ${this.#owner}`,
        );
        this.#world.record(this.object, 'write');
        this.#owner = -1;
      },
    });
  }
}

/** A reader/writer lock: many readers or one writer. Readers do not queue behind a waiting writer in this first cut. */
export class RwLock {
  readonly object: SharedObject;
  readonly #world: World;
  readonly #readers: number[] = [];
  #writer = -1;

  constructor(world: World, name: string) {
    this.#world = world;
    this.object = world.register(name);
  }

  readLock(): Step {
    return step(`${this.object.name}.readLock`, {
      enabled: () => this.#writer === -1,
      perform: (thread) => {
        this.#world.record(this.object, 'write');
        this.#readers.push(thread);
      },
      waitsFor: () => (this.#writer === -1 ? [] : [this.#writer]),
    });
  }

  readUnlock(): Step {
    return step(`${this.object.name}.readUnlock`, {
      perform: (thread) => {
        const at = this.#readers.indexOf(thread);
        assert(at !== -1, `${this.object.name} is read-unlocked by thread ${thread}, which does not hold it`);
        this.#world.record(this.object, 'write');
        this.#readers.splice(at, 1);
      },
    });
  }

  writeLock(): Step {
    return step(`${this.object.name}.writeLock`, {
      enabled: () => this.#writer === -1 && this.#readers.length === 0,
      perform: (thread) => {
        this.#world.record(this.object, 'write');
        this.#writer = thread;
      },
      waitsFor: () => (this.#writer === -1 ? [...this.#readers] : [this.#writer]),
    });
  }

  writeUnlock(): Step {
    return step(`${this.object.name}.writeUnlock`, {
      perform: (thread) => {
        assert(
          this.#writer === thread,
          `${this.object.name} is write-unlocked by thread ${thread} and held by ${this.#writer}`,
        );
        this.#world.record(this.object, 'write');
        this.#writer = -1;
      },
    });
  }
}

/** Waits until `condition` holds; the condition reads with `peek` only. */
export function until(world: World, label: string, watched: SharedObject, condition: () => boolean): Step {
  return step(label, { enabled: condition, perform: () => world.record(watched, 'read') });
}

/** Runs a flow to its end with nobody else about: for sequential tests of flow code. */
export function runAlone<R>(flow: Flow<R>, thread = 0): R {
  for (;;) {
    const next = flow.next();
    if (next.done === true) return next.value;
    const announced = next.value;
    if (announced === undefined) continue;
    assert(
      announced.enabled(thread),
      `${announced.label} waits for ever: the flow runs alone and nobody can release it`,
    );
    announced.perform(thread);
  }
}

function step(
  label: string,
  parts: {
    enabled?: (thread: number) => boolean;
    perform: (thread: number) => void;
    waitsFor?: (thread: number) => readonly number[];
  },
): Step {
  return {
    label,
    enabled: parts.enabled ?? (() => true),
    perform: parts.perform,
    waitsFor: parts.waitsFor ?? (() => []),
  };
}
