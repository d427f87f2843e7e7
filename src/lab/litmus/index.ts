/** Litmus tests: docs/litmus.md. The matrix of all of them, by family, design and scenario. */
import { EXTERNAL } from './external.ts';
import { GUP_FAST_PAGES, GUP_FAST_TABLES } from './gup-fast.ts';
import { DEVICE_FAULTS, MIGRATE_VMA, MIGRATE_VMA_ATS, MIGRATE_VMA_ZAP } from './hmm-migration.ts';
import { HMM_INSERTION, HMM_SEQUENCE, HMM_TLB, HMM_TWO_RANGES } from './hmm-sequence.ts';
import { DMA } from './iotlb-flush.ts';
import { KERNEL_HALF } from './kernel-half.ts';
import { L01 } from './l01-free-at-mmput.ts';
import { L02 } from './l02-free-at-unbind.ts';
import { L03 } from './l03-fork-copies.ts';
import { L04, L04_KERNEL_FPU, L04_KTHREAD } from './l04-update-by-ipi.ts';
import { L05 } from './l05-late-fixup.ts';
import { L08 } from './l08-release-without-drain.ts';
import { L11 } from './l11-lost-handle.ts';
import { L13 } from './l13-too-wide.ts';
import { L14 } from './l14-faults-removed-first.ts';
import { L15 } from './l15-drain-under-locks.ts';
import { L16 } from './l16-after-mmdrop.ts';
import { L17 } from './l17-bond-without-reference.ts';
import { L19 } from './l19-group-left-behind.ts';
import { L20 } from './l20-unflushed-table.ts';
import { L21_LATE_ZERO, L21_NEW_OWNER } from './l21-late-zero.ts';
import { L21 } from './l21-torn-entry.ts';
import { L22 } from './l22-in-place.ts';
import { L23 } from './l23-start-end-window.ts';
import { L25 } from './l25-end-of-all.ts';
import { L26 } from './l26-wrong-descriptor.ts';
import { L28 } from './l28-large-over-cached.ts';
import { L29 } from './l29-short-gather.ts';
import { L30 } from './l30-empty-gather.ts';
import { L31 } from './l31-missing-tag.ts';
import { L32 } from './l32-wrong-domain-id.ts';
import { L33 } from './l33-tables-not-queued.ts';
import { L34 } from './l34-reset.ts';
import { L35 } from './l35-two-addresses.ts';
import { L36, L37 } from './l36-kernel-table.ts';
import { L39 } from './l39-overflow.ts';
import { L40 } from './l40-torn-top.ts';
import { L42 } from './l42-stale-check.ts';
import { L44 } from './l44-timeout-for-ever.ts';
import { L46 } from './l46-stop-marker.ts';
import { MASK_FENCE, MASK_NO_FENCE_SC } from './mask-fence.ts';
import { MIRRORS } from './mirror.ts';
import { PRODUCT } from './product.ts';
import { REGISTERED, REGISTERED_SC } from './registered-meanwhile.ts';
import { casesOf, type Litmus, type MatrixEntry } from './scenario.ts';
import { RECLAIM } from './table-reclaim.ts';

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
  L15,
  L16,
  L17,
  L19,
  L20,
  L21,
  L21_NEW_OWNER,
  L21_LATE_ZERO,
  L22,
  L23,
  L25,
  L26,
  L28,
  L29,
  L30,
  L31,
  L32,
  L33,
  L34,
  L35,
  L36,
  L37,
  L39,
  L40,
  L42,
  L44,
  L46,
  MASK_FENCE,
  MASK_NO_FENCE_SC,
  REGISTERED,
  REGISTERED_SC,
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

export const LITMUS: readonly MatrixEntry[] = [
  ...CATALOGUE,
  ...EXTERNAL,
  ...KERNEL_HALF,
  ...DMA,
  ...RECLAIM,
  ...MIRRORS,
  ...PRODUCT,
];
