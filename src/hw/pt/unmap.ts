/**
 * unmap_pages: clears the leaves of a range and, by the design's rule, unlinks tables.
 *
 * After __unmap_range of linux 6.19 generic_pt/iommu_pt.h; with `semantics.growToLevel` after intel_iommu_unmap and
 * dma_pte_clear_level of intel/iommu.c (to 6.18). Never splits: a range that ends inside a large entry removes all of
 * it, one that starts inside is refused. The way down to where the range first spans more than one entry is a loop,
 * and what is below that a recursion: the same accesses in the same order as the kernel's recursion.
 *
 * Left out: coherency flushes. An unmap that starts inside a large page made the older driver read the data page as a
 * table; here it is refused with -EINVAL in both semantics.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { indexAt, offsetInSpan, PER_LEVEL_3, spanPages, tablePfn } from './format.ts';
import { gatherTable } from './gather.ts';
import { clearEntry } from './new-table.ts';
import { type Cpu, EINVAL, type PageTable, STOPPED_AT_HOLE } from './page-table.ts';

/**
 * Context: the caller alone works on [page, page + pages). Returns the 4 KiB pages whose leaves were removed: more than
 * asked when a large entry was cut by the end, fewer when a hole stopped it. Unlinked tables are on `cpu.gather`.
 */
export function* unmapPages(pt: PageTable, cpu: Cpu, page: number, pages: number): Flow<number> {
  const memory = pt.memory;
  const presentLo = pt.format.presentLo;
  const pageSizeLo = pt.format.pageSizeLo;
  const hooks = pt.hooks;
  const last = page + pages - 1;
  const low = page | 0;
  const high = (page * PER_LEVEL_3) | 0;
  const stop = pages === 1 ? 0 : levelOfRange(pt, page, last);
  cpu.status = 0;
  cpu.removedEnd = page + pages;
  let table = pt.root;
  let level = pt.top;
  cpu.path[level] = table;
  if (hooks.uses.walk) yield* hooks.enter(pt, cpu, table, level, false);
  // 1. Down while the range lies within one table entry and does not cover all of it.
  while (level > stop) {
    const index = (level < 3 ? low >>> (9 * level) : high >>> (9 * (level - 3))) & 511;
    yield;
    const word = memory.locate(table, index);
    const lo = memory.lo(word);
    if ((lo & presentLo) === 0) {
      cpu.status = pt.semantics.skipHoles ? 0 : STOPPED_AT_HOLE;
      if (hooks.uses.walk) yield* hooks.leave(pt, cpu, table, level);
      return 0;
    }
    if ((lo & pageSizeLo) !== 0 || (pages >= 512 && pages === spanPages(level))) break;
    table = tablePfn(lo, memory.hi(word));
    level--;
    cpu.path[level] = table;
    if (hooks.uses.walk) yield* hooks.enter(pt, cpu, table, level, false);
  }
  // 2. The entries there, and whatever is below them.
  const done =
    level === 0
      ? yield* clearSmallLeaves(pt, cpu, table, low & 511, last & 511)
      : yield* unmapLevel(pt, cpu, table, level, page, last);
  // 3. On the way up, the design looks at each table that the range left behind.
  if (hooks.uses.children) yield* lookUpwards(pt, cpu, page, level);
  if (hooks.uses.walk) yield* hooks.leave(pt, cpu, table, level);
  return done;
}

/** On the way up, the design looks at each table that the range left behind, as long as it unlinks them. */
function* lookUpwards(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<void> {
  for (let at = level; at < pt.top; at++) {
    const unlinked = yield* pt.hooks.childLeft(pt, cpu, page, at);
    if (!unlinked) break;
  }
}

/** The highest level at which two pages have different indexes: the table there holds more than one entry of the range. */
function levelOfRange(pt: PageTable, page: number, last: number): number {
  let level = pt.top;
  while (level > 0 && indexAt(page, level) === indexAt(last, level)) level--;
  return level;
}

/** Leaves [index, lastIndex] of a level 0 table. */
function* clearSmallLeaves(pt: PageTable, cpu: Cpu, table: number, index: number, lastIndex: number): Flow<number> {
  const memory = pt.memory;
  const presentLo = pt.format.presentLo;
  const each = pt.hooks.uses.entries;
  let done = 0;
  for (let at = index; at <= lastIndex; at++) {
    yield;
    if ((memory.lo(memory.locate(table, at)) & presentLo) === 0) {
      if (pt.semantics.skipHoles) continue;
      cpu.status = STOPPED_AT_HOLE;
      break;
    }
    yield;
    if (each) {
      // clear_pte of the thread's patch: an exchange, so that the count goes down once for each entry.
      if (memory.exchangeZero(table, at) !== 0) yield* pt.hooks.entryCleared(pt, table);
    } else {
      memory.clear(table, at);
    }
    done++;
  }
  if (pt.hooks.uses.runs && done > 0) yield* pt.hooks.runCleared(pt, table, done);
  return done;
}

/** Entries of the table at `level` above 0 that [page, last] touches; both lie within that table's span. */
function* unmapLevel(pt: PageTable, cpu: Cpu, table: number, level: number, page: number, last: number): Flow<number> {
  if (level === 0) return yield* clearSmallLeaves(pt, cpu, table, page & 511, last & 511);
  const span = spanPages(level);
  let done = 0;
  let at = page;
  cpu.path[level] = table;
  while (at <= last) {
    const start = at - offsetInSpan(at, level);
    const next = start + span;
    const index = indexAt(start, level);
    yield;
    const word = pt.memory.locate(table, index);
    const lo = pt.memory.lo(word);
    if ((lo & pt.format.presentLo) === 0) {
      if (!pt.semantics.skipHoles) {
        cpu.status = STOPPED_AT_HOLE;
        break;
      }
    } else if ((lo & pt.format.pageSizeLo) !== 0) {
      if (at !== start) {
        cpu.status = EINVAL;
        break;
      }
      yield* clearEntry(pt, table, index);
      done += span;
      if (next > cpu.removedEnd) cpu.removedEnd = next;
    } else {
      const child = tablePfn(lo, pt.memory.hi(word));
      const covered = at === start && last >= next - 1;
      done += yield* unmapChild(pt, cpu, table, index, child, level, at, last < next - 1 ? last : next - 1, covered);
      if (cpu.status !== 0) break;
    }
    at = next;
  }
  return done;
}

/** What hangs below one table entry; unlinks it when the range covers it and the design collects such tables. */
function* unmapChild(
  pt: PageTable,
  cpu: Cpu,
  table: number,
  index: number,
  child: number,
  level: number,
  from: number,
  to: number,
  covered: boolean,
): Flow<number> {
  const collect = covered && pt.hooks.collectCovered;
  if (collect && pt.semantics.growToLevel) {
    // The older driver lists the tables as they are, without touching their entries.
    const listed = yield* listTables(pt, cpu, child, level - 1);
    yield* clearEntry(pt, table, index);
    return listed;
  }
  cpu.path[level - 1] = child;
  if (pt.hooks.uses.walk) yield* pt.hooks.enter(pt, cpu, child, level - 1, true);
  const done = yield* unmapLevel(pt, cpu, child, level - 1, from, to);
  cpu.path[level] = table;
  cpu.path[level - 1] = child;
  const unlink = collect && cpu.status === 0;
  if (!unlink && pt.hooks.uses.children) yield* pt.hooks.childLeft(pt, cpu, from, level - 1);
  if (pt.hooks.uses.walk) yield* pt.hooks.leave(pt, cpu, child, level - 1);
  if (unlink) {
    yield* clearEntry(pt, table, index);
    gatherTable(cpu.gather, child);
  }
  return done;
}

/** dma_pte_list_pagetables: `table` and all below it onto the gather. Returns the 4 KiB pages that their leaves mapped. */
function* listTables(pt: PageTable, cpu: Cpu, table: number, level: number): Flow<number> {
  let pages = 0;
  for (let index = 0; index < 512; index++) {
    yield;
    const word = pt.memory.locate(table, index);
    const lo = pt.memory.lo(word);
    if ((lo & pt.format.presentLo) === 0) continue;
    if (level === 0 || (lo & pt.format.pageSizeLo) !== 0) pages += spanPages(level);
    else pages += yield* listTables(pt, cpu, tablePfn(lo, pt.memory.hi(word)), level - 1);
    if (pt.hooks.clearListed) yield* clearEntry(pt, table, index);
  }
  gatherTable(cpu.gather, table);
  return pages;
}

/**
 * Step 1 of intel_iommu_unmap: the range grows to the span of the first entry that is not present, a large page or a
 * leaf on the path of `page`, whose level is then in `cpu.level`. The start is not rounded.
 */
export function* grownPages(pt: PageTable, cpu: Cpu, page: number, pages: number): Flow<number> {
  let table = pt.root;
  for (let level = pt.top; level > 0; level--) {
    const span = spanPages(level);
    const index = indexAt(page, level);
    yield;
    const word = pt.memory.locate(table, index);
    const lo = pt.memory.lo(word);
    cpu.level = level;
    if ((lo & pt.format.presentLo) === 0 || (lo & pt.format.pageSizeLo) !== 0) return pages < span ? span : pages;
    table = tablePfn(lo, pt.memory.hi(word));
  }
  cpu.level = 0;
  return pages;
}
