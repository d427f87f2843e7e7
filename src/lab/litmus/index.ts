/** Litmus tests: docs/litmus.md. The matrix of all of them, by family, design and scenario. */
import { L01 } from './l01-free-at-mmput.ts';
import { L08 } from './l08-release-without-drain.ts';
import { L14 } from './l14-faults-removed-first.ts';
import { L20 } from './l20-unflushed-table.ts';
import { L21_LATE_ZERO, L21_NEW_OWNER } from './l21-late-zero.ts';
import { L21 } from './l21-torn-entry.ts';
import { L22 } from './l22-in-place.ts';
import { L39 } from './l39-overflow.ts';
import { casesOf, type Litmus, type MatrixEntry } from './scenario.ts';

const CATALOGUE: readonly Litmus[] = [L01, L08, L14, L20, L21, L21_NEW_OWNER, L21_LATE_ZERO, L22, L39];

export const LITMUS: readonly MatrixEntry[] = CATALOGUE.flatMap((litmus) => casesOf(litmus, 'catalogue'));
