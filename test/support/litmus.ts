/** What tests of built-in litmus tests share: verdicts as they are stored. */
import { expect } from 'vitest';
import { check } from '../../src/check/index.ts';
import type { MatrixEntry } from '../../src/lab/litmus/scenario.ts';
import { storedVerdict } from '../../src/lab/litmus/stored.ts';

/** `npm run test:full`. */
export const FULL = process.env['TABLEWALK_FULL'] !== undefined;

/** Cases of the catalogue that test/litmus/mirror.test.ts has, with what each falls by. */
export const OF_MIRRORS = /^(HMM|migrate_|GUP)/;

/** As stored; not stored: for ever. */
export function secondsOf({ name }: Pick<MatrixEntry, 'name'>): number {
  return storedVerdict(name)?.seconds ?? Number.POSITIVE_INFINITY;
}

/** A test comes to its stored verdict, in as many executions. Returns what was violated. */
export function comesToStored({ name, test }: MatrixEntry): string | undefined {
  const { executions, verdict, violation } = check(test, { minimise: 0 });
  const stored = storedVerdict(name);
  // Of many in one test all that differ are told.
  expect.soft({ name, verdict, executions }, violation?.message).toEqual({
    name,
    verdict: stored?.verdict,
    executions: stored?.executions,
  });
  return violation?.message;
}
