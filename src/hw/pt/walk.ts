/**
 * Reads of a page table by software: iova_to_phys, read_and_clear_dirty, and the collection of all tables when a domain
 * dies. After __iova_to_phys, __read_and_clear_dirty and deinit of linux 6.19 generic_pt/iommu_pt.h. Hardware's walk,
 * with permissions and faults, is hw/vtd's.
 */
// @straight
import { ATOMIC, type Flow } from '../../base/flow.ts';
import { indexAt, offsetInSpan, outputPfn, PER_LEVEL_3, spanPages, tablePfn } from './format.ts';
import { gatherRange } from './gather.ts';
import { type Cpu, ERANGE, type PageTable, tablesAlive } from './page-table.ts';

/** Frame that `page` translates to, or -1. Context: the caller may read the range. */
export function* iovaToPhys(pt: PageTable, page: number): Flow<number> {
  const memory = pt.memory;
  const presentLo = pt.format.presentLo;
  const pageSizeLo = pt.format.pageSizeLo;
  if (!(page >= 0 && page < pt.pageLimit)) return -1;
  const low = page | 0;
  const high = (page * PER_LEVEL_3) | 0;
  let table = pt.root;
  for (let level = pt.top; level > 0; level--) {
    const index = (level < 3 ? low >>> (9 * level) : high >>> (9 * (level - 3))) & 511;
    yield;
    const word = memory.locate(table, index);
    const lo = memory.lo(word);
    if ((lo & presentLo) === 0) return -1;
    if ((lo & pageSizeLo) !== 0) {
      const offset = low & ((1 << (9 * level)) - 1);
      // PAT of a large x86 page lies in bit 12, below the address.
      const base = outputPfn(lo, memory.hi(word));
      return base - offsetInSpan(base, level) + offset;
    }
    table = tablePfn(lo, memory.hi(word));
  }
  yield;
  const word = memory.locate(table, low & 511);
  const lo = memory.lo(word);
  if ((lo & presentLo) === 0) return -1;
  return outputPfn(lo, memory.hi(word));
}

/** Called for each dirty leaf: first page, pages. */
export type DirtyVisitor = (page: number, pages: number) => void;

/**
 * Reports the dirty leaves that [page, page + pages) touches and, unless `keep`, makes them clean and gathers their
 * range: the caller syncs. Holes are passed over. Returns 0 or -ERANGE.
 */
export function* readAndClearDirty(
  pt: PageTable,
  cpu: Cpu,
  page: number,
  pages: number,
  visit: DirtyVisitor,
  keep: boolean,
): Flow<number> {
  if (!(page >= 0 && pages > 0 && page + pages <= pt.pageLimit)) return ERANGE;
  yield* dirtyLevel(pt, cpu, pt.root, pt.top, page, page + pages - 1, visit, keep);
  return 0;
}

function* dirtyLevel(
  pt: PageTable,
  cpu: Cpu,
  table: number,
  level: number,
  page: number,
  last: number,
  visit: DirtyVisitor,
  keep: boolean,
): Flow<void> {
  const span = spanPages(level);
  for (let start = page - offsetInSpan(page, level); start <= last; start += span) {
    const index = indexAt(start, level);
    yield;
    const word = pt.memory.locate(table, index);
    const lo = pt.memory.lo(word);
    if ((lo & pt.format.presentLo) === 0) continue;
    if (level > 0 && (lo & pt.format.pageSizeLo) === 0) {
      const child = tablePfn(lo, pt.memory.hi(word));
      const from = start < page ? page : start;
      const to = last < start + span - 1 ? last : start + span - 1;
      yield* dirtyLevel(pt, cpu, child, level - 1, from, to, visit, keep);
    } else if ((lo & pt.format.dirtyLo) !== 0) {
      visit(start, span);
      if (keep) continue;
      // As in the kernel (test and clear bit): hardware may set other bits meanwhile.
      yield ATOMIC;
      const now = pt.memory.locate(table, index);
      pt.memory.store(table, index, pt.memory.lo(now) & ~pt.format.dirtyLo, pt.memory.hi(now));
      gatherRange(cpu.gather, start, start + span, span);
    }
  }
}

/**
 * Sets the dirty bit of the leaf that maps `page`, as hardware with SSADS would on a write: reading the leaf and setting the bit
 * are one step. False: nothing is mapped.
 */
export function* setDirty(pt: PageTable, page: number): Flow<boolean> {
  if (!(page >= 0 && page < pt.pageLimit)) return false;
  let table = pt.root;
  for (let level = pt.top; level >= 0; level--) {
    const index = indexAt(page, level);
    // Whether it is the leaf shows only when it is read.
    yield ATOMIC;
    const word = pt.memory.locate(table, index);
    const lo = pt.memory.lo(word);
    if ((lo & pt.format.presentLo) === 0) return false;
    if (level === 0 || (lo & pt.format.pageSizeLo) !== 0) {
      pt.memory.store(table, index, lo | pt.format.dirtyLo | pt.format.accessedLo, pt.memory.hi(word));
      return true;
    }
    table = tablePfn(lo, pt.memory.hi(word));
  }
  return false;
}

/** Called for each table: frame, level, first page of its span. */
export type TableVisitor = (table: number, level: number, page: number) => void;

/** All tables, children before their parents. */
export function* visitTables(pt: PageTable, visit: TableVisitor): Flow<void> {
  yield* visitBelow(pt, pt.root, pt.top, 0, visit);
}

function* visitBelow(pt: PageTable, table: number, level: number, page: number, visit: TableVisitor): Flow<void> {
  if (level > 0) {
    for (let index = 0; index < 512; index++) {
      yield;
      const word = pt.memory.locate(table, index);
      const lo = pt.memory.lo(word);
      if ((lo & pt.format.presentLo) === 0 || (lo & pt.format.pageSizeLo) !== 0) continue;
      const child = tablePfn(lo, pt.memory.hi(word));
      yield* visitBelow(pt, child, level - 1, page + index * spanPages(level), visit);
    }
  }
  visit(table, level, page);
}

/** Called for each entry that is not empty: its table's level, its index, whether it is a leaf, both halves, first page. */
export type EntryVisitor = (
  level: number,
  index: number,
  isLeaf: boolean,
  lo: number,
  hi: number,
  page: number,
) => void;

/** All entries, an entry before what is below it, from the lowest page up. */
export function* visitEntries(pt: PageTable, visit: EntryVisitor): Flow<void> {
  yield* entriesBelow(pt, pt.root, pt.top, 0, visit);
}

function* entriesBelow(pt: PageTable, table: number, level: number, page: number, visit: EntryVisitor): Flow<void> {
  for (let index = 0; index < 512; index++) {
    yield;
    const word = pt.memory.locate(table, index);
    const lo = pt.memory.lo(word);
    if ((lo & pt.format.presentLo) === 0) continue;
    const hi = pt.memory.hi(word);
    const at = page + index * spanPages(level);
    const isLeaf = level === 0 || (lo & pt.format.pageSizeLo) !== 0;
    visit(level, index, isLeaf, lo, hi, at);
    if (!isLeaf) yield* entriesBelow(pt, tablePfn(lo, hi), level - 1, at, visit);
  }
}

/**
 * Domain teardown (pt_iommu deinit): frees every table, the root last. Context: hardware no longer uses the table and
 * all its caches are flushed. Returns tables still unaccounted for: 0 unless a design lost one.
 */
export function* destroyPageTable(pt: PageTable): Flow<number> {
  const tables: number[] = [];
  yield* visitTables(pt, (table) => {
    tables.push(table);
  });
  for (const table of tables) {
    yield;
    pt.memory.freeFrame(table);
    pt.cost.tablesFreed++;
  }
  return tablesAlive(pt);
}
