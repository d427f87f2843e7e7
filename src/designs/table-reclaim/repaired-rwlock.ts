/**
 * `refcount-rwlock-repaired`, `mapcount-rwlock-repaired`: the patch of either version, with all that we found it to lack, and no more.
 *
 * Step numbers: docs/designs.md, refcount-rwlock-repaired. What is added:
 * 1. a count is looked at under the write lock, so never between an entry and its count;
 * 2. what is emptied is unlinked after the walk, from the root, so that no pointer outlives the read lock, and no pin is needed;
 * 3. the flush covers what was unmapped and the span of each table that is freed;
 * 4. the read lock is taken once: not again for what is below a large page;
 * 5. tables are allocated while no lock is held;
 * 6. iova_to_phys reads the last entry under the lock.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { addressHi, addressLo, indexAt, offsetInSpan, spanPages, tablePfn } from '../../hw/pt/format.ts';
import { freeTable, gatherRange, gatherTable } from '../../hw/pt/gather.ts';
import { mapPages as mapRun } from '../../hw/pt/map.ts';
import { countTable } from '../../hw/pt/new-table.ts';
import { type Cpu, EINVAL, ENOMEM, type PageTable, pushEmptied, type ReclaimHooks } from '../../hw/pt/page-table.ts';
import { NO_HOOKS, nothingToSettle, type TableReclaim, unmapAndGather } from '../../kernel/iommu/table-reclaim.ts';
import { mapcountRwlock } from './mapcount-rwlock.ts';
import { refcountRwlock } from './refcount-rwlock.ts';
import { iovaToPhysReadLocked } from './shared-steps.ts';

/** Where the entries of a table are counted. */
interface Counting {
  readonly name: string;
  readonly posted: TableReclaim;
  /** One access. */
  count(pt: PageTable, table: number): number;
  /** The count of a table without entries. */
  readonly empty: number;
}

function repaired(counting: Counting): TableReclaim {
  /** Only remembers: a table is unlinked under the write lock, which may not be taken here. */
  function* childLeft(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<boolean> {
    if (pt.queued) return false;
    yield;
    if (counting.count(pt, cpu.path[level]!) === counting.empty) pushEmptied(cpu, page, level);
    return false;
  }

  function* unmapPages(pt: PageTable, cpu: Cpu, page: number, pages: number): Flow<number> {
    pt.cost.readLocks++;
    yield pt.shared.lock.readLock();
    const done = yield* unmapAndGather(pt, cpu, page, pages);
    yield pt.shared.lock.readUnlock();
    const emptied = cpu.emptied;
    if (emptied.count === 0) return done;
    pt.cost.writeLocks++;
    yield pt.shared.lock.writeLock();
    while (emptied.count > 0) {
      emptied.count--;
      yield* unlinkEmpty(pt, cpu, emptied.pages[emptied.count]!, emptied.levels[emptied.count]!);
    }
    yield pt.shared.lock.writeUnlock();
    return done;
  }

  /** The table at `level` on the path of `page`, if it is there and empty, and those above it that are empty then. Context: the write lock. */
  function* unlinkEmpty(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<void> {
    const memory = pt.memory;
    let table = pt.root;
    for (let at = pt.top; at > level; at--) {
      cpu.path[at] = table;
      const index = indexAt(page, at);
      yield;
      const word = memory.locate(table, index);
      const lo = memory.lo(word);
      if ((lo & pt.presentLo) === 0 || (lo & pt.pageSizeLo) !== 0) return;
      table = tablePfn(lo, memory.hi(word));
    }
    cpu.path[level] = table;
    for (let at = level; at < pt.top; at++) {
      const child = cpu.path[at]!;
      const parent = cpu.path[at + 1]!;
      yield;
      if (counting.count(pt, child) !== counting.empty) return;
      const index = indexAt(page, at + 1);
      yield;
      memory.exchangeZero(parent, index);
      yield* pt.hooks.entryCleared(pt, parent);
      const start = page - offsetInSpan(page, at + 1);
      gatherRange(cpu.gather, start, start + spanPages(at + 1), 0);
      gatherTable(cpu.gather, child);
    }
  }

  const hooks: ReclaimHooks = {
    ...counting.posted.hooks,
    name: counting.name,
    listing: NO_HOOKS.listing,
    childLeft,
  };
  const { name } = counting;
  return {
    name,
    hooks,
    freesEmpty: true,
    mapPages,
    unmapPages,
    iovaToPhys: iovaToPhysReadLocked,
    settle: nothingToSettle,
  };
}

/** One table's run after the other: its tables first, then, under the same read lock, its leaves. */
function* mapPages(
  pt: PageTable,
  cpu: Cpu,
  page: number,
  frame: number,
  level: number,
  count: number,
  prot: number,
): Flow<number> {
  let mapped = 0;
  let left = count;
  // Refused before tables are made for it.
  let status = pt.format.leafLo[prot & 3]! === 0 ? EINVAL : 0;
  while (left > 0 && status === 0) {
    const room = 512 - indexAt(page + mapped, level);
    const run = left < room ? left : room;
    const made = yield* lockWithTables(pt, page + mapped, level);
    if (made) {
      status = yield* mapRun(pt, cpu, page + mapped, frame + mapped, level, run, prot);
      mapped += cpu.mapped;
      yield pt.shared.lock.readUnlock();
    } else {
      status = ENOMEM;
    }
    left -= run;
  }
  cpu.mapped = mapped;
  cpu.status = status;
  return status;
}

/**
 * Takes the read lock with all tables down to `level` there, or a large page in the way. Tables that are missing are allocated when the lock is
 * dropped, and the walk begins anew. False: no memory, and no lock.
 */
function* lockWithTables(pt: PageTable, page: number, level: number): Flow<boolean> {
  const spare: number[] = [];
  for (;;) {
    pt.cost.readLocks++;
    yield pt.shared.lock.readLock();
    const missing = yield* installFrom(pt, spare, page, level);
    if (missing === 0) {
      while (spare.length > 0) yield* freeTable(pt, spare.pop()!);
      return true;
    }
    yield pt.shared.lock.readUnlock();
    while (spare.length < missing) {
      yield;
      const table = pt.memory.allocFrame(true);
      if (table === 0) {
        while (spare.length > 0) yield* freeTable(pt, spare.pop()!);
        return false;
      }
      countTable(pt);
      yield* pt.hooks.tableAllocated(pt, table);
      spare.push(table);
    }
  }
}

/** Installs spare tables where some are missing on the way to `level`; how many there would have to be, if there are not enough. Context: the read lock. */
function* installFrom(pt: PageTable, spare: number[], page: number, level: number): Flow<number> {
  const memory = pt.memory;
  let table = pt.root;
  for (let at = pt.top; at > level; at--) {
    const index = indexAt(page, at);
    yield;
    let word = memory.locate(table, index);
    let lo = memory.lo(word);
    if ((lo & pt.presentLo) === 0) {
      if (spare.length < at - level) return at - level;
      const own = spare[spare.length - 1]!;
      yield;
      if (memory.installIfZero(table, index, addressLo(own) | pt.tableLo, addressHi(own))) {
        spare.pop();
        yield* pt.hooks.entrySet(pt, table);
        table = own;
        continue;
      }
      // Another CPU was first: its table is the one.
      yield;
      word = memory.locate(table, index);
      lo = memory.lo(word);
    }
    if ((lo & pt.pageSizeLo) !== 0) return 0;
    table = tablePfn(lo, memory.hi(word));
  }
  return 0;
}

export const refcountRwlockRepaired: TableReclaim = repaired({
  name: 'refcount-rwlock-repaired',
  posted: refcountRwlock,
  count: (pt, table) => pt.memory.addRefcount(table, 0),
  empty: 1,
});

export const mapcountRwlockRepaired: TableReclaim = repaired({
  name: 'mapcount-rwlock-repaired',
  posted: mapcountRwlock,
  count: (pt, table) => pt.memory.addMapcount(table, 0),
  empty: 0,
});
