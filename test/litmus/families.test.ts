/**
 * Designs of families that are no pairs: each test comes to its stored verdict, in as many executions. `npm test` takes what is quick, of each scenario and
 * each design something; `npm run test:full` takes all.
 */
import { describe, expect, it } from 'vitest';
import { check } from '../../src/check/index.ts';
import { LITMUS } from '../../src/lab/litmus/index.ts';
import { groupedBy, TIMES } from '../../src/lab/litmus/rows.ts';
import type { MatrixEntry } from '../../src/lab/litmus/scenario.ts';
import { comesToStored, FULL, secondsOf } from '../support/litmus.ts';

/** Seconds as stored: of one test, and of a family. What is the first of its scenario or design is taken whatever it costs, if it is no slow one. */
const LONGEST = 0.3;
const BUDGET = 4;
/** With a test of their own. */
const ELSEWHERE: readonly string[] = ['catalogue', 'table-reclaim', 'mirror'];
const families = groupedBy(
  LITMUS.filter(({ family }) => !ELSEWHERE.includes(family) && !family.includes(TIMES)),
  ({ family }) => family,
);

function part(entries: readonly MatrixEntry[]): readonly MatrixEntry[] {
  if (FULL) return entries;
  const seen = new Set<string>();
  let left = BUDGET;
  const byCost = entries.filter(({ slow }) => !slow).toSorted((a, b) => secondsOf(a) - secondsOf(b));
  const chosen = new Set(
    byCost.filter((entry) => {
      const isNew = [entry.scenario, entry.design].some((key) => !seen.has(key));
      if (!isNew && (secondsOf(entry) > LONGEST || secondsOf(entry) > left)) return false;
      left -= secondsOf(entry);
      seen.add(entry.scenario).add(entry.design);
      return true;
    }),
  );
  return entries.filter((entry) => chosen.has(entry));
}

for (const [family, entries] of families) {
  describe(family, () => {
    it('of the part are all designs and scenarios', () => {
      for (const key of ['scenario', 'design'] as const) {
        expect(new Set(part(entries).map((entry) => entry[key]))).toEqual(new Set(entries.map((entry) => entry[key])));
      }
    });
    for (const entry of part(entries)) {
      it(`${entry.name}: ${entry.test.expect}`, { timeout: FULL ? 3600_000 : 60_000 }, () => {
        comesToStored(entry);
      });
    }
  });
}

describe('designs fall by what they are about', () => {
  const messages = {
    'external: gather overflow / start-end': /^INV-5: dev0 reaches frame \d+ through page 0/,
    'external: all tables / end-only': /^INV-12: the IOMMU reads frame \d+ as a table of mm A/,
    'kernel half: PTE table / no-flush': /^INV-12: the IOMMU reads frame \d+ as a table of mm A: a page of mm N/,
    'kernel half: two address spaces / no-flush': /^INV-12: the IOMMU reads frame \d+ as a table of mm B/,
    'kernel half: caller holds a spinlock / sync-flush-v1': /^INV-9: .* may sleep, and a spinlock is held/,
    'kernel half: two tables in turn / deferred-free-draft': /^INV-12: .* free and was a level 0 table of init_mm/,
  };
  for (const [name, message] of Object.entries(messages)) {
    it(name, () => {
      const entry = LITMUS.find((one) => one.name === name)!;
      expect(check(entry.test, { minimise: 0 }).violation?.message).toMatch(message);
    });
  }
});
