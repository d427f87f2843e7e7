/**
 * Random small programs, each explored by `dpor` and by brute force. More of them, and others: TABLEWALK_RUNS=20.
 */
import { describe, expect, it } from 'vitest';
import type { MemoryModel } from '../../../src/check/index.ts';
import { EXTRA_RUNS } from '../../support/domain-arbitraries.ts';
import { compareWithBruteForce } from './explored.ts';
import { generate } from './generate.ts';

const PROGRAMS = { sc: 220, tso: 90 };

describe('dpor', () => {
  for (const memory of ['sc', 'tso'] satisfies MemoryModel[]) {
    it(`explores each class of executions once, and sees every outcome: ${memory}`, () => {
      const complaints: string[] = [];
      const wanted = Math.round(PROGRAMS[memory] * EXTRA_RUNS);
      for (let seed = 0, done = 0; done < wanted; seed++) {
        const complaint = compareWithBruteForce(generate(memory, seed));
        if (complaint === null) continue;
        done++;
        if (complaint !== '') complaints.push(complaint);
      }
      expect(complaints.length, complaints.slice(0, 3).join('\n\n')).toBe(0);
    });
  }
});
