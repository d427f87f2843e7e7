/**
 * `lazy-prune`, ours: an unmap that empties a table only remembers it. The next unmap that empties another one unlinks it,
 * with whatever above it is empty too, under one write lock and, where the ranges touch, in one flush. At most one
 * emptied path is pending, and none when the books are read (`settle`).
 *
 * Argument: a device maps and unmaps the same few pages again and again, and a walk over new addresses fills the
 * upper tables that it has just emptied. Freeing at once pays for each upper table twice, freeing one step later hardly
 * ever does; and it costs less than never freeing, since a table just emptied is warm and zero when it is used again.
 *
 * One rwlock a domain as in the thread's patch; the count is a field of its own, changed once a run of entries. Unlinked
 * tables travel with the gather, so lazy mode frees them too. Source: facts designs.md 3, `lazy-prune`.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { indexAt, offsetInSpan, PER_LEVEL_3, spanPages, tablePfn } from '../../hw/pt/format.ts';
import { gatherRange, gatherTable } from '../../hw/pt/gather.ts';
import { mapPages as mapRun } from '../../hw/pt/map.ts';
import { type Cpu, type PageTable, pushEmptied, type ReclaimHooks } from '../../hw/pt/page-table.ts';
import { iovaToPhys as walkToPhys } from '../../hw/pt/walk.ts';
import {
  freeAtOnce,
  nothingForListing,
  nothingForTable,
  nothingForWalk,
  type TableReclaim,
  unmapAndGather,
} from '../../kernel/iommu/table-reclaim.ts';

function* runSet(pt: PageTable, table: number, entries: number): Flow<void> {
  pt.cost.countUpdates++;
  yield;
  pt.memory.addEntries(table, entries);
}

function* runCleared(pt: PageTable, table: number, entries: number): Flow<void> {
  pt.cost.countUpdates++;
  yield;
  pt.memory.addEntries(table, -entries);
}

/** Remembers an emptied table; the levels above it are looked at when it is pruned. */
function* childLeft(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<boolean> {
  yield;
  if (pt.memory.addEntries(cpu.path[level]!, 0) === 0) {
    pushEmptied(cpu, page, level);
  }
  return false;
}

function* mapPages(
  pt: PageTable,
  cpu: Cpu,
  page: number,
  frame: number,
  level: number,
  count: number,
  prot: number,
): Flow<number> {
  pt.cost.readLocks++;
  yield pt.shared.lock.readLock();
  const status = yield* mapRun(pt, cpu, page, frame, level, count, prot);
  yield pt.shared.lock.readUnlock();
  return status;
}

function* unmapPages(pt: PageTable, cpu: Cpu, page: number, pages: number): Flow<number> {
  pt.cost.readLocks++;
  yield pt.shared.lock.readLock();
  const done = yield* unmapAndGather(pt, cpu, page, pages);
  yield pt.shared.lock.readUnlock();
  if (cpu.emptied.count > 0) yield* exchangePending(pt, cpu);
  return done;
}

/** The common case: one leaf table was emptied. It is pending from now on; what was pending before goes. */
function* emptied(pt: PageTable, cpu: Cpu, page: number): Flow<void> {
  pt.cost.writeLocks++;
  yield pt.shared.lock.writeLock();
  yield;
  const before = pt.shared.pendingPage.load();
  if (!sameTable(before, page)) {
    yield;
    pt.shared.pendingPage.store(page);
    if (before !== -1) yield* pruneLeafTable(pt, cpu, before);
  }
  yield pt.shared.lock.writeUnlock();
}

/** prune for a leaf table of a 4-level page table whose parent keeps other tables, as it nearly always does. */
function* pruneLeafTable(pt: PageTable, cpu: Cpu, page: number): Flow<void> {
  const memory = pt.memory;
  const low = page | 0;
  yield;
  const upper = memory.tableIn(pt.root, indexAt(page, 3), pt.tableMask, pt.tableLo);
  yield;
  const middle = memory.tableIn(upper, (low >>> 18) & 511, pt.tableMask, pt.tableLo);
  yield;
  const table = memory.tableIn(middle, (low >>> 9) & 511, pt.tableMask, pt.tableLo);
  if (table === 0) return;
  yield;
  if (memory.addEntries(table, 0) !== 0) return;
  yield;
  if (memory.addEntries(middle, 0) === 1) {
    yield* prune(pt, cpu, page, 0);
    return;
  }
  const at = memory.locate(middle, (low >>> 9) & 511);
  yield;
  memory.put(at, 0, 0);
  memory.count(middle, -1);
  pt.cost.countUpdates++;
  yield;
  memory.addEntries(middle, -1);
  gatherTable(cpu.gather, table);
  gatherRange(cpu.gather, page - (low & 511), page - (low & 511) + 512, 0);
}

/** Prunes what was pending and all that this unmap emptied but one, which is pending from now on. */
function* exchangePending(pt: PageTable, cpu: Cpu): Flow<void> {
  pt.cost.writeLocks++;
  yield pt.shared.lock.writeLock();
  yield;
  const before = pt.shared.pendingPage.load();
  const emptied = cpu.emptied;
  while (emptied.count > 1 || (emptied.count === 1 && emptied.levels[0] !== 0)) {
    emptied.count--;
    yield* prune(pt, cpu, emptied.pages[emptied.count]!, emptied.levels[emptied.count]!);
  }
  const next = emptied.count === 1 ? emptied.pages[0]! : -1;
  emptied.count = 0;
  yield;
  pt.shared.pendingPage.store(next);
  if (before !== -1 && !sameTable(before, next)) yield* prune(pt, cpu, before, 0);
  yield pt.shared.lock.writeUnlock();
}

/** Whether two pages lie in the span of one leaf table. */
function sameTable(a: number, b: number): boolean {
  const start = b - (b & 511);
  return a >= start && a < start + 512;
}

/**
 * Unlinks the table at `level` on the path of `page` if it is still there and empty, then its parents for as long as they
 * are. Context: the write lock is held, so nobody is below; the walk starts at the root and trusts no old pointer.
 */
function* prune(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<void> {
  const memory = pt.memory;
  const low = page | 0;
  const high = (page * PER_LEVEL_3) | 0;
  let table = pt.root;
  for (let at = pt.top; at > level; at--) {
    const index = (at < 3 ? low >>> (9 * at) : high >>> (9 * (at - 3))) & 511;
    cpu.path[at] = table;
    yield;
    const word = memory.locate(table, index);
    const lo = memory.lo(word);
    if ((lo & pt.format.presentLo) === 0 || (lo & pt.format.pageSizeLo) !== 0) return;
    table = tablePfn(lo, memory.hi(word));
  }
  cpu.path[level] = table;
  let at = level;
  for (; at < pt.top; at++) {
    yield;
    if (memory.addEntries(cpu.path[at]!, 0) !== 0) break;
    const index = (at < 2 ? low >>> (9 * (at + 1)) : high >>> (9 * (at - 2))) & 511;
    yield;
    memory.clear(cpu.path[at + 1]!, index);
    yield* runCleared(pt, cpu.path[at + 1]!, 1);
    gatherTable(cpu.gather, cpu.path[at]!);
  }
  if (at > level) yield* gatherPruned(pt, cpu, page, at);
}

/** The span of the highest table that was unlinked joins the flush if it touches it; otherwise the earlier range goes first. */
function* gatherPruned(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<void> {
  const span = spanPages(level);
  const start = page - offsetInSpan(page, level);
  const gather = cpu.gather;
  if (gather.end !== 0 && (start > gather.end || start + span < gather.start)) {
    pt.cost.flushes++;
    pt.cost.flushPages += gather.end - gather.start;
    yield* pt.flushRange(pt, gather.start, gather.end, false);
    gather.start = start;
    gather.end = start + span;
    gather.asked = 0;
  } else {
    gatherRange(gather, start, start + span, 0);
  }
}

function* iovaToPhys(pt: PageTable, page: number): Flow<number> {
  pt.cost.readLocks++;
  yield pt.shared.lock.readLock();
  const frame = yield* walkToPhys(pt, page);
  yield pt.shared.lock.readUnlock();
  return frame;
}

function* settle(pt: PageTable, cpu: Cpu): Flow<void> {
  pt.cost.writeLocks++;
  yield pt.shared.lock.writeLock();
  yield;
  const pending = pt.shared.pendingPage.load();
  if (pending !== -1) {
    yield;
    pt.shared.pendingPage.store(-1);
    yield* prune(pt, cpu, pending, 0);
  }
  yield pt.shared.lock.writeUnlock();
}

const hooks: ReclaimHooks = {
  name: 'lazy-prune',
  collectCovered: true,
  clearListed: false,
  uses: { walk: false, entries: false, runs: true, children: true, rwlock: true },
  tableAllocated: nothingForTable,
  tableFreed: freeAtOnce,
  enter: nothingForWalk,
  leave: nothingForWalk,
  listing: nothingForListing,
  entrySet: nothingForTable,
  entryCleared: nothingForTable,
  runSet,
  runCleared,
  childLeft,
  emptied,
};

export const lazyPrune: TableReclaim = {
  name: 'lazy-prune',
  hooks,
  freesEmpty: true,
  mapPages,
  unmapPages,
  iovaToPhys,
  settle,
};
