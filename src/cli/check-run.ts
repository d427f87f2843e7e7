/**
 * Runs one test: in this thread, a slice at a time, so that SIGINT and limits of time are heard between slices; and, when that
 * takes long and there are several workers, in parts on worker threads.
 */
import { setImmediate } from 'node:timers/promises';
import {
  Check,
  type CheckOptions,
  type CheckResult,
  type CheckTest,
  combine,
  type Explored,
  type Limit,
  Minimiser,
  partition,
  resultOf,
  type SavedCheck,
} from '../check/index.ts';
import { exploreParts } from '../node/check-workers.ts';
import { OutOfTime, withinTime } from '../node/time-limit.ts';
import type { FoundTest } from './check-select.ts';

export interface RunOptions extends CheckOptions {
  readonly maxSeconds?: number;
  /** Default 1: in this thread. */
  readonly workers?: number;
  /** Counterexamples that are expected stay as they were found: making them short may take longer than all the rest. */
  readonly shortenUnexpectedOnly?: boolean;
  /** How long what is gone on with had taken. */
  readonly secondsBefore?: number;
}

export interface RunProgress {
  readonly executions: number;
  readonly steps: number;
  /** 0 .. 1, as far as can be told. */
  readonly done: number;
}

export interface RunHooks {
  /** Ends the check with what is known by then. */
  readonly signal: AbortSignal;
  /** Now and then, and when the exploration has ended. A counterexample is made short after that. */
  progress(at: RunProgress): void;
  /** Now and then, what is left to do; null: nothing is, or it cannot be gone on with. */
  save?(saved: SavedCheck | null): void;
}

const SLICE_MS = 50;
/** An execution that takes so long has a loop without a yield in it, and will not come back: seconds, and more for more steps. */
const STUCK_MS = 5000;
const STUCK_MS_A_STEP = 0.05;
/** Such loops show early. Later on a slice that takes long is one in which the machine slept, and hours of work are at stake. */
const WATCHED_MS = 60_000;
const SAVE_MS = 10_000;
/** What is done in this thread before workers are started: most tests are over by then. */
const ALONE_MS = 100;
/** Parts for each worker: some are small, and none should be left waiting for the last one; each pair of steps costs a little. */
const PARTS_A_WORKER = 4;

/** @throws what the checker throws of a test that cannot be checked, and OutOfTime. */
export async function runTest(found: FoundTest, options: RunOptions, hooks: RunHooks): Promise<CheckResult> {
  const { shortenUnexpectedOnly = false } = options;
  for (;;) {
    try {
      if (!shortenUnexpectedOnly) return await runOnce(found, options, hooks);
      const result = await runOnce(found, { ...options, minimise: 0 }, hooks);
      return result.verdict === result.expect ? result : await shortenedResult(found.test, result, options, hooks);
    } catch (error) {
      if (!(error instanceof OutOfTime && error.wasPaused)) throw error;
    }
  }
}

async function runOnce(found: FoundTest, options: RunOptions, hooks: RunHooks): Promise<CheckResult> {
  const clock = new Clock(found.test, options.maxSeconds);
  const running = clock.guarded(() => new Check(found.test, options));
  const workers = canBeDivided(options) ? (options.workers ?? 1) : 1;
  if (workers === 1 || (await drive(running, clock, hooks, ALONE_MS))) {
    await drive(running, clock, hooks);
    return running.result();
  }
  const parts = await runParts(found, running.test, workers, options, clock, hooks);
  if (parts !== null) return parts;
  await drive(running, clock, hooks);
  return running.result();
}

/** Parts are for the exploration of all there is: random schedules have none, and a checkpoint is of one exploration. */
function canBeDivided({ strategy, resume }: RunOptions): boolean {
  return (strategy ?? 'dpor') === 'dpor' && resume === undefined;
}

class Clock {
  readonly maxSeconds: number;
  private readonly start = performance.now();
  private readonly stuck: number;

  constructor(test: CheckTest, maxSeconds = Number.POSITIVE_INFINITY) {
    this.maxSeconds = maxSeconds;
    this.stuck = STUCK_MS + (test.maxSteps ?? 0) * STUCK_MS_A_STEP;
  }

  get elapsed(): number {
    return performance.now() - this.start;
  }

  /** Milliseconds that are left. */
  get left(): number {
    return this.maxSeconds * 1000 - this.elapsed;
  }

  get overtime(): Limit {
    return { name: 'time', message: `${this.maxSeconds} s were over (--max-seconds)` };
  }

  guarded<T>(work: () => T): T {
    return this.elapsed < WATCHED_MS ? withinTime(this.stuck, work) : work();
  }
}

/** Goes on until the check has ended, or `forMs` are over. Whether it has ended. */
async function drive(
  running: Check,
  clock: Clock,
  hooks: RunHooks,
  forMs = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const until = clock.elapsed + forMs;
  let saved = clock.elapsed;
  const tell = (): void =>
    hooks.progress({ executions: running.executions, steps: running.steps, done: running.progress });
  while (clock.guarded(() => slice(running))) {
    tell();
    await setImmediate();
    if (hooks.signal.aborted) running.stop({ name: 'interrupted', message: 'interrupted' });
    else if (clock.left <= 0) running.stop(clock.overtime);
    else if (clock.elapsed >= until) return false;
    else if (clock.elapsed - saved >= SAVE_MS && hooks.save !== undefined) {
      saved = clock.elapsed;
      hooks.save(running.save());
    }
  }
  tell();
  hooks.save?.(running.save());
  return true;
}

/** As many executions as fit. False when the check has ended. */
function slice(running: Check): boolean {
  const end = performance.now() + SLICE_MS;
  while (performance.now() < end) if (!running.advance(1)) return false;
  return true;
}

/** The test in parts, on workers. Null: it cannot be divided. */
async function runParts(
  found: FoundTest,
  test: CheckTest,
  workers: number,
  options: RunOptions,
  clock: Clock,
  hooks: RunHooks,
): Promise<CheckResult | null> {
  const parts = clock.guarded(() => partition(test, workers * PARTS_A_WORKER));
  if (parts.length === 1) return null;
  const { maxExecutions = Number.POSITIVE_INFINITY } = options;
  const stop = new AbortController();
  let limit: Limit | null = null;
  const end = (why: Limit): void => {
    limit ??= why;
    stop.abort();
  };
  const interrupt = (): void => end({ name: 'interrupted', message: 'interrupted' });
  hooks.signal.addEventListener('abort', interrupt, { once: true });
  const timer = setTimeout(() => end(clock.overtime), Math.min(Math.max(0, clock.left), 2 ** 31 - 1));
  try {
    const { memory } = options;
    const start = { file: found.file, index: found.index, options: memory === undefined ? {} : { memory } };
    const done = await exploreParts(start, parts, workers, {
      signal: stop.signal,
      progress: (at) => {
        hooks.progress(at);
        if (at.executions < maxExecutions) return;
        end({ name: 'executions', message: `${at.executions} executions were looked at (maxExecutions)` });
      },
    });
    if (done.unfit) return null;
    return resultOf(test, await shortened(test, combine(done.explored, limit), options, hooks));
  } finally {
    clearTimeout(timer);
    hooks.signal.removeEventListener('abort', interrupt);
  }
}

async function shortenedResult(
  test: CheckTest,
  result: CheckResult,
  options: RunOptions,
  hooks: RunHooks,
): Promise<CheckResult> {
  const { memory } = options;
  const own = memory === undefined ? test : { ...test, memory };
  const { violation } = await shortened(own, { ...result, unreached: [] }, options, hooks);
  return { ...result, violation };
}

async function shortened(test: CheckTest, explored: Explored, options: RunOptions, hooks: RunHooks): Promise<Explored> {
  const { violation } = explored;
  if (violation === null || violation.tells !== undefined || options.minimise === 0) return explored;
  const minimiser = new Minimiser(test, violation, options.minimise);
  for (let end = performance.now() + SLICE_MS; minimiser.next(); ) {
    if (performance.now() < end) continue;
    await setImmediate();
    if (hooks.signal.aborted) break;
    end = performance.now() + SLICE_MS;
  }
  return { ...explored, violation: minimiser.best };
}
