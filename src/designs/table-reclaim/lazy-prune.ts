/**
 * `lazy-prune`, ours: an unmap that empties a table only remembers it. The next unmap that empties another one unlinks it,
 * with whatever above it is empty too, under one write lock and, where the ranges touch, in one flush. At most one
 * emptied path is pending, and none when the books are read (`settle`) or a range over several tables is unmapped.
 *
 * Argument: a device maps and unmaps the same few pages again and again, and a walk over new addresses fills the
 * upper tables that it has just emptied. Freeing at once pays for each upper table twice, freeing one step later hardly
 * ever does; and it costs less than never freeing, since a table just emptied is warm and zero when it is used again.
 *
 * One rwlock a domain as in the thread's patch; the count is a field of its own, changed once a run of entries. Unlinked
 * tables travel with the gather, so lazy mode frees them too. Steps: docs/designs.md, lazy-prune.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { indexAt, offsetInSpan, spanPages, tablePfn } from '../../hw/pt/format.ts';
import { gatherRange, gatherTable, iotlbSync } from '../../hw/pt/gather.ts';
import type { Cpu, PageTable, ReclaimHooks } from '../../hw/pt/page-table.ts';
import { NO_HOOKS, type TableReclaim, unmapAndGather } from '../../kernel/iommu/table-reclaim.ts';
import {
  countRunCleared,
  countRunSet,
  iovaToPhysReadLocked,
  mapPagesReadLocked,
  rememberEmptied,
} from './shared-steps.ts';

function* mapPages(
  pt: PageTable,
  cpu: Cpu,
  page: number,
  frame: number,
  level: number,
  count: number,
  prot: number,
): Flow<number> {
  if (level > 0) {
    // A large page may take the place of the pending table.
    yield* settle(pt, cpu);
    yield* iotlbSync(pt, cpu);
  }
  return yield* mapPagesReadLocked(pt, cpu, page, frame, level, count, prot);
}

/** The general path: what is pending goes first, since a large range may unlink the tables it stands in; nothing is left pending. */
function* unmapPages(pt: PageTable, cpu: Cpu, page: number, pages: number): Flow<number> {
  yield* settle(pt, cpu);
  pt.cost.readLocks++;
  yield pt.shared.lock.readLock();
  const done = yield* unmapAndGather(pt, cpu, page, pages);
  yield pt.shared.lock.readUnlock();
  if (cpu.emptied.count > 0) yield* pruneEmptied(pt, cpu);
  return done;
}

/** The common case: one leaf table was emptied. It is pending from now on; what was pending before goes. */
function* emptied(pt: PageTable, cpu: Cpu, page: number, table: number, parent: number): Flow<number> {
  const shared = pt.shared;
  const span = (page * SPANS_PER_PAGE) | 0;
  pt.cost.writeLocks++;
  yield shared.lock.writeLock();
  yield;
  const before = shared.pendingSpan.load();
  yield;
  if (shared.unlinks.load() !== cpu.unlinksSeen) return yield* emptiedLate(pt, cpu, page);
  let pruned = 0;
  if (before !== span) {
    if (before !== -1) pruned = yield* pruneLeafTable(pt, cpu, before);
    yield;
    shared.pendingSpan.store(span);
    yield;
    shared.pendingTable.store(table);
    yield;
    shared.pendingParent.store(parent);
  }
  yield shared.lock.writeUnlock();
  return pruned;
}

const SPANS_PER_PAGE = 1 / 512;

/** Between the two locks some table went, perhaps this one: trust no frame, look again. Context: the write lock, which is released. */
function* emptiedLate(pt: PageTable, cpu: Cpu, page: number): Flow<number> {
  yield* prune(pt, cpu, page, 0);
  yield pt.shared.lock.writeUnlock();
  return 0;
}

/**
 * prune for the pending leaf table when its parent keeps other tables, as it nearly always does. Context: the write lock. The
 * remembered frames are still what they were: only a prune, or an operation that settles first, unlinks tables.
 */
function* pruneLeafTable(pt: PageTable, cpu: Cpu, span: number): Flow<number> {
  const memory = pt.memory;
  yield;
  const table = pt.shared.pendingTable.load();
  yield;
  if (memory.addEntries(table, 0) !== 0) return 0;
  yield;
  const parent = memory.enter(pt.shared.pendingParent.load());
  pt.cost.countUpdates++;
  yield;
  if (memory.addEntriesAt(parent, -1) === 0) return yield* pruneUpwards(pt, cpu, span, parent);
  yield;
  memory.unlinkAt(parent, span & 511);
  yield* countUnlink(pt);
  cpu.prunedSpan = span;
  return table;
}

/** The parent would be left empty: the walk from the root counts it down again. Context: the write lock. */
function* pruneUpwards(pt: PageTable, cpu: Cpu, span: number, parent: number): Flow<number> {
  yield;
  pt.memory.addEntriesAt(parent, 1);
  yield* prune(pt, cpu, span * 512, 0);
  return 0;
}

/** Prunes all tables that an unmap emptied. */
function* pruneEmptied(pt: PageTable, cpu: Cpu): Flow<void> {
  const emptied = cpu.emptied;
  pt.cost.writeLocks++;
  yield pt.shared.lock.writeLock();
  while (emptied.count > 0) {
    emptied.count--;
    yield* prune(pt, cpu, emptied.pages[emptied.count]!, emptied.levels[emptied.count]!);
  }
  yield pt.shared.lock.writeUnlock();
}

/** Context: the write lock. */
function* countUnlink(pt: PageTable): Flow<void> {
  yield;
  const unlinks = pt.shared.unlinks.load();
  yield;
  pt.shared.unlinks.store(unlinks + 1);
}

/** A leaf table is gone: it is not pending any more. Context: the write lock. */
function* forgetPending(pt: PageTable, table: number): Flow<void> {
  yield;
  if (pt.shared.pendingTable.load() !== table) return;
  yield;
  pt.shared.pendingSpan.store(-1);
}

/**
 * Unlinks the table at `level` on the path of `page` if it is still there and empty, then its parents for as long as they
 * are. Context: the write lock is held, so nobody is below; the walk starts at the root and trusts no old pointer.
 */
function* prune(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<void> {
  const memory = pt.memory;
  let table = pt.root;
  for (let at = pt.top; at > level; at--) {
    const index = indexAt(page, at);
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
    yield;
    memory.clear(cpu.path[at + 1]!, indexAt(page, at + 1));
    yield* countRunCleared(pt, cpu.path[at + 1]!, 1);
    yield* countUnlink(pt);
    gatherTable(cpu.gather, cpu.path[at]!);
    if (at === 0) yield* forgetPending(pt, cpu.path[at]!);
  }
  if (at > level) yield* gatherPruned(pt, cpu, page, at);
}

/** The span of the highest table that was unlinked joins the flush if it touches it; otherwise the earlier range goes first. */
function* gatherPruned(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<void> {
  const span = spanPages(level);
  const start = page - offsetInSpan(page, level);
  const gather = cpu.gather;
  // A queued flush is domain-wide anyway.
  if (!pt.queued && gather.end !== 0 && (start > gather.end || start + span < gather.start)) {
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

function* settle(pt: PageTable, cpu: Cpu): Flow<void> {
  pt.cost.writeLocks++;
  yield pt.shared.lock.writeLock();
  yield;
  const pending = pt.shared.pendingSpan.load();
  if (pending !== -1) {
    yield* prune(pt, cpu, pending * 512, 0);
    yield;
    pt.shared.pendingSpan.store(-1);
  }
  yield pt.shared.lock.writeUnlock();
}

const hooks: ReclaimHooks = {
  ...NO_HOOKS,
  name: 'lazy-prune',
  collectCovered: true,
  uses: { walk: false, entries: false, runs: true, children: true, rwlock: true },
  runSet: countRunSet,
  runCleared: countRunCleared,
  childLeft: rememberEmptied,
  emptied,
};

export const lazyPrune: TableReclaim = {
  name: 'lazy-prune',
  hooks,
  freesEmpty: true,
  mapPages,
  unmapPages,
  iovaToPhys: iovaToPhysReadLocked,
  settle,
};
