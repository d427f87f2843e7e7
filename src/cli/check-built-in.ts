/** The built-in tests that a command line asks for: all of them, by filters, or by name. */

import { closestHint } from '../base/suggest.ts';
import { LITMUS } from '../lab/litmus/index.ts';
import { placeOf } from '../lab/litmus/rows.ts';
import type { MatrixEntry } from '../lab/litmus/scenario.ts';
import { storedVerdict } from '../lab/litmus/stored.ts';
import { formatSeconds } from '../lab/report/units.ts';
import { type FoundTest, thereAre } from './check-select.ts';
import { BadInput } from './exit.ts';

export interface Filters {
  readonly family?: string;
  readonly scenario?: string;
  readonly design?: string;
}

/** What each filter looks at. A pair of designs is found by either of them. */
const NAMES: Readonly<Record<keyof Filters, (entry: MatrixEntry) => readonly string[]>> = {
  family: ({ family }) => [family],
  scenario: ({ scenario }) => [scenario],
  design: (entry) => {
    const { row, column } = placeOf(entry);
    return [...new Set([entry.design, row, ...(column === null ? [] : [column]), ...entry.designs])];
  },
};

/** Built-in tests that all filters let through. @throws BadInput for a filter that lets none through. */
export function builtInTests(filters: Filters, withSlow: boolean): readonly FoundTest[] {
  let entries = LITMUS;
  for (const filter of ['family', 'scenario', 'design'] as const) {
    const asked = filters[filter];
    if (asked !== undefined) entries = filtered(entries, filter, asked);
  }
  return entries.map((entry) => found(entry, withSlow));
}

function filtered(entries: readonly MatrixEntry[], filter: keyof Filters, asked: string): readonly MatrixEntry[] {
  const namesOf = NAMES[filter];
  const exact = entries.filter((entry) => namesOf(entry).includes(asked));
  if (exact.length > 0) return exact;
  const similar = entries.filter((entry) => namesOf(entry).some((name) => has(name, asked)));
  if (similar.length > 0) return similar;
  const names = [...new Set(LITMUS.flatMap(namesOf))];
  // A name that there is, and not together with the other filters.
  const elsewhere = entries.length < LITMUS.length && names.some((name) => has(name, asked));
  const message = `no built-in test has a ${filter} called '${asked}'${elsewhere ? ' beside the other filters' : ''}`;
  const hint = elsewhere ? 'leave one of them out' : closestHint(asked, names, thereAre(names));
  throw new BadInput({ code: 'unknown-name', place: `--${filter}`, message, hint });
}

function has(name: string, asked: string): boolean {
  return asked !== '' && name.toLowerCase().includes(asked.toLowerCase());
}

/** The test of that name, or those that have it in theirs; null for what was meant as a file. @throws BadInput for neither. */
export function builtInCalled(name: string, withSlow: boolean): readonly FoundTest[] | null {
  const exact = LITMUS.find((entry) => entry.name === name);
  // Who calls a test by its full name wants it run.
  if (exact !== undefined) return [found(exact, true)];
  const similar = LITMUS.filter((entry) => has(entry.name, name));
  if (similar.length > 0) return similar.map((entry) => found(entry, withSlow));
  if (/\S[/\\]\S|^[./\\~]/.test(name)) return null;
  const hint = closestHint(
    name,
    shortNames(),
    'tablewalk check --all runs what is built in; or name a file: my-test.ts',
  );
  throw new BadInput({
    code: 'unknown-test',
    message: `'${name}' is neither a file nor in the name of a built-in test`,
    hint,
  });
}

/** What tests may be called by: the shorter ones first. */
function shortNames(): readonly string[] {
  const scenarios = LITMUS.map(({ scenario }) => scenario);
  return [...new Set([...scenarios, ...LITMUS.flatMap(NAMES.design), ...LITMUS.map(({ name }) => name)])];
}

function found(entry: MatrixEntry, withSlow: boolean): FoundTest {
  const leftOut = entry.slow && !withSlow ? slowReason(entry) : null;
  const test = leftOut === null ? entry.test : { ...entry.test, skip: leftOut };
  return { test, file: null, index: LITMUS.indexOf(entry), label: entry.name, entry, leftOut };
}

function slowReason({ name }: MatrixEntry): string {
  const stored = storedVerdict(name);
  const takes = stored === undefined ? 'takes long' : `takes about ${formatSeconds(Math.ceil(stored.seconds))}`;
  return `${takes}: only with --slow`;
}
