/** Litmus tests: docs/litmus.md. The matrix of all of them, by family, design and scenario. */
import { L01 } from './l01-free-at-mmput.ts';
import { PRODUCT } from './product.ts';
import { casesOf, type MatrixEntry } from './scenario.ts';

export const LITMUS: readonly MatrixEntry[] = [...casesOf(L01, 'catalogue'), ...PRODUCT];
