/**
 * The smallest scheduler that can drive flows: it runs a program again and again, each time by another row of decisions,
 * depth first, until every interleaving has been seen. No reduction, no state kept between runs. The checker proper is
 * src/check; this one exists so that the step interface is tested by something that fits on two pages.
 */
import { type Flow, type Step, World } from '../../src/base/flow.ts';

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

/**
 * Runs one execution: a step is performing what the thread announced, then running on to its next yield. The thread of each
 * step is put on `schedule`, which its caller can read when a step throws.
 */
export function execute(make: (world: World) => Program, decide: Decide, schedule: number[] = []): Execution {
  const world = new World((options) => decide(options, 'choose'));
  const { threads, end } = make(world);
  const announced: (Step | undefined | 'ended')[] = [];
  const advance = (thread: number): void => {
    world.thread = thread;
    const next = (threads[thread] as Flow<unknown>).next();
    announced[thread] = next.done === true ? 'ended' : next.value;
    world.thread = -1;
  };
  // What comes before the first yield touches nothing that is shared.
  for (let thread = 0; thread < threads.length; thread++) advance(thread);
  while (schedule.length < MAX_STEPS) {
    const alive = [...threads.keys()].filter((thread) => announced[thread] !== 'ended');
    if (alive.length === 0) {
      end?.();
      return { schedule, deadlock: null };
    }
    const enabled = alive.filter((thread) => (announced[thread] as Step | undefined)?.enabled(thread) ?? true);
    if (enabled.length === 0) return { schedule, deadlock: alive.map((thread) => stuck(thread, announced[thread])) };
    const thread = enabled[enabled.length === 1 ? 0 : decide(enabled.length, 'schedule')] as number;
    schedule.push(thread);
    world.thread = thread;
    (announced[thread] as Step | undefined)?.perform(thread);
    advance(thread);
  }
  throw new Error(`no end after ${MAX_STEPS} steps: ${schedule.slice(-20).join(' ')}`);
}

function stuck(thread: number, step: Step | undefined | 'ended'): Deadlock {
  const { label, waitsFor } = step as Step;
  return { thread, label, waitsFor: waitsFor(thread) };
}

/** All executions, depth first. Stops with an error past `limit`. */
export function explore(make: (world: World) => Program, limit = 100_000): Execution[] {
  const seen: Execution[] = [];
  const row: { chosen: number; options: number }[] = [];
  do {
    let at = 0;
    seen.push(
      execute(make, (options) => {
        if (at === row.length) row.push({ chosen: 0, options });
        return (row[at++] as { chosen: number }).chosen;
      }),
    );
    if (seen.length > limit) throw new Error(`more than ${limit} executions`);
    // The last decision that has an option left takes it; those after it start again.
    while (row.length > 0 && (row.at(-1) as { chosen: number; options: number }).chosen + 1 === row.at(-1)?.options)
      row.pop();
    if (row.length > 0) (row.at(-1) as { chosen: number }).chosen++;
  } while (row.length > 0);
  return seen;
}
