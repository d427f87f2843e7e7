/** One test after the other: what came out of each, and which could not be checked as they are written. */
import { type CheckResult, explain, type SavedCheck, TestMistake } from '../check/index.ts';
import { WorkerFailed } from '../node/check-workers.ts';
import { describeThrown, placeInUserCode } from '../node/test-file-errors.ts';
import { OutOfTime } from '../node/time-limit.ts';
import { withMemory } from './check-options.ts';
import { runPool } from './check-pool.ts';
import { createCheckProgress } from './check-progress.ts';
import type { Mistaken, Outcome } from './check-report.ts';
import { type RunOptions, type RunProgress, runTest } from './check-run.ts';
import { type FoundTest, placeOfTest } from './check-select.ts';
import { BadInput } from './exit.ts';

export interface Findings {
  readonly outcomes: readonly Outcome[];
  readonly mistakes: readonly Mistaken[];
}

export interface Listeners {
  readonly signal: AbortSignal;
  /** Takes what is left of a test, now and then. */
  readonly save?: (found: FoundTest, saved: SavedCheck | null) => void;
  outcome(outcome: Outcome): void;
  mistake?(mistaken: Mistaken): void;
}

export async function runAll(
  tests: readonly FoundTest[],
  options: RunOptions,
  listeners: Listeners,
): Promise<Findings> {
  const { workers = 1 } = options;
  if (workers > 1 && tests.length > 1 && tests.every(({ file }) => file === null)) {
    return await runPool(tests, { ...options, workers: 1 }, workers, listeners);
  }
  const outcomes: Outcome[] = [];
  const mistakes: Mistaken[] = [];
  const progress = createCheckProgress(tests.length);
  for (const found of tests) {
    if (listeners.signal.aborted) break;
    try {
      const outcome = await runOne(found, options, listeners, progress.begin(found));
      outcomes.push(outcome);
      progress.clear();
      listeners.outcome(outcome);
    } catch (error) {
      const mistaken = { found, why: asMistake(error, found) };
      mistakes.push(mistaken);
      listeners.mistake?.(mistaken);
    }
  }
  progress.clear();
  return { outcomes, mistakes };
}

/** @throws what the checker throws of a test that cannot be checked, and OutOfTime. */
export async function runOne(
  found: FoundTest,
  options: RunOptions,
  { signal, save }: Pick<Listeners, 'signal' | 'save'>,
  show: (at: RunProgress) => void,
): Promise<Outcome> {
  const start = performance.now() - 1000 * (options.secondsBefore ?? 0);
  const elapsed = (): number => (performance.now() - start) / 1000;
  let last = { done: 0, seconds: 0 };
  const progress = (at: RunProgress): void => {
    if (at.done < 1) last = { done: at.done, seconds: elapsed() };
    else last.seconds = elapsed();
    show(at);
  };
  const hooks = {
    signal,
    progress,
    ...(save === undefined ? {} : { save: (left: SavedCheck | null) => save(found, left) }),
  };
  const result = await runTest(found, options, hooks);
  return {
    found,
    result,
    seconds: elapsed(),
    exploring: last.seconds,
    done: isEstimate(options) ? last.done : null,
    counterexample: shown(found, result, options),
  };
}

/** Of the strategies only this one tells how much is left of all there is. */
function isEstimate({ strategy }: RunOptions): boolean {
  return strategy === 'dpor';
}

function shown({ test }: FoundTest, { violation }: CheckResult, { memory }: RunOptions): Outcome['counterexample'] {
  return violation === null ? null : explain(withMemory(test, memory), violation);
}

/** What is wrong with the test, in a line. Rethrows what is no fault of the test's. */
export function asMistake(error: unknown, found: FoundTest): BadInput {
  const { file, test } = found;
  if (error instanceof OutOfTime) {
    const message = 'an execution went on for seconds without coming to its next step';
    const hint = 'put a `yield;` into each loop of a thread, and bound what stands outside of threads';
    return new BadInput({ code: 'stuck', place: placeOfTest(found), message, hint });
  }
  // Whatever it is, the other tests of a matrix are none the worse.
  if (file === null) return builtInMistake(error, found);
  const place = placeInUserCode(error, file);
  if (place === null && !isMistake(error)) throw error;
  return new BadInput({
    code: 'test-mistake',
    place: `${place ?? file}: test '${test.name}'`,
    message: error instanceof WorkerFailed && error.isMistake ? error.message : describeThrown(error),
  });
}

function builtInMistake(error: unknown, found: FoundTest): BadInput {
  return new BadInput({ code: 'test-mistake', place: placeOfTest(found), message: describeThrown(error) });
}

/** Errors of a worker come as copies. */
function isMistake(error: unknown): boolean {
  return error instanceof TestMistake || (error instanceof WorkerFailed && error.isMistake);
}
