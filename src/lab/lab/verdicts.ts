/** What the lab says of the verdicts of all built-in tests: what is stored, and what a few of them came to when they were run again. */
import type { Verdict } from '../../check/index.ts';
import { LITMUS } from '../litmus/index.ts';
import { groupedBy, linesOf } from '../litmus/rows.ts';
import type { MatrixEntry } from '../litmus/scenario.ts';
import { type StoredVerdict, storedVerdict } from '../litmus/stored.ts';

/** What a test came to in this lab. */
export interface RunAgain {
  readonly verdict: Verdict;
  readonly executions: number;
  readonly seconds: number;
}

export interface LabVerdict {
  readonly name: string;
  readonly family: string;
  readonly scenario: string;
  readonly design: string;
  readonly designs: readonly string[];
  /** Lines of code of the designs. */
  readonly lines: number | null;
  readonly stored: StoredVerdict | null;
  readonly again: (RunAgain & { readonly agrees: boolean }) | null;
}

export function labVerdicts(again: ReadonlyMap<string, RunAgain>): readonly LabVerdict[] {
  return LITMUS.map(({ name, family, scenario, design, designs }) => {
    const stored = storedVerdict(name) ?? null;
    const run = again.get(name);
    return {
      ...{ name, family, scenario, design, designs, lines: linesOf(designs), stored },
      again: run === undefined ? null : { ...run, agrees: agrees(run, stored) },
    };
  });
}

function agrees(run: RunAgain, stored: StoredVerdict | null): boolean {
  return stored !== null && run.verdict === stored.verdict && run.executions === stored.executions;
}

/** What a test takes besides its stored time: one that is over at once still has to be made. */
const LEAST_SECONDS = 0.02;

/** Tests that take about so long together by what is stored: of each scenario the quickest, then of each the next. */
export function quickest(seconds: number, entries: readonly MatrixEntry[] = LITMUS): readonly MatrixEntry[] {
  const known = entries.filter(({ name, slow }) => !slow && storedVerdict(name) !== undefined);
  const takes = ({ name }: MatrixEntry): number => storedVerdict(name)!.seconds + LEAST_SECONDS;
  const waiting = [...groupedBy(known, ({ scenario }) => scenario).values()].map((group) =>
    [...group].sort((a, b) => takes(a) - takes(b)),
  );
  const rounds = Math.max(0, ...waiting.map((group) => group.length));
  const inOrder = Array.from({ length: rounds }, (_, round) => waiting.flatMap((group) => group[round] ?? [])).flat();
  let left = seconds;
  return inOrder.filter((entry) => {
    if (takes(entry) > left) return false;
    left -= takes(entry);
    return true;
  });
}
