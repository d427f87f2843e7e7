/** What strategies share that choose each step as they go: one execution, and its schedule. */
import type { Execution } from '../execution.ts';
import type { Ending, Harness } from '../harness.ts';
import type { Decision } from '../verdicts.ts';

/** Threads that can run now, in order; into `into`. */
export function enabledThreads(run: Execution, into: number[]): readonly number[] {
  into.length = 0;
  for (let thread = 0; thread < run.threadCount; thread++) if (run.enabled(thread)) into.push(thread);
  return into;
}

/**
 * Runs one execution. `decide` gets the threads that can run and says who does and what it chooses; null gives the execution
 * up. Steps as they were made, choices included, go into `schedule`, of which the first `known` are made as they stand there.
 */
export function steer(
  harness: Harness,
  run: Execution,
  schedule: Decision[],
  decide: (enabled: readonly number[]) => Decision | null,
  known = 0,
): Ending {
  const enabled: number[] = [];
  schedule.length = known;
  if (harness.finding !== null) return 'cut';
  for (const { thread, path } of schedule) {
    run.step(thread, path);
    if (harness.afterStep(run)) return 'cut';
  }
  for (;;) {
    if (enabledThreads(run, enabled).length === 0) return 'ended';
    const decision = decide(enabled);
    if (decision === null) return 'blocked';
    run.step(decision.thread, decision.path);
    schedule.push({ thread: decision.thread, path: run.path });
    if (harness.afterStep(run)) return 'cut';
  }
}
