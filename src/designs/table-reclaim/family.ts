/** The designs of table reclaim as changes of the kernel, each with the driver that it was made for: for checking. */
import { DMA_PTE, DMA_PTE_AS_IT_WAS, GENERIC_PT, type Semantics } from '../../hw/index.ts';
import type { TableReclaim } from '../../kernel/iommu/table-reclaim.ts';
import type { KernelDesign } from '../design.ts';
import { coveredRange } from './covered-range.ts';
import { lazyPrune } from './lazy-prune.ts';
import { mapcountRwlock } from './mapcount-rwlock.ts';
import { never } from './never.ts';
import { perTableLock } from './per-table-lock.ts';
import { refcountRwlock } from './refcount-rwlock.ts';
import { mapcountRwlockRepaired, refcountRwlockRepaired } from './repaired-rwlock.ts';
import { STALE_CHECK } from './stale-check.ts';

type Words = Pick<KernelDesign, 'source' | 'argument'>;

/** A table-reclaim design as a change of the kernel, under a driver's semantics. `name`: where it is not the design's own. */
export function reclaimDesign(
  reclaim: TableReclaim,
  semantics: Semantics,
  words: Words,
  name = reclaim.name,
): KernelDesign {
  const patch = { replace: { intel_iommu_domain_ops: () => ({ reclaim, semantics }) } };
  return { name, family: 'table-reclaim', ...words, patch };
}

const THREAD = 'thread 2023-12';

export const TABLE_RECLAIM_FAMILY: readonly KernelDesign[] = [
  reclaimDesign(never, DMA_PTE, {
    source: THREAD,
    argument: 'nothing can go wrong with a free that never happens',
  }),
  reclaimDesign(coveredRange, DMA_PTE_AS_IT_WAS, {
    source: 'linux to 6.18',
    argument: 'nobody else works on the range, so a table that lies in it belongs to the unmap alone',
  }),
  reclaimDesign(
    coveredRange,
    GENERIC_PT,
    {
      source: 'linux v6.19',
      argument: 'the same; what is below a table is cleared before the table is unlinked',
    },
    'covered-range-generic',
  ),
  reclaimDesign(refcountRwlock, DMA_PTE_AS_IT_WAS, {
    source: `${THREAD}, RFC v1`,
    argument: 'a table whose count is one has no entry; a free that another reference prevents is made good later',
  }),
  reclaimDesign(refcountRwlockRepaired, DMA_PTE, {
    source: `${THREAD}, RFC v1, repaired by us`,
    argument: 'counts are looked at, and tables unlinked, from the root under the write lock',
  }),
  reclaimDesign(mapcountRwlock, DMA_PTE_AS_IT_WAS, {
    source: 'RFC v2, April 2024',
    argument: 'nobody raises _mapcount of a page that is not mapped to user space',
  }),
  reclaimDesign(mapcountRwlockRepaired, DMA_PTE, {
    source: 'RFC v2, April 2024, repaired by us',
    argument: 'the same, and nobody else raises the count',
  }),
  reclaimDesign(perTableLock, GENERIC_PT, {
    source: `${THREAD}, completed by us`,
    argument: 'who unlinks a table has it and its parent locked for writing, and so alone',
  }),
  reclaimDesign(lazyPrune, GENERIC_PT, {
    source: 'ours',
    argument: 'a table that was just emptied is needed again soon: it is unlinked one step later, under one write lock',
  }),
];

const L42 = { source: 'RFC v2, April 2024', argument: 'a count that was zero stays zero' };

/** L42: the second look at the count, left out or misplaced. */
export const STALE_CHECKS = {
  never: reclaimDesign(STALE_CHECK.never, DMA_PTE, L42),
  before: reclaimDesign(STALE_CHECK.before, DMA_PTE, L42),
  asReader: reclaimDesign(STALE_CHECK.asReader, DMA_PTE, L42),
} as const;
