/** Programs of the corpus that were once explored wrongly, as small as they could be made, each with what was wrong. */
import { describe, expect, it } from 'vitest';
import { compareWithBruteForce } from './explored.ts';
import type { Op, Spec } from './spec.ts';

const load = (cell: number): Op => ({ kind: 'load', cell });
const store = (cell: number, value: number): Op => ({ kind: 'store', cell, value });
const free = (cell: number): Op => ({ kind: 'free', cell });
const retry = (cell: number, value: number): Op => ({ kind: 'retry', cell, value });
const choose: Op = { kind: 'choose' };

interface Regression extends Pick<Spec, 'memory' | 'threads'> {
  readonly was: string;
  readonly freeable?: boolean;
}

const REGRESSIONS: readonly Regression[] = [
  {
    was: 'a reversal that an event covered was not looked at again when that event was gone',
    memory: 'tso',
    threads: [
      [store(0, 1), { kind: 'atomic', cell: 0, value: 1, other: 0 }],
      [store(0, 1), choose, choose],
    ],
  },
  {
    was: 'a second free logged no access, so that the other order of two frees was missing',
    memory: 'sc',
    freeable: true,
    threads: [[free(0), store(0, 0)], [free(0)]],
  },
  {
    was: 'a step that touched a freed object was taken to touch no more in other orders',
    memory: 'tso',
    freeable: true,
    threads: [[load(0)], [free(0), { kind: 'fence' }], [store(0, 2)]],
  },
  {
    was: 'a choice counted as a word that the turn of a retry loop had read',
    memory: 'sc',
    threads: [[choose, retry(0, 1)], [choose]],
  },
  {
    was: 'a retry loop that read its own store in the buffer never looked at memory again',
    memory: 'tso',
    threads: [
      [store(0, 2), retry(0, 1)],
      [load(0), store(0, 1)],
    ],
  },
];

describe('it is no more that', () => {
  for (const { was, memory, threads, freeable = false } of REGRESSIONS) {
    it(was, () => {
      expect(compareWithBruteForce({ name: was, memory, cells: 1, freeable, threads })).toBe('');
    });
  }
});
