/** A few thousand runs of each fuzzer in `npm test`; `npm run fuzz -- --runs N --seed S` sets both. */
import { expect, test } from 'vitest';
import { fuzzOptions } from './options-fuzz.ts';
import { fuzzTrace } from './trace-fuzz.ts';

const runs = Number(process.env['TABLEWALK_FUZZ_RUNS'] ?? 3000);
const seed = Number(process.env['TABLEWALK_FUZZ_SEED'] ?? 1);

test(`${runs} damaged traces (seed ${seed}) are read or refused, every line accounted for`, () => {
  expect(() => fuzzTrace(seed, runs)).not.toThrow();
});

test(`${runs} damaged option values (seed ${seed}) are taken in range or refused on one line`, () => {
  expect(() => fuzzOptions(seed, runs)).not.toThrow();
});
