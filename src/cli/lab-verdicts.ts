/** The part of `lab` that runs a few of the built-in tests again. */
import { type LabVerdict, labVerdicts, quickest, type RunAgain } from '../lab/lab/verdicts.ts';
import { LITMUS } from '../lab/litmus/index.ts';
import { runAll } from './check-plan.ts';
import type { Outcome } from './check-report.ts';

/** How long the tests that are chosen took when they were run for the store. */
const SECONDS = 4;
/** On a slower machine fewer are done. */
const MOST_MS = 10_000;

/** All verdicts that are stored, and those of a few tests that are run now. `failed`: tests that could not be run. */
export async function verdictsAgain(
  signal: AbortSignal,
): Promise<{ readonly verdicts: readonly LabVerdict[]; readonly failed: readonly string[] }> {
  const tests = quickest(SECONDS).map((entry) => ({
    ...{ test: entry.test, file: null, index: LITMUS.indexOf(entry), label: entry.name, entry, leftOut: null },
  }));
  const again = new Map<string, RunAgain>();
  const { mistakes } = await runAll(
    tests,
    { strategy: 'dpor', minimise: 0 },
    { signal: AbortSignal.any([signal, AbortSignal.timeout(MOST_MS)]), outcome: (outcome) => keep(outcome, again) },
  );
  return { verdicts: labVerdicts(again), failed: mistakes.map(({ why }) => why.message) };
}

function keep({ result, seconds }: Outcome, again: Map<string, RunAgain>): void {
  // One that was ended has come to nothing.
  if (result.limit?.name === 'interrupted') return;
  again.set(result.name, { verdict: result.verdict, executions: result.executions, seconds });
}
