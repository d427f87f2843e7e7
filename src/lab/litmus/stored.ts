/**
 * Verdicts that were come to before, so that a report has all of them without running for an hour, and so that a change which changes one is
 * seen. They are in verdicts.ts, a line for each row of a scenario: `SCENARIO / ROW | v 12 0.1 COLUMN | h 340 2 COLUMN`: the
 * verdict's first letter, executions, seconds, and the column where the row has columns.
 */
import type { Verdict } from '../../check/index.ts';
import type { KernelDesign } from '../../designs/index.ts';
import { groupedBy, placeOf } from './rows.ts';
import { type MatrixEntry, type Scenario, testOf } from './scenario.ts';
import { VERDICTS } from './verdicts.ts';

export interface StoredVerdict {
  /** One that says something: neither a limit nor a test that was not run is kept. */
  readonly verdict: Exclude<Verdict, 'bounded' | 'skipped'>;
  readonly executions: number;
  /** About. */
  readonly seconds: number;
}

const WORDS = { h: 'holds', v: 'violated', u: 'unreachable' } as const;
const CELL = /^([hvu]) (\d+) (\d+(?:\.\d+)?)(?: (.+))?$/;

/** The verdict on the test of that name when it was last run for the store. */
export function storedVerdict(name: string): StoredVerdict | undefined {
  stored ??= readStored(VERDICTS);
  return stored.get(name);
}

/** More than that is left to who asks for it. */
const SLOW_SECONDS = 5;

/** A scenario with these designs, the innermost first, which is expected to come to what it came to. */
export function storedTest(
  scenario: Scenario,
  family: string,
  design: string,
  changes: readonly KernelDesign[],
): MatrixEntry {
  const { seconds = 0, verdict = 'holds' } = storedVerdict(`${scenario.name} / ${design}`) ?? {};
  return testOf(scenario, family, design, verdict, changes, seconds > SLOW_SECONDS);
}

let stored: ReadonlyMap<string, StoredVerdict> | null = null;

/** By name of the test. @throws RangeError for a line that is none. */
export function readStored(lines: readonly string[]): ReadonlyMap<string, StoredVerdict> {
  return new Map(lines.flatMap(readLine));
}

function readLine(line: string): readonly [string, StoredVerdict][] {
  const [row = '', ...cells] = line.split(' | ');
  return cells.map((cell) => {
    const [, letter, executions, seconds, column] = CELL.exec(cell) ?? [];
    if (letter === undefined) throw new RangeError(`verdicts.ts: '${cell}' is no verdict: run npm run verdicts`);
    const verdict = WORDS[letter as keyof typeof WORDS];
    const name = column === undefined ? row : `${row} x ${column}`;
    return [name, { verdict, executions: Number(executions), seconds: Number(seconds) }];
  });
}

/** The lines for verdicts.ts, sorted. What has no verdict in `verdicts` has none there. */
export function printStored(
  entries: readonly Pick<MatrixEntry, 'name' | 'family' | 'scenario' | 'design'>[],
  verdicts: ReadonlyMap<string, StoredVerdict>,
): readonly string[] {
  const known = entries.flatMap((entry) => {
    const verdict = verdicts.get(entry.name);
    return verdict === undefined ? [] : [{ ...placeOf(entry), scenario: entry.scenario, verdict }];
  });
  const rows = [...groupedBy(known, ({ scenario, row }) => `${scenario} / ${row}`)];
  return rows.map(([row, cells]) => [row, ...cells.map(printCell)].join(' | ')).sort();
}

function printCell({ column, verdict }: { column: string | null; verdict: StoredVerdict }): string {
  const { executions, seconds } = verdict;
  return [verdict.verdict[0], executions, roughly(seconds), ...(column === null ? [] : [column])].join(' ');
}

/** Two digits, and no less than a hundredth: what is measured again then often is the same. */
function roughly(seconds: number): number {
  return seconds < 1 ? Math.round(seconds * 100) / 100 : Number(seconds.toPrecision(2));
}

/** Kept where nothing but the time changed, and that not by much: a store that is made again then shows what is new. */
export function renewed(before: StoredVerdict | undefined, now: StoredVerdict): StoredVerdict {
  if (before === undefined || before.verdict !== now.verdict || before.executions !== now.executions) return now;
  const ratio = (now.seconds + 0.1) / (before.seconds + 0.1);
  return ratio > 0.5 && ratio < 2 ? before : now;
}
