/**
 * The smallest scheduler that can drive flows: it runs a program again and again, each time by another row of decisions,
 * depth first, until every interleaving has been seen. No reduction, no state kept between runs. The checker proper is
 * src/check; this one exists so that the step interface is tested by something that fits on two pages.
 *
 * Under TSO thread n + t is the store buffer of thread t: its step lets the oldest store reach memory. cpuRelax is a step like any
 * other here, so that retry loops need a bound.
 */
import type { Flow, Step } from '../../src/base/flow.ts';
import { type MemoryModel, World } from '../../src/base/world.ts';

export interface Program {
  readonly threads: readonly Flow<unknown>[];
  /** Called when all threads have ended; throws when the outcome is wrong. */
  end?(): void;
}

export interface Deadlock {
  readonly thread: number;
  readonly label: string;
  readonly waitsFor: readonly number[];
}

export interface Execution {
  /** The thread of each step. */
  readonly schedule: readonly number[];
  readonly deadlock: readonly Deadlock[] | null;
}

const MAX_STEPS = 100_000;

/** Decides among `options` things; `what` says whether it is the schedule or a thread that asks. */
export type Decide = (options: number, what: 'schedule' | 'choose') => number;

export interface ExecuteOptions {
  readonly memory?: MemoryModel;
  /** The thread of each step is put here, for a caller that wants to read it when a step throws. */
  readonly schedule?: number[];
}

/** Runs one execution: a step is performing what the thread announced, then running on to its next yield. */
export function execute(make: (world: World) => Program, decide: Decide, options: ExecuteOptions = {}): Execution {
  const { memory = 'sc', schedule = [] } = options;
  const world = new World({ memory, chooser: (count) => decide(count, 'choose') });
  const { threads, end } = make(world);
  world.makeBuffers(threads.length);
  const row = new Row(world, threads);
  while (schedule.length < MAX_STEPS) {
    const enabled = row.enabled();
    if (enabled.length === 0) {
      const deadlock = row.stuck();
      if (deadlock === null) end?.();
      return { schedule, deadlock };
    }
    const thread = enabled[enabled.length === 1 ? 0 : decide(enabled.length, 'schedule')] as number;
    schedule.push(thread);
    row.step(thread);
  }
  throw new Error(`no end after ${MAX_STEPS} steps: ${schedule.slice(-20).join(' ')}`);
}

/** The threads of one execution, and what each has announced. */
class Row {
  private readonly world: World;
  private readonly threads: readonly Flow<unknown>[];
  private readonly announced: (Step | undefined | 'ended')[] = [];

  constructor(world: World, threads: readonly Flow<unknown>[]) {
    this.world = world;
    this.threads = threads;
    // What comes before the first yield touches nothing that is shared.
    for (let thread = 0; thread < threads.length; thread++) this.advance(thread);
  }

  enabled(): number[] {
    const threads = [...this.threads.keys()].filter((thread) => this.canRun(thread));
    const buffers = [...this.threads.keys()].filter((thread) => this.buffered(thread) > 0);
    return [...threads, ...buffers.map((thread) => thread + this.threads.length)];
  }

  /** The threads that wait when nothing can run; null when all have ended. */
  stuck(): Deadlock[] | null {
    const alive = [...this.threads.keys()].filter((thread) => this.announced[thread] !== 'ended');
    if (alive.length === 0) return null;
    return alive.map((thread) => {
      const { label, waitsFor } = this.announced[thread] as Step;
      return { thread, label, waitsFor: waitsFor(thread) };
    });
  }

  step(thread: number): void {
    const { world } = this;
    world.thread = thread % this.threads.length;
    if (thread < this.threads.length) {
      (this.announced[thread] as Step | undefined)?.perform(thread);
      this.advance(thread);
    } else {
      world.bufferOf(world.thread)!.flush();
    }
    world.thread = -1;
  }

  private canRun(thread: number): boolean {
    const step = this.announced[thread];
    if (step === 'ended') return false;
    if (step === undefined) return true;
    const drains = step.role === 'locked' || step.role === 'acquire';
    return step.enabled(thread) && !(drains && this.buffered(thread) > 0);
  }

  private buffered(thread: number): number {
    return this.world.bufferOf(thread)?.length ?? 0;
  }

  private advance(thread: number): void {
    this.world.thread = thread;
    const next = (this.threads[thread] as Flow<unknown>).next();
    this.announced[thread] = next.done === true ? 'ended' : next.value;
    this.world.thread = -1;
  }
}

export interface ExploreOptions {
  readonly memory?: MemoryModel;
  /** Executions, at most: an error beyond. */
  readonly limit?: number;
}

/** All executions, depth first. */
export function explore(make: (world: World) => Program, options: ExploreOptions = {}): Execution[] {
  const { memory = 'sc', limit = 100_000 } = options;
  const seen: Execution[] = [];
  const row: { chosen: number; options: number }[] = [];
  do {
    let at = 0;
    const decide = (count: number): number => {
      if (at === row.length) row.push({ chosen: 0, options: count });
      return row[at++]!.chosen;
    };
    seen.push(execute(make, decide, { memory }));
    if (seen.length > limit) throw new Error(`more than ${limit} executions`);
    // The last decision that has an option left takes it; those after it start again.
    while (row.length > 0 && row.at(-1)!.chosen + 1 === row.at(-1)!.options) row.pop();
    if (row.length > 0) row.at(-1)!.chosen++;
  } while (row.length > 0);
  return seen;
}
