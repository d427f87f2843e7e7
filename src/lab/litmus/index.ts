/** Litmus tests: docs/litmus.md. The matrix of all of them, by family, design and scenario. */
import { EXTERNAL } from './external.ts';
import { GUP_FAST_PAGES, GUP_FAST_TABLES } from './gup-fast.ts';
import { DEVICE_FAULTS, MIGRATE_VMA, MIGRATE_VMA_ATS, MIGRATE_VMA_ZAP } from './hmm-migration.ts';
import { HMM_INSERTION, HMM_SEQUENCE, HMM_TLB, HMM_TWO_RANGES } from './hmm-sequence.ts';
import { L01 } from './l01-free-at-mmput.ts';
import { L02 } from './l02-free-at-unbind.ts';
import { L03 } from './l03-fork-copies.ts';
import { L04, L04_KERNEL_FPU, L04_KTHREAD } from './l04-update-by-ipi.ts';
import { L05 } from './l05-late-fixup.ts';
import { L08 } from './l08-release-without-drain.ts';
import { L11 } from './l11-lost-handle.ts';
import { L13 } from './l13-too-wide.ts';
import { L14 } from './l14-faults-removed-first.ts';
import { L20 } from './l20-unflushed-table.ts';
import { L21_LATE_ZERO, L21_NEW_OWNER } from './l21-late-zero.ts';
import { L21 } from './l21-torn-entry.ts';
import { L22 } from './l22-in-place.ts';
import { L23 } from './l23-start-end-window.ts';
import { L35 } from './l35-two-addresses.ts';
import { L39 } from './l39-overflow.ts';
import { MASK_FENCE, MASK_NO_FENCE_SC } from './mask-fence.ts';
import { MIRRORS } from './mirror.ts';
import { PRODUCT } from './product.ts';
import { casesOf, type Litmus, type MatrixEntry } from './scenario.ts';

/** In the order of their numbers. */
const BUGS: readonly Litmus[] = [
  L01,
  L02,
  L03,
  L04,
  L04_KERNEL_FPU,
  L04_KTHREAD,
  L05,
  L08,
  L11,
  L13,
  L14,
  L20,
  L21,
  L21_NEW_OWNER,
  L21_LATE_ZERO,
  L22,
  L23,
  L35,
  L39,
  MASK_FENCE,
  MASK_NO_FENCE_SC,
  HMM_SEQUENCE,
  HMM_TWO_RANGES,
  HMM_INSERTION,
  HMM_TLB,
  MIGRATE_VMA,
  MIGRATE_VMA_ZAP,
  MIGRATE_VMA_ATS,
  DEVICE_FAULTS,
  GUP_FAST_TABLES,
  GUP_FAST_PAGES,
];

/** Bugs of the kernel: as it was, fixed, and fixed wrongly. */
export const CATALOGUE: readonly MatrixEntry[] = BUGS.flatMap((litmus) => casesOf(litmus, 'catalogue'));

export const LITMUS: readonly MatrixEntry[] = [...CATALOGUE, ...EXTERNAL, ...MIRRORS, ...PRODUCT];
