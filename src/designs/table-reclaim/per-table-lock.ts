/**
 * `per-table-lock`: a reader/writer lock in each table page, which the thread of Dec 2023 calls more scalable and leaves
 * for later ("spread read/writer lock per-page table, and use page->private field to store the lock").
 *
 * As completed by us (docs/designs.md, per-table-lock): map and unmap hold read locks down the path, coupled (a child is locked before its
 * parent is let go), and keep the leaf table's while its entries change. An unmap that emptied a table lets go of
 * everything, walks again from the root, write-locks parent, then child, checks the count again and unlinks; then it
 * looks at the parent. Parent before child, always. The count is a field of its own, so lazy mode may act too: unlinked
 * tables travel with the flush queue.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { indexAt, offsetInSpan, spanPages, tablePfn } from '../../hw/pt/format.ts';
import { gatherRange, gatherTable } from '../../hw/pt/gather.ts';
import { mapPages } from '../../hw/pt/map.ts';
import type { Cpu, PageTable, ReclaimHooks } from '../../hw/pt/page-table.ts';
import { iovaToPhys } from '../../hw/pt/walk.ts';
import { NO_HOOKS, nothingToSettle, type TableReclaim, unmapAndGather } from '../../kernel/iommu/table-reclaim.ts';
import { countRunCleared, countRunSet, rememberEmptied } from './shared-steps.ts';

/** Context: the parent's read lock is held, and let go once the child's is, unless the walk comes back to the parent. */
function* enter(pt: PageTable, cpu: Cpu, table: number, level: number, keep: boolean): Flow<void> {
  pt.cost.readLocks++;
  yield pt.shared.tableLock(table).readLock();
  if (level < pt.top && !keep) {
    yield pt.shared.tableLock(cpu.path[level + 1]!).readUnlock();
  }
}

function* leave(pt: PageTable, _cpu: Cpu, table: number, _level: number): Flow<void> {
  yield pt.shared.tableLock(table).readUnlock();
}

function* unmapPages(pt: PageTable, cpu: Cpu, page: number, pages: number): Flow<number> {
  const done = yield* unmapAndGather(pt, cpu, page, pages);
  const emptied = cpu.emptied;
  while (emptied.count > 0) {
    emptied.count--;
    const at = emptied.pages[emptied.count]!;
    let level = emptied.levels[emptied.count]!;
    while (level < pt.top) {
      const unlinked = yield* unlinkEmpty(pt, cpu, at, level);
      if (!unlinked) break;
      level++;
    }
  }
  return done;
}

/**
 * Walks from the root to the parent of the table at `level` on the path of `page`, locks parent and child for writing,
 * and unlinks the child if it is still there and still empty. True: it is gone, look at its parent.
 */
function* unlinkEmpty(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<boolean> {
  const memory = pt.memory;
  let parent = pt.root;
  let at = pt.top;
  if (at === level + 1) {
    pt.cost.writeLocks++;
    yield pt.shared.tableLock(parent).writeLock();
  } else {
    pt.cost.readLocks++;
    yield pt.shared.tableLock(parent).readLock();
  }
  while (at > level + 1) {
    const index = indexAt(page, at);
    yield;
    const word = memory.locate(parent, index);
    const lo = memory.lo(word);
    if ((lo & pt.format.presentLo) === 0 || (lo & pt.format.pageSizeLo) !== 0) {
      yield pt.shared.tableLock(parent).readUnlock();
      return false;
    }
    const next = tablePfn(lo, memory.hi(word));
    at--;
    if (at === level + 1) {
      pt.cost.writeLocks++;
      yield pt.shared.tableLock(next).writeLock();
    } else {
      pt.cost.readLocks++;
      yield pt.shared.tableLock(next).readLock();
    }
    yield pt.shared.tableLock(parent).readUnlock();
    parent = next;
  }
  const unlinked = yield* unlinkFrom(pt, cpu, parent, page, level);
  yield pt.shared.tableLock(parent).writeUnlock();
  return unlinked;
}

/** Context: `parent` is write-locked. */
function* unlinkFrom(pt: PageTable, cpu: Cpu, parent: number, page: number, level: number): Flow<boolean> {
  const memory = pt.memory;
  const index = indexAt(page, level + 1);
  yield;
  const word = memory.locate(parent, index);
  const lo = memory.lo(word);
  if ((lo & pt.format.presentLo) === 0 || (lo & pt.format.pageSizeLo) !== 0) return false;
  const child = tablePfn(lo, memory.hi(word));
  pt.cost.writeLocks++;
  yield pt.shared.tableLock(child).writeLock();
  yield;
  const empty = memory.addEntries(child, 0) === 0;
  if (empty) {
    yield;
    memory.clear(parent, index);
    yield* countRunCleared(pt, parent, 1);
    gatherTable(cpu.gather, child);
    const start = page - offsetInSpan(page, level + 1);
    gatherRange(cpu.gather, start, start + spanPages(level + 1), 0);
  }
  yield pt.shared.tableLock(child).writeUnlock();
  return empty;
}

const hooks: ReclaimHooks = {
  ...NO_HOOKS,
  name: 'per-table-lock',
  collectCovered: true,
  uses: { walk: true, entries: false, runs: true, children: true, rwlock: false },
  enter,
  leave,
  runSet: countRunSet,
  runCleared: countRunCleared,
  childLeft: rememberEmptied,
};

export const perTableLock: TableReclaim = {
  name: 'per-table-lock',
  hooks,
  freesEmpty: true,
  mapPages,
  unmapPages,
  iovaToPhys,
  settle: nothingToSettle,
};
