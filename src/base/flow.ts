/**
 * The step interface (docs/adr/0002): what a simulated thread may do, and what a scheduler needs to know.
 *
 * A flow is a generator function. It writes `yield;` before each plain access to shared state, and
 * `yield lock.acquire();` (any `Step`) for what may have to wait. Between two yields a thread runs alone. The value of
 * a yield is never used, so that a flow can be turned into its straight-line twin by leaving the yields out
 * (tools/straight.mjs). Nondeterminism other than the schedule comes from `World.choose`.
 */
import { assert } from './assert.ts';
import type { World } from './world.ts';

/** One simulated thread's code: yields before each shared access, returns `R`. */
export type Flow<R> = Generator<Step | undefined, R, undefined>;

/**
 * What a scheduler may conclude from an operation without trying it:
 * `acquire` takes what only a `release` by its holder gives back; `wait` may be enabled and disabled by anything;
 * `relax` is a retry that came to nothing; `locked` waits, under TSO, until the thread's store buffer is empty (as `acquire` does
 * too); `join` waits for the end of other threads; `atomic` may touch several words at once; `plain` never waits.
 */
export type StepRole = 'acquire' | 'release' | 'wait' | 'relax' | 'join' | 'locked' | 'atomic' | 'plain';

/** An announced operation. The scheduler performs it, once it is enabled, as one step. */
export interface Step {
  readonly label: string;
  readonly role: StepRole;
  /** Whether `thread` could do it now. Pure: looks at shared objects with peek alone. */
  enabled(thread: number): boolean;
  perform(thread: number): void;
  /** Threads that `thread` waits for, as far as known: for deadlock reports. */
  waitsFor(thread: number): readonly number[];
  /** A `wait` that also waits, under TSO, until the thread's store buffer is empty. */
  readonly drains?: boolean;
  /** `acquire`: the lock, which knows why a thread waits for itself. */
  readonly lock?: Reentered | undefined;
  /** `join`: names of the threads whose end it waits for. */
  readonly joins?: readonly string[];
  /** A `wait`: plain accesses that may stand in its step. Default 0. */
  readonly accesses?: number;
}

/** A lock that a thread may ask for while it holds it. */
export interface Reentered {
  /** How `thread` holds what it waits for in `step`, in a clause; null: it does not hold it. */
  selfWait(thread: number, step: Step): string | null;
}

const NOBODY: readonly number[] = [];

/** A step that waits until `condition` holds; the condition looks at shared objects with peek() alone. */
export function until(world: World, label: string, condition: () => boolean): Step {
  return world.announce({
    label,
    role: 'wait',
    enabled: () => world.evaluate(condition),
    perform: () => {
      world.evaluate(condition);
      for (const location of world.peeked) world.note(2 * location);
    },
    waitsFor: () => NOBODY,
  });
}

/** As `until`; what follows it, up to the next yield, is one step with it, whatever it touches. */
export function untilAtomic(world: World, label: string, condition: () => boolean): Step {
  const step = { ...until(world, label, condition), accesses: Number.POSITIVE_INFINITY };
  return world.announce(step);
}

/**
 * A retry loop says here that this turn came to nothing (kernel: cpu_relax()). The thread goes on once somebody has written
 * a word that it read since its last cpuRelax: turns that would read the same again are not explored, and a thread for
 * which that never happens retries for ever. A loop that gives up after some turns does without.
 */
export function cpuRelax(world: World): Step {
  let step = RELAX_STEPS.get(world);
  if (step === undefined) {
    // The scheduler, which has the log, decides when it is enabled.
    step = {
      label: 'cpu_relax',
      role: 'relax',
      enabled: () => true,
      perform: () => {},
      waitsFor: () => NOBODY,
    };
    RELAX_STEPS.set(world, step);
  }
  return world.announce(step);
}

const RELAX_STEPS = new WeakMap<World, Step>();

/** A step that waits until the named threads have ended, and under TSO until their stores have reached memory. */
export function join(world: World, ...threads: readonly string[]): Step {
  return world.announce({
    label: `join ${threads.join(', ')}`,
    role: 'join',
    // The scheduler, which has the threads, decides when it is enabled.
    enabled: () => true,
    perform: () => {},
    waitsFor: () => NOBODY,
    joins: threads,
  });
}

/** Announces that what follows, up to the next yield, is one step on purpose although it touches several words. */
export const ATOMIC: Step = announcement('atomic');

/**
 * Announces a locked operation (compare-exchange, add, exchange, an operation on a queue): under TSO it waits until the thread's
 * stores have reached memory. Under sequential consistency a bare `yield;` does as well.
 */
export const LOCKED: Step = announcement('locked');

/** Announces MFENCE: `yield MFENCE;` waits, under TSO, until the thread's stores have reached memory. */
export const MFENCE: Step = { ...announcement('locked'), label: 'mfence' };

function announcement(role: 'atomic' | 'locked'): Step {
  return { label: role, role, enabled: () => true, perform: () => {}, waitsFor: () => NOBODY };
}

/** Whether a step waits, under TSO, until the thread's stores have reached memory. */
export function drainsFirst(step: Step | undefined): boolean {
  return step !== undefined && (step.role === 'locked' || step.role === 'acquire' || step.drains === true);
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
