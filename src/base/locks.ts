/**
 * Locks. All methods return steps: `yield lock.acquire();`. A lock knows who holds it and so who waits for whom.
 *
 * On x86 taking a lock is a locked operation and drains the store buffer; giving it back is a plain store, which under TSO goes
 * through the buffer behind the stores of the critical section.
 *
 * Context: a mutex may sleep, so it is not taken by a thread that holds a spinlock ("scheduling while atomic").
 */
import type { Reentered, Step, StepRole } from './flow.ts';
import { TestMistake } from './mistake.ts';
import type { AccessKind, SharedObject, World } from './world.ts';

const NOBODY: readonly number[] = [];

/** A thread broke a rule of the lock it used. A verdict on the program, not a bug of ours. */
export class LockMisuse extends Error {
  override readonly name = 'LockMisuse';
}

/** A lock with one owner that spins: its holder may not sleep. */
export class SpinLock {
  readonly object: SharedObject;
  private readonly world: World;
  private readonly sleeps: boolean;
  private owned = -1;
  /** Threads that took it and have not given it back yet: what each knows of itself, while its release may still be buffered. */
  private readonly holds: boolean[] = [];
  private readonly acquireStep: Step;
  private readonly releaseStep: Step;

  constructor(world: World, name: string, sleeps = false) {
    this.world = world;
    this.sleeps = sleeps;
    this.object = world.register(name);
    this.acquireStep = this.step('acquire', 'acquire', {
      lock: this,
      enabled: () => this.peekOwner() === -1,
      perform: (thread) => this.take(thread),
      waitsFor: () => (this.owned === -1 ? NOBODY : [this.owned]),
    });
    this.releaseStep = this.step('release', 'release', { perform: (thread) => this.giveBack(thread) });
  }

  /** The thread that holds it, or -1: a peek. */
  get owner(): number {
    return this.peekOwner();
  }

  acquire(): Step {
    return this.world.announce(this.acquireStep);
  }

  release(): Step {
    return this.world.announce(this.releaseStep);
  }

  selfWait(thread: number): string | null {
    return this.owned === thread ? 'it holds the lock already' : null;
  }

  private peekOwner(): number {
    if (this.world.peeking) this.world.peeked.push(this.object.base);
    return this.owned;
  }

  private take(thread: number): void {
    const held = this.world.spinlocksHeld;
    if (this.sleeps) {
      if ((held[thread] ?? 0) > 0) {
        throw new LockMisuse(
          `${this.object.name} may sleep and is taken by ${this.world.nameOf(thread)} while it holds a spinlock (scheduling while atomic)`,
        );
      }
    } else {
      held[thread] = (held[thread] ?? 0) + 1;
    }
    this.world.locked(this.object.name);
    this.holds[thread] = true;
    this.set(thread);
  }

  private giveBack(thread: number): void {
    if (this.holds[thread] !== true) {
      throw new LockMisuse(`${this.object.name} is released by ${this.world.nameOf(thread)}, which does not hold it`);
    }
    this.holds[thread] = false;
    if (!this.sleeps) this.world.spinlocksHeld[thread]!--;
    storeBehind(this.world, this.object, thread, () => this.set(-1));
  }

  private set(owner: number): void {
    const { world, object } = this;
    world.note(2 * object.base + 1);
    const before = this.owned;
    world.tracer?.({ object, word: 0, kind: 'write', before: holder(world, before), after: holder(world, owner) });
    this.owned = owner;
  }

  private step(verb: string, role: StepRole, parts: StepParts): Step {
    return makeStep(`${this.object.name}.${verb}`, role, parts);
  }
}

/** A lock with one owner that sleeps. */
export class Mutex {
  private readonly lock: SpinLock;

  constructor(world: World, name: string) {
    this.lock = new SpinLock(world, name, true);
  }

  get object(): SharedObject {
    return this.lock.object;
  }

  get owner(): number {
    return this.lock.owner;
  }

  acquire(): Step {
    return this.lock.acquire();
  }

  release(): Step {
    return this.lock.release();
  }
}

/**
 * A reader/writer lock: many readers or one writer. A reader may pass a waiting writer, as on a kernel's rwlock from interrupt
 * context; the queue that task context keeps is left out, and so is the deadlock that only the queue makes.
 *
 * Word 0 is the writer, word 1 + t says whether thread t reads: readers do not conflict with each other.
 */
export class RwLock {
  readonly object: SharedObject;
  private readonly world: World;
  private readonly readers: number[] = [];
  private writer = -1;
  /** How often each thread holds it to read, and which to write: what each knows of itself, as in SpinLock. */
  private readonly reads: number[] = [];
  private readonly writes: boolean[] = [];
  private readonly steps: Readonly<Record<'readLock' | 'readUnlock' | 'writeLock' | 'writeUnlock', Step>>;

  constructor(world: World, name: string, threads = 16) {
    this.world = world;
    this.object = world.register(name, 1 + threads);
    const step = (verb: string, role: StepRole, parts: StepParts) => makeStep(`${name}.${verb}`, role, parts);
    this.steps = {
      readLock: step('readLock', 'acquire', {
        lock: this,
        enabled: () => this.peekWriter() === -1,
        perform: (thread) => this.takeRead(thread),
        waitsFor: () => (this.writer === -1 ? NOBODY : [this.writer]),
      }),
      readUnlock: step('readUnlock', 'release', { perform: (thread) => this.giveReadBack(thread) }),
      writeLock: step('writeLock', 'acquire', {
        lock: this,
        enabled: () => this.peekWriter() === -1 && this.peekReaders() === 0,
        perform: (thread) => this.takeWrite(thread),
        waitsFor: () => (this.writer === -1 ? [...this.readers] : [this.writer]),
      }),
      writeUnlock: step('writeUnlock', 'release', { perform: (thread) => this.giveWriteBack(thread) }),
    };
  }

  readLock(): Step {
    return this.world.announce(this.steps.readLock);
  }

  readUnlock(): Step {
    return this.world.announce(this.steps.readUnlock);
  }

  writeLock(): Step {
    return this.world.announce(this.steps.writeLock);
  }

  writeUnlock(): Step {
    return this.world.announce(this.steps.writeUnlock);
  }

  selfWait(thread: number, step: Step): string | null {
    if (this.writer !== thread && !this.readers.includes(thread)) return null;
    const asks = step === this.steps.writeLock ? 'writing' : 'reading';
    return `it holds the lock for ${this.writer === thread ? 'writing' : 'reading'} and asks for it for ${asks}`;
  }

  private peekWriter(): number {
    if (this.world.peeking) this.world.peeked.push(this.object.base);
    return this.writer;
  }

  private peekReaders(): number {
    if (this.world.peeking) {
      for (let word = 1; word < this.object.words; word++) {
        this.world.peeked.push(this.world.locationOf(this.object, word));
      }
    }
    return this.readers.length;
  }

  private takeRead(thread: number): void {
    if (1 + thread >= this.object.words)
      throw new TestMistake(`${this.object.name}: made for ${this.object.words - 1} threads, used by thread ${thread}`);
    this.world.locked(this.object.name);
    this.touch(0, 'read', 'no writer', 'no writer');
    this.touch(1 + thread, 'write', 'not read-locked', 'read-locked');
    this.readers.push(thread);
    this.reads[thread] = (this.reads[thread] ?? 0) + 1;
    this.holdSpinning(thread, 1);
  }

  private giveReadBack(thread: number): void {
    if ((this.reads[thread] ?? 0) === 0) {
      throw new LockMisuse(
        `${this.object.name} is read-unlocked by ${this.world.nameOf(thread)}, which does not hold it`,
      );
    }
    this.reads[thread]!--;
    this.holdSpinning(thread, -1);
    storeBehind(this.world, this.object, thread, () => {
      this.touch(1 + thread, 'write', 'read-locked', 'not read-locked');
      this.readers.splice(this.readers.indexOf(thread), 1);
    });
  }

  private takeWrite(thread: number): void {
    this.world.locked(this.object.name);
    this.touch(0, 'write', -1, thread);
    for (let word = 1; word < this.object.words; word++) this.world.note(2 * this.world.locationOf(this.object, word));
    this.writer = thread;
    this.writes[thread] = true;
    this.holdSpinning(thread, 1);
  }

  private giveWriteBack(thread: number): void {
    if (this.writes[thread] !== true) {
      throw new LockMisuse(
        `${this.object.name} is write-unlocked by ${this.world.nameOf(thread)}, which does not hold it`,
      );
    }
    this.writes[thread] = false;
    this.holdSpinning(thread, -1);
    storeBehind(this.world, this.object, thread, () => {
      this.touch(0, 'write', thread, -1);
      this.writer = -1;
    });
  }

  private holdSpinning(thread: number, delta: number): void {
    this.world.spinlocksHeld[thread] = (this.world.spinlocksHeld[thread] ?? 0) + delta;
  }

  /** `before`, `after`: the holder, or what is to be said. */
  private touch(word: number, kind: AccessKind, before: string | number, after: string | number): void {
    const { world, object } = this;
    world.note(2 * world.locationOf(object, word) + (kind === 'write' ? 1 : 0));
    world.tracer?.({ object, word, kind, before: holder(world, before), after: holder(world, after) });
  }
}

/** What lanes call the holder of a lock, which is a thread or -1. */
function holder(world: World, held: string | number): string {
  if (typeof held === 'string') return held;
  return held === -1 ? 'free' : world.nameOf(held);
}

/** Under TSO a release is a plain store, behind those of the critical section; otherwise it is done at once. */
function storeBehind(world: World, object: SharedObject, thread: number, release: () => void): void {
  const buffer = world.bufferOf(thread);
  if (buffer === null) release();
  else buffer.pushRelease(object, release);
}

interface StepParts {
  lock?: Reentered;
  enabled?: (thread: number) => boolean;
  perform: (thread: number) => void;
  waitsFor?: (thread: number) => readonly number[];
}

function makeStep(label: string, role: StepRole, parts: StepParts): Step {
  return {
    label,
    role,
    enabled: parts.enabled ?? (() => true),
    perform: parts.perform,
    waitsFor: parts.waitsFor ?? (() => NOBODY),
    lock: parts.lock,
  };
}
