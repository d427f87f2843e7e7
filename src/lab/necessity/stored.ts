/**
 * What was found when designs were taken apart for the store: how many of their steps are needed, and which tests are vacuous. necessities.ts has a line each:
 * `DESIGN | steps needed progress code nothing bounded untried | vacuous test | …`.
 */
import type { MatrixEntry } from '../litmus/scenario.ts';
import { NECESSITIES } from './necessities.ts';
import type { NecessityReport, Need } from './necessity.ts';

export interface StoredNecessity {
  readonly steps: number;
  readonly counts: Readonly<Record<Need, number>>;
  /** Names of tests that hold whatever is left out. */
  readonly vacuous: readonly string[];
}

/** In the order in which they are told. */
export const NEEDS: readonly Need[] = ['needed', 'for progress', 'by the code', 'by nothing', 'bounded', 'untried'];

/** As what a test's kernel is taken apart: the design, a pair of designs; each case of the catalogue for itself. */
export function takenApartAs({ design, family, name }: Pick<MatrixEntry, 'design' | 'family' | 'name'>): string {
  return family === 'catalogue' ? name : design;
}

let stored: ReadonlyMap<string, StoredNecessity> | null = null;

/** Of a design, by `takenApartAs`. */
export function storedNecessity(design: string): StoredNecessity | undefined {
  stored ??= readNecessities(NECESSITIES);
  return stored.get(design);
}

/** By design. @throws RangeError for a line that is none. */
export function readNecessities(lines: readonly string[]): ReadonlyMap<string, StoredNecessity> {
  return new Map(
    lines.map((line) => {
      const [design = '', numbers = '', ...vacuous] = line.split(' | ');
      const [steps, ...counts] = numbers.split(' ').map(Number);
      if (steps === undefined || counts.length !== NEEDS.length || ![steps, ...counts].every(Number.isSafeInteger)) {
        throw new RangeError(`necessities.ts: '${line}' is no design that was taken apart: run npm run necessities`);
      }
      const byNeed = Object.fromEntries(NEEDS.map((need, i) => [need, counts[i]!])) as Record<Need, number>;
      return [design, { steps, counts: byNeed, vacuous }];
    }),
  );
}

/** The line of a report. */
export function printNecessity({ design, steps, tests }: NecessityReport): string {
  const counts = NEEDS.map((need) => countOf(steps, need));
  const vacuous = tests.filter(({ fallsWithout }) => fallsWithout === null).map(({ name }) => name);
  return [design, [steps.length, ...counts].join(' '), ...vacuous].join(' | ');
}

export function countOf(steps: NecessityReport['steps'], need: Need): number {
  return steps.filter((step) => step.need === need).length;
}

/** What a matrix says beside a test; empty: nothing is stored of its design. */
export function necessityCell(entry: Pick<MatrixEntry, 'design' | 'family' | 'name'>): string {
  const found = storedNecessity(takenApartAs(entry));
  if (found === undefined || found.steps === 0) return '';
  return found.vacuous.includes(entry.name) ? 'vacuous' : `${found.counts.needed} of ${found.steps} steps needed`;
}
