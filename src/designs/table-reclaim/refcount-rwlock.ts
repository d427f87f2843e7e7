/**
 * `refcount-rwlock`: the thread's patch as posted (RFC v1, 21 Dec 2023). The reference count of a table page counts its
 * present entries, plus one for the page itself; an unmap that leaves a table at one frees it, level by level up to the root.
 *
 * Argument (Pasha Tatashin): low overhead, since one rwlock a domain is held for reading nearly always, and for writing
 * only to unlink an emptied table; a more scalable lock, one a table, can wait. Objection (Matthew Wilcox): other code
 * takes references on any page for a moment (GUP-fast, page cache look-ups), so the count may be higher than the entries.
 * Reply: then a free is missed, and made good by a later unmap.
 *
 * Acts in strict mode only. Step numbers: docs/designs.md, refcount-rwlock.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { indexAt, offsetInSpan, outputPfn, spanPages, tablePfn } from '../../hw/pt/format.ts';
import { gatherAddPage, gatherTable } from '../../hw/pt/gather.ts';
import type { Cpu, PageTable, ReclaimHooks } from '../../hw/pt/page-table.ts';
import { grownPages, unmapPages as unmapRun } from '../../hw/pt/unmap.ts';
import { NO_HOOKS, nothingToSettle, type TableReclaim } from '../../kernel/iommu/table-reclaim.ts';
import { mapPagesReadLocked } from './shared-steps.ts';

/** alloc_page: the count starts at 1. */
function* tableAllocated(pt: PageTable, table: number): Flow<void> {
  yield;
  pt.memory.addRefcount(table, 1);
}

/** put_page (step 7): the page goes back when its count reaches 0, whoever drops the last reference. */
function* tableFreed(pt: PageTable, table: number): Flow<boolean> {
  yield;
  return pt.memory.addRefcount(table, -1) === 0;
}

/** The second half of set_pte (step 1): entry and count are two steps. */
function* entrySet(pt: PageTable, table: number): Flow<void> {
  pt.cost.countUpdates++;
  yield;
  const count = pt.memory.addRefcount(table, 1);
  if (count > 513 || count < 2) pt.cost.warnings++;
}

/** The second half of clear_pte (step 1). */
function* entryCleared(pt: PageTable, table: number): Flow<void> {
  pt.cost.countUpdates++;
  yield;
  const count = pt.memory.addRefcount(table, -1);
  if (count > 512 || count < 1) pt.cost.warnings++;
}

/** Step 2, second half: listing tables under a large page takes the read lock once more, inside map. */
function* listing(pt: PageTable, begin: boolean): Flow<void> {
  if (begin) {
    pt.cost.readLocks++;
    yield pt.shared.lock.readLock();
  } else {
    yield pt.shared.lock.readUnlock();
  }
}

/** Step 4. Context: pgd_lock held for reading, dropped and taken again. Order: pin, lock, check the count again. */
function* childLeft(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<boolean> {
  if (pt.queued) return false;
  const memory = pt.memory;
  const child = cpu.path[level]!;
  const parent = cpu.path[level + 1]!;
  yield;
  if (memory.addRefcount(child, 0) !== 1) return false;
  pt.cost.countUpdates++;
  yield;
  memory.addRefcount(child, 1);
  yield pt.shared.lock.readUnlock();
  pt.cost.writeLocks++;
  yield pt.shared.lock.writeLock();
  let unlinked = false;
  yield;
  if (memory.addRefcount(child, 0) === 2) {
    const index = indexAt(page, level + 1);
    yield;
    if (memory.exchangeZero(parent, index) !== 0) yield* entryCleared(pt, parent);
    else pt.cost.warnings++;
    gatherTable(cpu.gather, child);
    cpu.freedLevel = level + 1;
    unlinked = true;
  }
  yield pt.shared.lock.writeUnlock();
  pt.cost.readLocks++;
  yield pt.shared.lock.readLock();
  pt.cost.countUpdates++;
  yield;
  memory.addRefcount(child, -1);
  return unlinked;
}

/** Steps 2, 3, 5 and 6. */
export function* unmapPages(pt: PageTable, cpu: Cpu, page: number, pages: number): Flow<number> {
  pt.cost.readLocks++;
  yield pt.shared.lock.readLock();
  const grown = yield* grownPages(pt, cpu, page, pages);
  yield pt.shared.lock.readUnlock();
  const size = pt.semantics.growToLevel ? (page + grown <= pt.pageLimit ? grown : pt.pageLimit - page) : pages;

  // As posted: the level of the first walk stays in the variable when nothing is freed.
  cpu.freedLevel = cpu.level;
  pt.cost.readLocks++;
  yield pt.shared.lock.readLock();
  const removed = yield* unmapRun(pt, cpu, page, size);
  yield pt.shared.lock.readUnlock();

  const done = pt.semantics.growToLevel && cpu.status >= 0 ? size : removed;
  if (done === 0 && cpu.gather.tableCount === 0) return 0;
  // Step 6: the start is rounded down; the size is rounded on its own, not from the rounded start.
  const span = spanPages(cpu.freedLevel);
  const start = page - offsetInSpan(page, cpu.freedLevel);
  const asked = done > pages ? done : pages;
  yield* gatherAddPage(pt, cpu, start, start + Math.ceil(asked / span) * span, pages);
  return done;
}

/** Step 2, last part: the walk holds the lock; the entry where it ends is read when the lock is gone. */
function* iovaToPhys(pt: PageTable, page: number): Flow<number> {
  if (!(page >= 0 && page < pt.pageLimit)) return -1;
  const memory = pt.memory;
  pt.cost.readLocks++;
  yield pt.shared.lock.readLock();
  let table = pt.root;
  let level = pt.top;
  while (level > 0) {
    const index = indexAt(page, level);
    yield;
    const word = memory.locate(table, index);
    const lo = memory.lo(word);
    if ((lo & pt.presentLo) === 0 || (lo & pt.pageSizeLo) !== 0) break;
    table = tablePfn(lo, memory.hi(word));
    level--;
  }
  yield pt.shared.lock.readUnlock();
  yield;
  const last = memory.locate(table, indexAt(page, level));
  const lo = memory.lo(last);
  if ((lo & pt.presentLo) === 0) return -1;
  const base = outputPfn(lo, memory.hi(last));
  return level === 0 ? base : base - offsetInSpan(base, level) + offsetInSpan(page, level);
}

const hooks: ReclaimHooks = {
  ...NO_HOOKS,
  name: 'refcount-rwlock',
  collectCovered: true,
  clearListed: true,
  uses: { walk: false, entries: true, runs: false, children: true, rwlock: false },
  tableAllocated,
  tableFreed,
  listing,
  entrySet,
  entryCleared,
  childLeft,
};

export const refcountRwlock: TableReclaim = {
  name: 'refcount-rwlock',
  hooks,
  freesEmpty: true,
  mapPages: mapPagesReadLocked,
  unmapPages,
  iovaToPhys,
  settle: nothingToSettle,
};
