/**
 * `mapcount-rwlock`: the patch's second version as posted (RFC v2, 26 Apr 2024). As `refcount-rwlock`, with the count of
 * entries in `_mapcount`.
 *
 * Argument (end of the thread of Dec 2023): a page that is not mapped to user space may use the mapcount union, which
 * nobody raises for a moment, if it is reset before the page is freed. Differences: the count starts at 0 and is not
 * warned about; the pin is dropped under the write lock before the count is checked again.
 *
 * Acts in strict mode only. Steps: docs/designs.md, mapcount-rwlock. As in the kernel, 0 is an empty table (so the allocator
 * leaves it) and -1 a page that counts nothing: an unlinked table is reset at once, under the write lock, so a walk that still holds it does not find 0.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { indexAt } from '../../hw/pt/format.ts';
import { gatherTable } from '../../hw/pt/gather.ts';
import type { Cpu, PageTable, ReclaimHooks } from '../../hw/pt/page-table.ts';
import { NO_HOOKS, type TableReclaim } from '../../kernel/iommu/table-reclaim.ts';
import { refcountRwlock } from './refcount-rwlock.ts';

function* entrySet(pt: PageTable, table: number): Flow<void> {
  pt.cost.countUpdates++;
  yield;
  pt.memory.addMapcount(table, 1);
}

function* entryCleared(pt: PageTable, table: number): Flow<void> {
  pt.cost.countUpdates++;
  yield;
  pt.memory.addMapcount(table, -1);
}

const NO_COUNT = -1;

/** page_mapcount_reset: the count of a table that leaves the page table. */
function* resetMapcount(pt: PageTable, table: number): Flow<void> {
  yield;
  const count = pt.memory.addMapcount(table, 0);
  if (count === NO_COUNT) return;
  yield;
  pt.memory.addMapcount(table, NO_COUNT - count);
}

/** page_mapcount_reset for the tables that no unlinking has reset, then put_page, whose reference is the only one. */
function* tableFreed(pt: PageTable, table: number): Flow<boolean> {
  yield* resetMapcount(pt, table);
  return true;
}

/** As refcount-rwlock's step 4; the pin goes first, then the count is checked. Context: pgd_lock held for reading. */
function* childLeft(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<boolean> {
  if (pt.queued) return false;
  const memory = pt.memory;
  const child = cpu.path[level]!;
  const parent = cpu.path[level + 1]!;
  yield;
  if (memory.addMapcount(child, 0) !== 0) return false;
  pt.cost.countUpdates++;
  yield;
  memory.addMapcount(child, 1);
  yield pt.shared.lock.readUnlock();
  pt.cost.writeLocks++;
  yield pt.shared.lock.writeLock();
  pt.cost.countUpdates++;
  yield;
  const left = memory.addMapcount(child, -1);
  const unlinked = left === 0;
  if (unlinked) {
    const index = indexAt(page, level + 1);
    yield;
    if (memory.exchangeZero(parent, index) !== 0) yield* entryCleared(pt, parent);
    yield* resetMapcount(pt, child);
    gatherTable(cpu.gather, child);
    cpu.freedLevel = level + 1;
  }
  yield pt.shared.lock.writeUnlock();
  pt.cost.readLocks++;
  yield pt.shared.lock.readLock();
  return unlinked;
}

const hooks: ReclaimHooks = {
  ...refcountRwlock.hooks,
  name: 'mapcount-rwlock',
  tableAllocated: NO_HOOKS.tableAllocated,
  tableFreed,
  entrySet,
  entryCleared,
  childLeft,
};

export const mapcountRwlock: TableReclaim = { ...refcountRwlock, name: 'mapcount-rwlock', hooks };
