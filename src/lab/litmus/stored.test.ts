import { describe, expect, it } from 'vitest';
import { placeOf } from './rows.ts';
import { printStored, readStored, renewed, type StoredVerdict } from './stored.ts';

const entry = (scenario: string, design: string, family: string) => ({
  ...{ name: `${scenario} / ${design}`, scenario, design, family },
});
const PAIRS = 'pasid-lifetime x pasid-msr';
const entries = [
  entry('L02 b', 'fixed', 'catalogue'),
  entry('L02 b', 'wrong fix: a x b', 'catalogue'),
  entry('S1 fork', 'today x lazy-gp', PAIRS),
  entry('S1 fork', 'today x eager-ipi', PAIRS),
  entry('S1 fork', 'never x lazy-gp', PAIRS),
];
const holds: StoredVerdict = { verdict: 'holds', executions: 340, seconds: 2.04 };
const violated: StoredVerdict = { verdict: 'violated', executions: 12, seconds: 0.123 };

describe('stored verdicts', () => {
  it('are a line a row of a scenario, sorted, and read back as they were', () => {
    const verdicts = new Map(entries.map(({ name }, i) => [name, i % 2 === 0 ? holds : violated]));
    const lines = printStored(entries, verdicts);
    expect(lines).toEqual([
      'L02 b / fixed | h 340 2',
      'L02 b / wrong fix: a x b | v 12 0.12',
      'S1 fork / never | h 340 2 lazy-gp',
      'S1 fork / today | h 340 2 lazy-gp | v 12 0.12 eager-ipi',
    ]);
    const read = readStored(lines);
    expect([...read.keys()].sort()).toEqual(entries.map(({ name }) => name).sort());
    expect(read.get('S1 fork / today x eager-ipi')).toEqual({ ...violated, seconds: 0.12 });
  });

  it('leave out what has none', () => {
    expect(printStored(entries, new Map())).toEqual([]);
  });

  it('are refused where they are none', () => {
    expect(() => readStored(['a | holds'])).toThrow(/npm run verdicts/);
  });

  it('keep their time where nothing else changed, and the time not by much', () => {
    expect(renewed(holds, { ...holds, seconds: 3 })).toBe(holds);
    expect(renewed(holds, { ...holds, seconds: 9 }).seconds).toBe(9);
    expect(renewed(holds, { ...holds, executions: 341 }).executions).toBe(341);
    expect(renewed(undefined, violated)).toBe(violated);
  });
});

describe('the place of a test', () => {
  it('is in the row and the column of its designs, where it is of a pair', () => {
    expect(placeOf(entries[2]!)).toEqual({ row: 'today', column: 'lazy-gp' });
    expect(placeOf(entries[1]!)).toEqual({ row: 'wrong fix: a x b', column: null });
  });
});
