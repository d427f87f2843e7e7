/** iova_stress over several designs and modes: one process each, one after the other, so that none disturbs another's time. */
import type { StressJob, StressOutcome, StressProgress } from '../node/stress-job.ts';
import { type StressFailure, startStress } from '../node/stress-parent.ts';
import { type IovaStressResult, type IovaStressRun, stressPairs } from '../sim/index.ts';
import { complain, debugWanted, EXIT, type ExitCode } from './exit.ts';

export interface StressPlan {
  readonly designs: readonly string[];
  readonly modes: readonly StressJob['mode'][];
  readonly spaceTiB: number;
  readonly dmaPages: readonly number[];
  /** How often each is run, all in turn; the one with the median time is kept. */
  readonly rounds: number;
  /** Further rounds are begun only if they are likely to end within this time; for ever unless told. */
  readonly budgetSeconds?: number;
}

export interface StressListeners {
  readonly signal: AbortSignal;
  progress(job: StressJob, progress: StressProgress): void;
  /** What is kept of a design and mode, as soon as that is known. */
  kept(outcomes: readonly StressOutcome[]): void;
}

export interface StressProblem {
  readonly code: ExitCode;
  readonly text: string;
  readonly stack?: string;
}

export interface StressFindings {
  readonly result: IovaStressResult;
  /** False when a run was stopped, or not begun, by an interrupt. */
  readonly whole: boolean;
  /** All times measured by design, in strict mode and with the first DMA size: for the spread. */
  readonly seconds: ReadonlyMap<string, readonly number[]>;
  readonly problems: readonly StressProblem[];
}

/** Of one design and mode: an outcome a DMA size, for each round. */
type Rounds = (readonly StressOutcome[])[];

export async function runStressPlan(plan: StressPlan, listeners: StressListeners): Promise<StressFindings> {
  const kept: StressOutcome[] = [];
  const seconds = new Map<string, readonly number[]>();
  const problems: StressProblem[] = [];
  for (const mode of plan.modes) {
    const measured = await measure(plan, mode, listeners, problems);
    for (const [design, rounds] of measured) {
      kept.push(...medianRound(rounds));
      if (mode === 'strict')
        seconds.set(
          design,
          rounds.flatMap((round) => round.slice(0, 1).map(({ run }) => run.seconds)),
        );
    }
  }
  const runs = kept.map(({ run }) => run);
  const result: IovaStressResult = {
    schema: 1,
    command: 'iova-stress',
    spaceTiB: plan.spaceTiB,
    runs: runs.filter((run) => run.mode === 'strict'),
    lazyRuns: runs.filter((run) => run.mode === 'lazy'),
  };
  return { result, whole: !listeners.signal.aborted && kept.every((outcome) => outcome.whole), seconds, problems };
}

/** Round after round over all designs, as far as the budget goes. */
async function measure(
  plan: StressPlan,
  mode: StressJob['mode'],
  listeners: StressListeners,
  problems: StressProblem[],
): Promise<ReadonlyMap<string, Rounds>> {
  const measured = new Map<string, Rounds>(plan.designs.map((design) => [design, []]));
  const start = performance.now();
  let roundSeconds = 0;
  for (let round = 1; round <= plan.rounds && !listeners.signal.aborted; round++) {
    const before = (performance.now() - start) / 1000;
    if (before + roundSeconds > (plan.budgetSeconds ?? Number.POSITIVE_INFINITY)) break;
    for (const [design, rounds] of measured) {
      const job: StressJob = { design, mode, spaceTiB: plan.spaceTiB, dmaPages: plan.dmaPages };
      if (rounds.length === round - 1) await measureOnce(job, rounds, listeners, problems);
      if (plan.rounds === 1) listeners.kept(medianRound(rounds));
    }
    roundSeconds = (performance.now() - start) / 1000 - before;
  }
  if (plan.rounds > 1) for (const rounds of measured.values()) listeners.kept(medianRound(rounds));
  return measured;
}

async function measureOnce(
  job: StressJob,
  rounds: Rounds,
  listeners: StressListeners,
  problems: StressProblem[],
): Promise<void> {
  const { signal } = listeners;
  const done = await startStress(job, { signal, progress: (progress) => listeners.progress(job, progress) });
  if (done.ok) {
    rounds.push(done.value);
    problems.push(...done.value.flatMap(failedPairs));
  } else problems.push(childProblem(job, done.error));
}

/** The round whose first run has the median time; of rounds that were stopped, the longest one. */
function medianRound(rounds: Rounds): readonly StressOutcome[] {
  const whole = rounds.filter((round) => round.length > 0 && round.every((outcome) => outcome.whole));
  const sorted = whole.toSorted((a, b) => a[0]!.run.seconds - b[0]!.run.seconds);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? rounds.at(-1)?.filter(({ run }) => run.pairs > 0) ?? [];
}

function failedPairs({ run, failedPairs: failed }: StressOutcome): readonly StressProblem[] {
  if (failed === 0) return [];
  const text = `${run.design} (${run.mode}): ${failed} of ${run.pairs} pairs failed: a map was refused, or an unmap returned another size`;
  return [{ code: EXIT.unexpected, text }];
}

function childProblem(job: StressJob, failure: StressFailure): StressProblem {
  const who = `the process that ran ${job.design} (${job.mode})`;
  const stack = failure.stack === undefined ? {} : { stack: failure.stack };
  switch (failure.kind) {
    case 'too-large':
      return { code: EXIT.usage, text: `${who}: ${failure.message} (use a smaller -s or -S)` };
    case 'ended':
      return { code: EXIT.unexpected, text: `${who} ${failure.message} (its figures are left out)`, ...stack };
    case 'crashed':
      return {
        code: EXIT.bug,
        text: `a bug in tablewalk: ${who}: ${failure.message} (please report it, with what --debug adds)`,
        ...stack,
      };
  }
}

/** A run that was interrupted proves nothing about the whole space. */
export function wholeRuns(runs: readonly IovaStressRun[], spaceTiB: number): readonly IovaStressRun[] {
  return runs.filter((run) => run.pairs === stressPairs(spaceTiB, run.dmaBytes / 4096));
}

/** One line a problem on stderr; its stack for who asks. */
export function tellProblems(problems: readonly StressProblem[]): void {
  for (const { text, stack } of problems) {
    complain(text);
    if (debugWanted() && stack !== undefined) process.stderr.write(`${stack}\n`);
  }
}

/** A bug of ours outweighs bad input, and that a failure. */
export function problemsCode(problems: readonly StressProblem[]): ExitCode | undefined {
  const codes = problems.map((problem) => problem.code);
  return [EXIT.bug, EXIT.usage].find((code) => codes.includes(code)) ?? codes[0];
}
