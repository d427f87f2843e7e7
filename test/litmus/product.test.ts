/**
 * Pairs of designs in scenarios: each comes to its stored verdict. There are thousands; `npm test` takes a part that changes with nothing, spread
 * over all scenarios and designs, and `npm run test:full` takes them all.
 */
import { describe, expect, it } from 'vitest';
import { check } from '../../src/check/index.ts';
import { PRODUCT } from '../../src/lab/litmus/product.ts';
import { comesToStored, FULL, secondsOf } from '../support/litmus.ts';

/** Seconds as stored, of the part. */
const BUDGET = 12;
const LONGEST = 0.5;
/** No divisor in common with the numbers of designs, so that the part has all of them. */
const STRIDE = 17;

function part(): typeof PRODUCT {
  if (FULL) return PRODUCT;
  let left = BUDGET;
  return PRODUCT.filter((entry, i) => {
    const seconds = secondsOf(entry);
    if (i % STRIDE !== 0 || seconds > LONGEST || seconds > left) return false;
    left -= seconds;
    return true;
  });
}

describe('pairs of designs', () => {
  const entries = part();

  it('of the part have both verdicts, and each lifetime and each MSR design', () => {
    const words = (at: number) => new Set(entries.map(({ designs }) => designs[at]));
    expect(new Set(entries.map(({ test }) => test.expect))).toEqual(new Set(['holds', 'violated']));
    expect([words(0).size, words(1).size]).toEqual([
      new Set(PRODUCT.map(({ designs }) => designs[0])).size,
      new Set(PRODUCT.map(({ designs }) => designs[1])).size,
    ]);
  });

  it('come to their stored verdicts', { timeout: FULL ? 4 * 3600_000 : 300_000 }, () => {
    for (const entry of entries) comesToStored(entry);
  });

  it('that hold in every schedule hold in random ones', { timeout: 300_000 }, () => {
    const broken = entries
      .filter(({ test }) => test.expect === 'holds')
      .flatMap(({ name, test }) => {
        const { verdict, violation } = check(test, { strategy: 'random', runs: 20, seed: 5, minimise: 0 });
        return verdict === 'violated' ? [`${name}: ${violation?.message}`] : [];
      });
    expect(broken).toEqual([]);
  });
});
