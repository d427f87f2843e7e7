/**
 * `dpor` explores each class of executions once: its counts are those that Nidhugg's optimal reduction, GenMC and plain enumeration
 * give (test/check/programs/), and no execution is given up.
 *
 * TABLEWALK_FULL=1 (`npm run test:full`) explores the full sizes too.
 */
import { describe, expect, it } from 'vitest';
import { check } from '../../../src/check/index.ts';
import { COUNTED, type Counted, testOf } from './index.ts';

const isFull = process.env['TABLEWALK_FULL'] === '1';
/** More executions than this are explored in full runs only. */
const QUICK = 26_000;

function exploreAndCount(program: Counted, size: number, count: number): void {
  const { executions, blocked, verdict } = check(testOf(program, size), { strategy: 'dpor' });
  expect({ executions, blocked, verdict }).toEqual({ executions: count, blocked: 0, verdict: 'holds' });
}

for (const program of COUNTED) {
  describe(`${program.name}: ${program.size}`, () => {
    for (const [size, count] of program.counts) {
      it.runIf(isFull || count <= QUICK)(`of size ${size} has ${count} executions`, () =>
        exploreAndCount(program, size, count),
      );
    }
  });
}
