/**
 * Installing a table at an empty entry: pt_iommu_new_table of linux 6.19 generic_pt/iommu_pt.h, pfn_to_dma_pte of
 * intel/iommu.c. Installed by compare-exchange; the loser frees its own and uses the winner's.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { addressHi, addressLo, indexAt, tablePfn } from './format.ts';
import { freeTable } from './gather.ts';
import type { PageTable } from './page-table.ts';

/** Allocates, counts and installs a table of `level` at an entry that was empty; the frame of the table that is there then, or 0. */
export function* newTable(pt: PageTable, parent: number, index: number, level: number): Flow<number> {
  const memory = pt.memory;
  yield;
  const table = memory.allocFrame(level > 0);
  if (table === 0) return 0;
  countTable(pt);
  if (pt.hooks.uses.entries) yield* pt.hooks.tableAllocated(pt, table);
  yield;
  if (memory.installIfZero(parent, index, addressLo(table) | pt.format.tableLo, addressHi(table))) {
    yield* countSet(pt, parent);
    return table;
  }
  // Another CPU was first: its table is the one.
  yield* freeTable(pt, table);
  yield;
  const word = memory.locate(parent, index);
  return tablePfn(memory.lo(word), memory.hi(word));
}

/** One more table is allocated. */
export function countTable({ cost }: PageTable): void {
  cost.tablesAllocated++;
  const alive = cost.tablesAllocated - cost.tablesFreed;
  if (alive > cost.tablesAlivePeak) cost.tablesAlivePeak = alive;
}

/** The table of `level` that entry `index` of `parent` points to, installed if missing; 0 at a leaf or without memory. */
export function* tableAt(pt: PageTable, parent: number, index: number, level: number): Flow<number> {
  const memory = pt.memory;
  yield;
  const table = memory.tableIn(parent, index, pt.tableMask, pt.tableLo);
  if (table !== 0) {
    memory.remember(parent, index, table);
    return table;
  }
  yield;
  if ((memory.lo(memory.locate(parent, index)) & pt.presentLo) !== 0) return 0;
  return yield* newTable(pt, parent, index, level);
}

/** The table at `bottom` on the path of `page`, installed if missing; 0 at a leaf or without memory. */
export function* tableFor(pt: PageTable, page: number, bottom: number): Flow<number> {
  let table = pt.root;
  for (let level = pt.top; level > bottom && table !== 0; level--) {
    table = yield* tableAt(pt, table, indexAt(page, level), level - 1);
  }
  return table;
}

/** The table at `bottom` on the path of `page`, or 0. The way to it is then known to `follow`, and `path` has the frames of it. */
export function* findTable(pt: PageTable, path: Int32Array, page: number, bottom: number): Flow<number> {
  const memory = pt.memory;
  let table = pt.root;
  for (let level = pt.top; level > bottom; level--) {
    const index = indexAt(page, level);
    path[level] = table;
    yield;
    const below = memory.tableIn(table, index, pt.tableMask, pt.tableLo);
    if (below === 0) return 0;
    memory.remember(table, index, below);
    table = below;
  }
  path[bottom] = table;
  return table;
}

/** One entry of `table` was set: for the designs that count. */
export function* countSet(pt: PageTable, table: number): Flow<void> {
  if (pt.hooks.uses.entries) yield* pt.hooks.entrySet(pt, table);
  if (pt.hooks.uses.runs) yield* pt.hooks.runSet(pt, table, 1);
}

/** Clears an entry that is not empty, and counts. */
export function* clearEntry(pt: PageTable, table: number, index: number): Flow<void> {
  yield;
  pt.memory.clear(table, index);
  if (pt.hooks.uses.entries) yield* pt.hooks.entryCleared(pt, table);
  if (pt.hooks.uses.runs) yield* pt.hooks.runCleared(pt, table, 1);
}
