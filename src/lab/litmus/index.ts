/** Litmus tests: docs/litmus.md. The matrix of all of them, by family, design and scenario. */
import { L01 } from './l01-free-at-mmput.ts';
import { L02 } from './l02-free-at-unbind.ts';
import { L03 } from './l03-fork-copies.ts';
import { L04, L04_KTHREAD } from './l04-update-by-ipi.ts';
import { L05 } from './l05-late-fixup.ts';
import { L11 } from './l11-lost-handle.ts';
import { L13 } from './l13-too-wide.ts';
import { PRODUCT } from './product.ts';
import { casesOf, type MatrixEntry } from './scenario.ts';

/** Bugs of the kernel: as it was, fixed, and fixed wrongly. */
export const CATALOGUE: readonly MatrixEntry[] = [L01, L02, L03, L04, L04_KTHREAD, L05, L11, L13].flatMap((litmus) =>
  casesOf(litmus, 'catalogue'),
);

export const LITMUS: readonly MatrixEntry[] = [...CATALOGUE, ...PRODUCT];
