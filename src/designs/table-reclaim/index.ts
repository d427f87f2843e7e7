/** The table-reclaim family by name. Its place in the argument is in each design's head. */
// @straight
import type { TableReclaim } from '../../kernel/iommu/table-reclaim.ts';
import { coveredRange } from './covered-range.ts';
import { lazyPrune } from './lazy-prune.ts';
import { mapcountRwlock } from './mapcount-rwlock.ts';
import { never } from './never.ts';
import { perTableLock } from './per-table-lock.ts';
import { refcountRwlock } from './refcount-rwlock.ts';
import { mapcountRwlockRepaired, refcountRwlockRepaired } from './repaired-rwlock.ts';

/** In the order in which they are shown. */
export const TABLE_RECLAIM: readonly TableReclaim[] = [
  never,
  coveredRange,
  refcountRwlock,
  mapcountRwlock,
  perTableLock,
  lazyPrune,
];

/** The patch's two versions, repaired: checked like the others, and not among those that are shown. */
export const TABLE_RECLAIM_REPAIRED: readonly TableReclaim[] = [refcountRwlockRepaired, mapcountRwlockRepaired];

export function tableReclaim(name: string): TableReclaim | undefined {
  return [...TABLE_RECLAIM, ...TABLE_RECLAIM_REPAIRED].find((design) => design.name === name);
}
