/**
 * What one execution shares: the running thread, the log of accesses, the chooser, and the names of all shared objects.
 *
 * Every shared word has a location, a small number that is the same in each execution of a program: objects are numbered by
 * the thread that makes them, the order in which it does, and their names (a `LocationTable` remembers them from run to run). An access is
 * logged as a code, location * 2 + (1 for a write). Nobody declares accesses by hand: shared objects log their own, and what a
 * step touched is the part of the log that it added.
 *
 * Under x86-TSO (`memory: 'tso'`) plain stores wait in a first-in first-out buffer of their thread (store-buffer.ts).
 */
import { assert } from './assert.ts';
import type { Step } from './flow.ts';
import { TestMistake } from './mistake.ts';
import { StoreBuffer } from './store-buffer.ts';

export type MemoryModel = 'sc' | 'tso';
export type AccessKind = 'read' | 'write';

/** Threads of one program, at most: under TSO each shared word has a location of its own for every thread's view. */
export const MAX_THREADS = 32;

/** Accesses of one execution, at most. */
const MOST_ACCESSES = 2 ** 23;

/** A shared object: what lanes and messages call it, and where its locations begin. */
export interface SharedObject {
  readonly name: string;
  /** The same in every execution and every process: who made it, and as its how-manieth object. */
  readonly key: string;
  /** Location of word 0. */
  readonly base: number;
  readonly words: number;
}

/** What happened to one word, told while a schedule is being explained. Values are as the object holds them. */
export interface AccessEvent {
  readonly object: SharedObject;
  readonly word: number;
  readonly kind: AccessKind;
  readonly before: unknown;
  readonly after: unknown;
  /** More than the kind says: `buffered`, `from the buffer`, `failed compare-exchange`, … */
  readonly note?: string;
}

export type Tracer = (event: AccessEvent) => void;

/** A point where a thread chooses: its how-manieth choice, of how many options. */
export interface ChoicePoint {
  readonly object: SharedObject;
  readonly thread: number;
  readonly nth: number;
  readonly options: number;
}

/** Locations of objects, by the thread that made them (-1: the setup) and its how-manieth object it is. */
export class LocationTable {
  readonly objects: SharedObject[] = [];
  /** Choice points met so far, in any execution. */
  readonly choices: ChoicePoint[] = [];
  private readonly choiceIndex = new Map<string, number>();
  private readonly byMaker: SharedObject[][] = [];
  private readonly byKey = new Map<string, SharedObject>();
  private next = 0;

  /** Locations handed out so far. */
  get size(): number {
    return this.next;
  }

  objectFor(maker: number, nth: number, name: string, words: number, stride: number): SharedObject {
    let made = this.byMaker[maker + 1];
    if (made === undefined) {
      made = [];
      this.byMaker[maker + 1] = made;
    }
    const known = made[nth];
    if (known !== undefined && known.name === name && known.words === words) return known;
    // Another schedule had the thread make something else there.
    if (known !== undefined) return this.objectWithKey(`${maker}.${nth} ${words} ${name}`, name, words, stride);
    const object = this.objectWithKey(`${maker}.${nth}`, name, words, stride);
    made[nth] = object;
    return object;
  }

  /** For objects that whoever comes first makes: by their name, which is theirs alone. */
  objectNamed(name: string, words: number, stride: number): SharedObject {
    return this.objectWithKey(`named ${name}`, name, words, stride);
  }

  /** The object of a key, which another process may have told of before it was made here. */
  objectWithKey(key: string, name: string, words: number, stride: number): SharedObject {
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const object = { name, key, base: this.next, words };
    // One more location than words, for the object's life (free).
    this.next += words * stride + 1;
    this.objects.push(object);
    this.byKey.set(key, object);
    return object;
  }

  /** Index in `choices` of the thread's `nth` choice, which has `options` options. */
  choiceFor(thread: number, nth: number, options: number, stride: number): number {
    const key = `choice ${thread}.${nth}.${options}`;
    let index = this.choiceIndex.get(key);
    if (index === undefined) {
      index = this.choices.length;
      const object = this.objectWithKey(key, `choice ${nth + 1} of thread ${thread}`, 1, stride);
      this.choices.push({ object, thread, nth, options });
      this.choiceIndex.set(key, index);
    }
    return index;
  }

  /** Object and word at a location. */
  find(location: number, stride: number): { readonly object: SharedObject; readonly word: number } | undefined {
    // Objects stand in the order of their locations.
    let low = 0;
    let high = this.objects.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.objects[middle]!.base <= location) low = middle + 1;
      else high = middle;
    }
    const object = this.objects[low - 1];
    if (object === undefined || location > object.base + object.words * stride) return undefined;
    return { object, word: Math.floor((location - object.base) / stride) };
  }
}

export interface WorldOptions {
  readonly memory?: MemoryModel;
  /** One of 0 .. options - 1. */
  readonly chooser?: (options: number) => number;
  /** What messages call a thread. Default: `thread 0`. */
  readonly nameOf?: (thread: number) => string;
  readonly locations?: LocationTable;
  readonly tracer?: Tracer;
  /** Room for the log, of an execution that is over: a new one for each costs more than most executions. */
  readonly log?: Int32Array;
}

export class World {
  /** The thread whose step is being run; -1 outside any. */
  thread = -1;
  /** Codes of the accesses of this execution, the newest last. */
  log: Int32Array;
  logged = 0;
  /** Plain accesses to cells in the running step: two show a forgotten yield. */
  plainAccesses = 0;
  /** True while a condition is evaluated: peeks are noted in `peeked`. */
  peeking = false;
  readonly peeked: number[] = [];
  /** Spinlocks that each thread holds, for mutexes that must not be taken then. */
  readonly spinlocksHeld: number[] = [];
  /** The running step did a compare-exchange: another order may make it fail, or succeed. */
  exchanged = false;
  /** Names of marks that this execution passed (`reach`). */
  readonly reached: string[] = [];
  /** True when accesses take the slow way: they are told to a tracer, or go through store buffers. */
  readonly slow: boolean;
  readonly stride: number;
  readonly memory: MemoryModel;
  readonly tracer: Tracer | null;
  readonly locations: LocationTable;
  /** What messages call a thread. */
  readonly nameOf: (thread: number) => string;
  private readonly chooser: (options: number) => number;
  private readonly made: number[] = [];
  private byName = false;
  private readonly buffers: StoreBuffer[] = [];
  private freed: Set<SharedObject> | null = null;

  constructor(options: WorldOptions = {}) {
    this.memory = options.memory ?? 'sc';
    this.chooser = options.chooser ?? (() => 0);
    this.nameOf = options.nameOf ?? numbered;
    this.locations = options.locations ?? new LocationTable();
    this.tracer = options.tracer ?? null;
    this.log = options.log ?? new Int32Array(256);
    this.slow = this.tracer !== null || this.memory === 'tso';
    this.stride = this.memory === 'tso' ? 1 + MAX_THREADS : 1;
  }

  /** A new execution of the same program: nothing has been made, and nothing has happened. */
  reset(): void {
    this.thread = -1;
    this.logged = 0;
    this.epoch++;
    this.lastAnnounced = null;
    this.peeking = false;
    // Emptying a list that is empty costs as much as emptying a full one.
    if (this.spinlocksHeld.length > 0) this.spinlocksHeld.length = 0;
    if (this.reached.length > 0) this.reached.length = 0;
    if (this.buffers.length > 0) this.buffers.length = 0;
    for (let maker = 0; maker < this.made.length; maker++) this.made[maker] = 0;
    this.freed = null;
  }

  /**
   * Makes shared objects that any thread may be the first to need (a lock in a table of locks): they are known by their names,
   * which nothing else may have, and not by who makes them.
   */
  lazily<T>(make: () => T): T {
    this.byName = true;
    const made = make();
    this.byName = false;
    return made;
  }

  /** Names a new shared object of `words` words. */
  register(name: string, words = 1): SharedObject {
    if (this.byName) return this.locations.objectNamed(name, words, this.stride);
    const maker = this.thread;
    const nth = this.made[maker + 1] ?? 0;
    this.made[maker + 1] = nth + 1;
    return this.locations.objectFor(maker, nth, name, words, this.stride);
  }

  /** Location of word `word` of `object`. */
  locationOf(object: SharedObject, word = 0): number {
    return object.base + word * this.stride;
  }

  /** Where the step that is being made was announced: kept while a schedule is being explained. */
  announcedAt: string | null = null;
  /** Where the step under way chose: kept in the same case. */
  choseAt: string | null = null;

  /** How many executions this world has had: objects belong to one. */
  epoch = 0;
  /** The operation that the running thread has made last and is to yield. */
  lastAnnounced: Step | null = null;

  /** Called where an operation that may have to wait is made. */
  announce<S extends Step>(step: S): S {
    this.lastAnnounced = step;
    if (this.tracer !== null) this.announcedAt = new Error().stack ?? null;
    return step;
  }

  /** Logs an access by its code. */
  note(code: number): void {
    if (this.logged === this.log.length) this.growLog();
    this.log[this.logged++] = code;
  }

  /** Logs an access to a word, for objects that keep their own values. */
  record(object: SharedObject, kind: AccessKind, word = 0): void {
    this.checkAlive(object, kind);
    this.note(2 * this.locationOf(object, word) + (kind === 'write' ? 1 : 0));
  }

  private growLog(): void {
    if (this.log.length >= MOST_ACCESSES) {
      throw new TestMistake(
        `one execution makes ${MOST_ACCESSES} accesses and does not end: is there a loop without a yield?`,
      );
    }
    const longer = new Int32Array(2 * this.log.length);
    longer.set(this.log);
    this.log = longer;
  }

  /** One of 0 .. options-1, by the chooser: the only nondeterminism besides the schedule. */
  choose(options: number): number {
    if (!(Number.isInteger(options) && options > 0)) {
      throw new TestMistake(`choose(${options}): how many options there are is a whole number from 1`);
    }
    if (this.tracer !== null) this.choseAt = new Error().stack ?? null;
    if (options === 1) return 0;
    const chosen = this.chooser(options);
    assert(
      Number.isInteger(chosen) && chosen >= 0 && chosen < options,
      `the chooser gave ${chosen} of ${options} options`,
    );
    return chosen;
  }

  /** Says that the execution came past here: for `sometimes` and for what must never be reached. */
  reach(mark: string): void {
    this.reached.push(mark);
  }

  /** Gives each of `threads` threads a store buffer (TSO). Context: once, after the setup. */
  makeBuffers(threads: number): void {
    if (this.memory === 'sc') return;
    if (threads > MAX_THREADS)
      throw new TestMistake(`${threads} threads: under TSO a program has at most ${MAX_THREADS}`);
    for (let thread = 0; thread < threads; thread++) this.buffers.push(new StoreBuffer(this, thread));
  }

  /** The store buffer of a thread; null under sequential consistency and during the setup. */
  bufferOf(thread: number): StoreBuffer | null {
    return this.buffers[thread] ?? null;
  }

  /** What a locked operation begins with: under TSO the thread's stores have reached memory, for which it has waited. */
  locked(operation: string): void {
    const buffer = this.buffers[this.thread];
    if (buffer === undefined) return;
    if (buffer.length > 0) throw new UnannouncedLocked(operation);
    buffer.noteEmpty();
  }

  /** The object is given back: touching it from now on is a use after free. Conflicts with every access to it. */
  free(object: SharedObject): void {
    this.note(2 * this.lifeOf(object) + 1);
    this.checkAlive(object, 'write');
    this.freed ??= new Set();
    this.freed.add(object);
    this.tracer?.({ object, word: 0, kind: 'write', before: 'alive', after: 'freed', note: 'free' });
  }

  isFreed(object: SharedObject): boolean {
    return this.freed?.has(object) ?? false;
  }

  /** An access to an object that may be freed: it must be alive, and conflicts with its end. */
  touchAlive(object: SharedObject, kind: AccessKind): void {
    this.note(2 * this.lifeOf(object));
    this.checkAlive(object, kind);
  }

  private checkAlive(object: SharedObject, kind: AccessKind): void {
    if (!this.freed?.has(object)) return;
    // Before the free it would have touched more than the object's life.
    this.exchanged = true;
    this.tracer?.({ object, word: 0, kind, before: 'freed', after: 'freed', note: 'after it was freed' });
    throw new UseAfterFree(object.name, kind);
  }

  private lifeOf(object: SharedObject): number {
    return object.base + object.words * this.stride;
  }

  /** Evaluates a condition; the locations that it peeks at are in `peeked` afterwards. */
  evaluate(condition: () => boolean): boolean {
    // A condition that asks whether another step is enabled.
    if (this.peeking) return condition();
    this.peeked.length = 0;
    this.peeking = true;
    const before = this.logged;
    let holds: boolean;
    try {
      holds = condition();
    } finally {
      this.peeking = false;
    }
    if (this.logged !== before)
      throw new TestMistake('a condition or property loads, stores or locks: it may only peek()');
    return holds;
  }
}

function numbered(thread: number): string {
  return `thread ${thread}`;
}

/** A thread touched an object after it was freed, or freed it twice. A verdict on the program, not a bug of ours. */
export class UseAfterFree extends Error {
  override readonly name = 'UseAfterFree';

  constructor(object: string, kind: AccessKind) {
    super(`${object} is ${kind === 'read' ? 'read' : 'written'} after it was freed`);
  }
}

/** A locked operation under TSO that was not announced: it would have to wait. */
export class UnannouncedLocked extends TestMistake {
  override readonly name = 'UnannouncedLocked';

  constructor(operation: string) {
    super(
      `${operation} is a locked operation, which waits under TSO until the thread's stores have reached memory: \`yield LOCKED;\` before it`,
    );
  }
}
