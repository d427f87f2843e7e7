import { describe, expect, it } from 'vitest';
import { createRandom } from './random.ts';

const MASK = 0xffffffffn;

/** xoshiro128** by its definition, on big integers. */
function reference(state: bigint[]): () => bigint {
  const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & MASK;
  return () => {
    const [s0, s1, s2, s3] = state as [bigint, bigint, bigint, bigint];
    const result = (rotl((s1 * 5n) & MASK, 7n) * 9n) & MASK;
    const x2 = s2 ^ s0;
    const x3 = s3 ^ s1;
    state[1] = s1 ^ x2;
    state[0] = s0 ^ x3;
    state[2] = x2 ^ ((s1 << 9n) & MASK);
    state[3] = rotl(x3, 11n);
    return result;
  };
}

/** splitmix32: a Weyl sequence through the finalizer of MurmurHash3. */
function seeded(seed: number): bigint[] {
  let mixer = BigInt(seed >>> 0);
  return [0, 1, 2, 3].map(() => {
    mixer = (mixer + 0x9e3779b9n) & MASK;
    let z = mixer;
    z = ((z ^ (z >> 16n)) * 0x85ebca6bn) & MASK;
    z = ((z ^ (z >> 13n)) * 0xc2b2ae35n) & MASK;
    return z ^ (z >> 16n);
  });
}

describe('createRandom', () => {
  it('is checked against a reference that gives the published numbers for state 1, 2, 3, 4', () => {
    const next = reference([1n, 2n, 3n, 4n]);
    const published = [
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ];
    expect(published.map(() => Number(next()))).toEqual(published);
  });

  it('gives the numbers of xoshiro128** for any seed', () => {
    for (const seed of [0, 1, 42, 2 ** 31, 2 ** 32 - 1]) {
      const random = createRandom(seed);
      const next = reference(seeded(seed));
      for (let i = 0; i < 100; i++) expect(random.uint32()).toBe(Number(next()));
    }
  });

  it('says the same again with the same seed, and something else with another', () => {
    const numbers = (seed: number) => {
      const random = createRandom(seed);
      return Array.from({ length: 5 }, () => random.uint32());
    };
    expect(numbers(7)).toEqual(numbers(7));
    expect(numbers(7)).not.toEqual(numbers(8));
  });
});

describe('below', () => {
  it('stays below its bound and reaches both ends', () => {
    const random = createRandom(3);
    for (const bound of [1, 2, 3, 10, 1000]) {
      const seen = Array.from({ length: 20 * bound }, () => random.below(bound));
      expect(Math.min(...seen)).toBe(0);
      expect(Math.max(...seen)).toBe(bound - 1);
    }
    expect(random.below(2 ** 32)).toBeGreaterThanOrEqual(0);
  });

  it('has no modulo bias: for a bound of 3 * 2^30 each third is as likely', () => {
    // With `% bound` the first third would come twice as often.
    const random = createRandom(4);
    const thirds = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) {
      const third = Math.floor(random.below(3 * 2 ** 30) / 2 ** 30);
      thirds[third] = (thirds[third] ?? 0) + 1;
    }
    for (const count of thirds) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  });

  it('refuses bounds that have no numbers below them', () => {
    for (const bound of [0, -1, 2 ** 32 + 1, Number.NaN])
      expect(() => createRandom(1).below(bound)).toThrow(RangeError);
  });
});

describe('fraction and pick', () => {
  it('fraction lies in [0, 1) and fills it', () => {
    const random = createRandom(5);
    const seen = Array.from({ length: 5000 }, () => random.fraction());
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...seen)).toBeLessThan(1);
    expect(seen.reduce((sum, value) => sum + value) / seen.length).toBeCloseTo(0.5, 1);
  });

  it('pick gives each of its items, and refuses an empty list', () => {
    const random = createRandom(6);
    expect(new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b', 'c'])))).toEqual(new Set(['a', 'b', 'c']));
    expect(() => random.pick([])).toThrow(RangeError);
  });
});
