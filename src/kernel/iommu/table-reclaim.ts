/**
 * What a table-reclaim design is to the rest of the house: how it maps, unmaps and reads one page table, under which
 * locks, and when it unlinks tables. Designs live in src/designs/table-reclaim, one file each.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { gatherAddPage, gatherRange } from '../../hw/pt/gather.ts';
import { type Cpu, type PageTable, type ReclaimHooks, tablesAlive } from '../../hw/pt/page-table.ts';
import { grownPages, unmapPages as unmapRun } from '../../hw/pt/unmap.ts';

export interface TableReclaim {
  readonly name: string;
  readonly hooks: ReclaimHooks;
  /** Whether tables emptied piece by piece are freed, in strict mode: memory then keeps the host page of a zero frame. */
  readonly freesEmpty: boolean;
  /** As hw/pt's mapPages, under the design's locks. */
  mapPages(
    pt: PageTable,
    cpu: Cpu,
    page: number,
    frame: number,
    level: number,
    count: number,
    prot: number,
  ): Flow<number>;
  /** Removes leaves; the range to flush and the unlinked tables are then on `cpu.gather`. Returns 4 KiB pages removed. */
  unmapPages(pt: PageTable, cpu: Cpu, page: number, pages: number): Flow<number>;
  /** Frame that `page` translates to, or -1. */
  iovaToPhys(pt: PageTable, page: number): Flow<number>;
  /** Unlinks what the design left pending onto `cpu.gather`: before any accounting, and at teardown. */
  settle(pt: PageTable, cpu: Cpu): Flow<void>;
}

/** Unmap without locks, with the range gathered as the kernel of `pt.semantics` does. */
export function* unmapAndGather(pt: PageTable, cpu: Cpu, page: number, pages: number): Flow<number> {
  if (pt.semantics.growToLevel) {
    const grown = yield* grownPages(pt, cpu, page, pages);
    const size = page + grown <= pt.pageLimit ? grown : pt.pageLimit - page;
    yield* unmapRun(pt, cpu, page, size);
    if (cpu.status < 0) return 0;
    yield* gatherAddPage(pt, cpu, page, cpu.removedEnd, pages);
    return size;
  }
  const done = yield* unmapRun(pt, cpu, page, pages);
  if (done > 0 || cpu.gather.tableCount > 0) gatherRange(cpu.gather, page, cpu.removedEnd, pages);
  return done;
}

// What a seam does where the design has nothing to do there.

function* nothingForTable(_pt: PageTable, _table: number): Flow<void> {}

function* nothingForRun(_pt: PageTable, _table: number, _entries: number): Flow<void> {}

function* nothingOnEntry(_pt: PageTable, _cpu: Cpu, _table: number, _level: number, _keep: boolean): Flow<void> {}

function* nothingForWalk(_pt: PageTable, _cpu: Cpu, _table: number, _level: number): Flow<void> {}

function* nothingForListing(_pt: PageTable, _begin: boolean): Flow<void> {}

export function* nothingToSettle(_pt: PageTable, _cpu: Cpu): Flow<void> {}

function* freeAtOnce(_pt: PageTable, _table: number): Flow<boolean> {
  return true;
}

function* nothingEmptied(_pt: PageTable, _cpu: Cpu, _page: number, _table: number, _parent: number): Flow<number> {
  return 0;
}

function* keepChild(_pt: PageTable, _cpu: Cpu, _page: number, _level: number): Flow<boolean> {
  return false;
}

/** A design that frees no table by itself: the others say what they do differently. */
export const NO_HOOKS: ReclaimHooks = {
  name: 'no hooks',
  collectCovered: false,
  clearListed: false,
  uses: { walk: false, entries: false, runs: false, children: false, rwlock: false },
  tableAllocated: nothingForTable,
  tableFreed: freeAtOnce,
  enter: nothingOnEntry,
  leave: nothingForWalk,
  listing: nothingForListing,
  entrySet: nothingForTable,
  entryCleared: nothingForTable,
  runSet: nothingForRun,
  runCleared: nothingForRun,
  childLeft: keepChild,
  emptied: nothingEmptied,
};

/** Bytes of table pages, the root included. */
export function tableBytes(pt: PageTable): number {
  return tablesAlive(pt) * 4096;
}
