/**
 * map_pages: enters a run of leaves of one size.
 *
 * After __map_range, __map_range_leaf, clear_contig and pt_iommu_new_table of linux 6.19 generic_pt/iommu_pt.h; with
 * `semantics.warnOnLive` after __domain_mapping and switch_to_super_page of intel/iommu.c (to 6.18). A table is
 * installed by compare-exchange; the loser frees its own and uses the winner's.
 *
 * Left out: coherency flushes of entries (DMA_INCOHERENT) and a growing top. The older driver freed the tables below a new large
 * page before it flushed, which `semantics.freesFirst` keeps; without it they are freed after the flush. A map whose path meets a live large page
 * in the older driver would write into that page as if it were a table; here it warns and keeps the page.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { addressHi, addressLo, indexAt, offsetInSpan, PER_LEVEL_3, spanPages, tablePfn } from './format.ts';
import { freeTable, gatherRange, gatherTable, iotlbSync } from './gather.ts';
import { clearEntry, countSet, newTable } from './new-table.ts';
import { type Cpu, EADDRINUSE, EINVAL, ENOMEM, type PageTable } from './page-table.ts';

/**
 * Context: the caller alone works on [page, page + count * span). Enters `count` leaves at `level` from `page` to
 * `frame`; both aligned to the leaf's span. Returns 0 or an error; `cpu.mapped` says how many 4 KiB pages were entered.
 */
export function* mapPages(
  pt: PageTable,
  cpu: Cpu,
  page: number,
  frame: number,
  level: number,
  count: number,
  prot: number,
): Flow<number> {
  cpu.mapped = 0;
  cpu.status = 0;
  if (pt.format.leafLo[prot & 3]! === 0) return EINVAL;
  let left = count;
  while (left > 0) {
    // 1. Down to the table that holds the leaves, installing what is missing.
    const table = yield* descend(pt, cpu, page, level);
    const first = indexAt(page, level);
    let run = left < 512 - first ? left : 512 - first;
    // 2. The leaves of this table.
    let pages = 0;
    if (table === 0) {
      if (cpu.status !== EADDRINUSE || !pt.semantics.warnOnLive) break;
      run = yield* keepLargePage(pt, cpu, page, level, left);
      pages = run * spanPages(level);
    } else if (level === 0) {
      pages = yield* setSmallLeaves(pt, cpu, table, first, run, frame, prot);
    } else {
      pages = yield* setLargeLeaves(pt, cpu, table, first, run, page, frame, level, prot);
    }
    if (pt.hooks.uses.walk && table !== 0) yield* pt.hooks.leave(pt, cpu, table, level);
    cpu.mapped += pages;
    if (cpu.status !== 0) break;
    page += pages;
    frame += pages;
    left -= run;
  }
  // 3. What gave way to large pages: flush any cache that may hold it, then free the tables.
  if (cpu.gather.end !== 0) yield* iotlbSync(pt, cpu);
  return cpu.status;
}

/** The table at `level` on the path of `page`, with all above it installed; 0 and `cpu.status` when that is refused. */
function* descend(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<number> {
  const memory = pt.memory;
  const presentLo = pt.format.presentLo;
  const pageSizeLo = pt.format.pageSizeLo;
  const walkHooks = pt.hooks.uses.walk;
  const low = page | 0;
  const high = (page * PER_LEVEL_3) | 0;
  let table = pt.root;
  cpu.path[pt.top] = table;
  if (walkHooks) yield* pt.hooks.enter(pt, cpu, table, pt.top, false);
  for (let at = pt.top; at > level; at--) {
    const index = (at < 3 ? low >>> (9 * at) : high >>> (9 * (at - 3))) & 511;
    yield;
    const word = memory.locate(table, index);
    const lo = memory.lo(word);
    let child = 0;
    if ((lo & presentLo) === 0) {
      child = yield* newTable(pt, table, index, at - 1);
      if (child === 0) cpu.status = ENOMEM;
    } else if ((lo & pageSizeLo) !== 0) {
      cpu.status = EADDRINUSE;
      cpu.level = at;
    } else {
      child = tablePfn(lo, memory.hi(word));
    }
    if (child === 0) {
      if (walkHooks) yield* pt.hooks.leave(pt, cpu, table, at);
      return 0;
    }
    if (walkHooks) {
      cpu.path[at - 1] = child;
      yield* pt.hooks.enter(pt, cpu, child, at - 1, false);
    }
    table = child;
  }
  return table;
}

/** Fills 4 KiB leaves [first, first + run). Returns pages entered; `cpu.status` tells why it stopped early. */
function* setSmallLeaves(
  pt: PageTable,
  cpu: Cpu,
  table: number,
  first: number,
  run: number,
  frame: number,
  prot: number,
): Flow<number> {
  const leafLo = pt.format.leafLo[prot & 3]!;
  const leafHi = pt.format.leafHi[prot & 3]!;
  const each = pt.hooks.uses.entries;
  let done = 0;
  let set = 0;
  for (; done < run; done++) {
    const target = frame + done;
    const entered = yield* setLeaf(pt, table, first + done, addressLo(target) | leafLo, addressHi(target) | leafHi);
    if (!entered) {
      if (!pt.semantics.warnOnLive) {
        cpu.status = EADDRINUSE;
        break;
      }
      pt.cost.warnings++;
      continue;
    }
    set++;
    if (each) yield* pt.hooks.entrySet(pt, table);
  }
  pt.cost.leaves4K += set;
  if (pt.hooks.uses.runs && set > 0) yield* pt.hooks.runSet(pt, table, set);
  return done;
}

/**
 * Enters one leaf where nothing is; false when something is. generic_pt loads and stores; the older driver, and with it the
 * thread's patch, uses one compare-exchange.
 */
function* setLeaf(pt: PageTable, table: number, index: number, lo: number, hi: number): Flow<boolean> {
  const memory = pt.memory;
  yield;
  if (pt.hooks.uses.entries || pt.semantics.warnOnLive) return memory.installIfZero(table, index, lo, hi);
  if ((memory.lo(memory.locate(table, index)) & pt.presentLo) !== 0) return false;
  yield;
  memory.fill(table, index, lo, hi);
  return true;
}

/** The same for 2 MiB and 1 GiB leaves, which may stand where emptied tables are. */
function* setLargeLeaves(
  pt: PageTable,
  cpu: Cpu,
  table: number,
  first: number,
  run: number,
  page: number,
  frame: number,
  level: number,
  prot: number,
): Flow<number> {
  const memory = pt.memory;
  const span = spanPages(level);
  const leafLo = pt.format.leafLo[prot & 3]! | pt.format.pageSizeLo;
  const leafHi = pt.format.leafHi[prot & 3]!;
  let done = 0;
  for (; done < run; done++) {
    const index = first + done;
    yield;
    const word = memory.locate(table, index);
    const lo = memory.lo(word);
    if ((lo & pt.format.presentLo) !== 0) {
      yield* makeRoom(pt, cpu, table, index, lo, page + done * span, level);
      if (cpu.status !== 0) break;
    }
    const target = frame + done * span;
    yield;
    memory.fill(table, index, addressLo(target) | leafLo, addressHi(target) | leafHi);
    if (level === 1) pt.cost.leaves2M++;
    else pt.cost.leaves1G++;
    yield* countSet(pt, table);
  }
  return done * span;
}

/** clear_contig, or switch_to_super_page: empties one entry for a large leaf, or says why not in `cpu.status`. */
function* makeRoom(
  pt: PageTable,
  cpu: Cpu,
  table: number,
  index: number,
  lo: number,
  page: number,
  level: number,
): Flow<void> {
  const isLeaf = (lo & pt.format.pageSizeLo) !== 0;
  if (isLeaf && !pt.semantics.warnOnLive) {
    cpu.status = EADDRINUSE;
    return;
  }
  const listed = cpu.gather.tableCount;
  if (!isLeaf) {
    const child = tablePfn(lo, pt.memory.hi(pt.memory.locate(table, index)));
    yield* pt.hooks.listing(pt, true);
    const live = yield* collectTables(pt, cpu, child, level - 1);
    if (live && !pt.semantics.warnOnLive) {
      cpu.gather.tableCount = listed;
      cpu.status = EADDRINUSE;
    } else if (pt.hooks.clearListed) {
      for (let i = listed; i < cpu.gather.tableCount; i++) yield* clearTable(pt, cpu.gather.tables[i]!);
    }
    yield* pt.hooks.listing(pt, false);
    if (cpu.status !== 0) return;
  }
  yield* clearEntry(pt, table, index);
  const span = spanPages(level);
  if (pt.semantics.freesFirst === true) yield* freeAndFlush(pt, cpu, listed, page, page + span);
  else gatherRange(cpu.gather, page, page + span, 0);
}

/** Frees the tables that were listed from `first` on, and flushes then: hardware may walk them meanwhile. */
function* freeAndFlush(pt: PageTable, cpu: Cpu, first: number, start: number, end: number): Flow<void> {
  for (let i = first; i < cpu.gather.tableCount; i++) yield* freeTable(pt, cpu.gather.tables[i]!);
  cpu.gather.tableCount = first;
  pt.cost.flushes++;
  pt.cost.flushPages += end - start;
  yield* pt.flushRange(pt, start, end, false);
}

/** Lists `table` and all below it; true when a live leaf is among their entries. */
function* collectTables(pt: PageTable, cpu: Cpu, table: number, level: number): Flow<boolean> {
  gatherTable(cpu.gather, table);
  let live = false;
  for (let index = 0; index < 512; index++) {
    yield;
    const word = pt.memory.locate(table, index);
    const lo = pt.memory.lo(word);
    if ((lo & pt.format.presentLo) === 0) continue;
    if (level === 0 || (lo & pt.format.pageSizeLo) !== 0) {
      live = true;
      if (!pt.semantics.warnOnLive) return true;
    } else if (yield* collectTables(pt, cpu, tablePfn(lo, pt.memory.hi(word)), level - 1)) {
      live = true;
      if (!pt.semantics.warnOnLive) return true;
    }
  }
  return live;
}

/** Empties a listed table entry by entry, for designs that keep a count in it. */
function* clearTable(pt: PageTable, table: number): Flow<void> {
  for (let index = 0; index < 512; index++) {
    yield;
    if ((pt.memory.lo(pt.memory.locate(table, index)) & pt.format.presentLo) === 0) continue;
    yield* clearEntry(pt, table, index);
  }
}

/**
 * The older driver met a live large page at `cpu.level` on its way: warn, keep it, and count the leaves up to its end as
 * done. Returns how many of the `left` leaves that are.
 */
function* keepLargePage(pt: PageTable, cpu: Cpu, page: number, level: number, left: number): Flow<number> {
  const span = spanPages(cpu.level);
  const within = (span - offsetInSpan(page, cpu.level)) / spanPages(level);
  const skipped = within < left ? within : left;
  pt.cost.warnings += skipped;
  cpu.status = 0;
  return skipped;
}
