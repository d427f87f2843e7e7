/** Litmus tests: docs/litmus.md. The matrix of all of them, by family, design and scenario. */
import { L01 } from './l01-free-at-mmput.ts';
import { L08 } from './l08-release-without-drain.ts';
import { L21 } from './l21-torn-entry.ts';
import { casesOf, type MatrixEntry } from './scenario.ts';

export const LITMUS: readonly MatrixEntry[] = [
  ...casesOf(L01, 'catalogue'),
  ...casesOf(L08, 'catalogue'),
  ...casesOf(L21, 'catalogue'),
];
