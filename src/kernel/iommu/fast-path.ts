/**
 * What the fast paths of domain.ts call: a run of leaves in a table that is new or still without memory of its own, one 2 MiB
 * leaf, and the sync at the end of an unmap. For 4-level page tables.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { gatherRange, gatherTable } from '../../hw/pt/gather.ts';
import { tableAt, tableFor } from '../../hw/pt/new-table.ts';
import type { Cpu, PageTable } from '../../hw/pt/page-table.ts';
import type { IommuDomain } from './domain.ts';
import { syncOrQueue } from './domain-general.ts';

/**
 * The rest of the fast path of map where there is no leaf table yet, where it is all zero, or where the range is the span of
 * one 2 MiB leaf. `middle`: the table at level 1, or 0. Returns the pages entered.
 */
export function* mapFresh(
  pt: PageTable,
  middle: number,
  iova: number,
  paddr: number,
  pages: number,
  leafLo: number,
): Flow<number> {
  const memory = pt.memory;
  if (pages === 512 && (paddr & 511) === 0 && pt.maxLeafLevel > 0) {
    return yield* mapLargePage(pt, middle, iova, paddr, leafLo);
  }
  const table = middle === 0 ? yield* tableFor(pt, iova, 0) : yield* tableAt(pt, middle, (iova >>> 9) & 511);
  if (table === 0) return 0;
  const done = yield* setRun(pt, memory.open(table, iova & 511), pages, paddr, leafLo);
  memory.count(table, done);
  pt.cost.leaves4K += done;
  yield* countRun(pt, table, done);
  return done;
}

/** Leaves of 4 KiB from position `at`, up to the first that is there already. Returns how many; the caller counts them. */
export function* setRun(pt: PageTable, at: number, pages: number, paddr: number, leafLo: number): Flow<number> {
  const memory = pt.memory;
  const presentLo = pt.presentLo;
  let done = 0;
  for (; done < pages; done++) {
    yield;
    if ((memory.lo((at + 2 * done) | 0) & presentLo) !== 0) break;
    yield;
    memory.put((at + 2 * done) | 0, ((paddr + done) << 12) | leafLo, (paddr + done) >>> 20);
  }
  return done;
}

/** Clears leaves from position `at`, up to the first that is not there. Returns how many; the caller counts them. */
export function* clearRun(pt: PageTable, at: number, pages: number): Flow<number> {
  const memory = pt.memory;
  const presentLo = pt.presentLo;
  let done = 0;
  for (; done < pages; done++) {
    yield;
    if ((memory.lo((at + 2 * done) | 0) & presentLo) === 0) break;
    yield;
    memory.put((at + 2 * done) | 0, 0, 0);
  }
  return done;
}

/** One 2 MiB leaf where nothing is. Returns 512, or 0: the general path has to look. */
function* mapLargePage(pt: PageTable, middle: number, iova: number, paddr: number, leafLo: number): Flow<number> {
  const memory = pt.memory;
  const table = middle === 0 ? yield* tableFor(pt, iova, 1) : middle;
  if (table === 0) return 0;
  const at = memory.open(table, (iova >>> 9) & 511);
  yield;
  if ((memory.lo(at) & pt.presentLo) !== 0) return 0;
  yield;
  memory.put(at, (paddr << 12) | leafLo | pt.pageSizeLo, paddr >>> 20);
  memory.count(table, 1);
  pt.cost.leaves2M++;
  yield* countRun(pt, table, 1);
  return 512;
}

/** Clears the 2 MiB leaf in `middle` that maps `low`. Returns 512, or 0: it is not one, or its table would be left empty. */
export function* unmapLargePage(pt: PageTable, middle: number, low: number): Flow<number> {
  const memory = pt.memory;
  const at = memory.locate(middle, (low >>> 9) & 511);
  yield;
  const lo = memory.lo(at);
  if ((lo & pt.pageSizeLo) === 0 || (lo & pt.presentLo) === 0) return 0;
  if (pt.fastPath === 2) {
    // Counted down first: of several CPUs that clear the last entries, one sees 0 and leaves its entry to the general path.
    pt.cost.countUpdates++;
    yield;
    if (memory.addEntries(middle, -1) === 0) {
      yield;
      memory.addEntries(middle, 1);
      return 0;
    }
  }
  yield;
  memory.put(at, 0, 0);
  memory.count(middle, -1);
  return 512;
}

function* countRun(pt: PageTable, table: number, entries: number): Flow<void> {
  if (pt.fastPath !== 2 || entries === 0) return;
  pt.cost.countUpdates++;
  yield;
  pt.memory.addEntries(table, entries);
}

/**
 * The sync at the end of an unmap that removed exactly what was asked for. `pruned`: a leaf table, unlinked elsewhere, that is
 * freed after the flush of its span.
 */
export function* flushRun(domain: IommuDomain, cpu: Cpu, iova: number, pages: number, pruned: number): Flow<void> {
  const pt = domain.pt;
  if (domain.queue !== null || cpu.gather.end !== 0) {
    yield* gatherRun(domain, cpu, iova, pages, pruned);
    return;
  }
  let start = iova;
  let end = iova + pages;
  if (pruned !== 0) {
    const prunedStart = cpu.prunedPage - (cpu.prunedPage & 511);
    if (prunedStart > end || prunedStart + 512 < start) {
      // Far away: a flush of its own, since one range over both would flush all that lies between.
      yield* countedFlush(pt, prunedStart, prunedStart + 512, 0, false);
    } else {
      if (prunedStart < start) start = prunedStart;
      if (prunedStart + 512 > end) end = prunedStart + 512;
    }
  }
  yield* countedFlush(pt, start, end, pages, pruned === 0);
  if (pruned !== 0) {
    pt.cost.tablesFreed++;
    yield;
    pt.memory.freeFrame(pruned);
  }
}

function* countedFlush(pt: PageTable, start: number, end: number, asked: number, ih: boolean): Flow<void> {
  pt.cost.flushes++;
  pt.cost.flushPages += end - start;
  pt.cost.flushEnlargedPages += end - start - asked;
  yield* pt.flushRange(pt, start, end, ih);
}

/** The same by way of the gather: for the queue, or when the design has put more there. */
function* gatherRun(domain: IommuDomain, cpu: Cpu, iova: number, pages: number, pruned: number): Flow<void> {
  const gather = cpu.gather;
  if (pruned !== 0) {
    const prunedStart = cpu.prunedPage - (cpu.prunedPage & 511);
    gatherTable(gather, pruned);
    gatherRange(gather, prunedStart, prunedStart + 512, 0);
  }
  if (domain.queue === null && (iova > gather.end || iova + pages < gather.start)) yield* syncOrQueue(domain, cpu);
  gatherRange(gather, iova, iova + pages, pages);
  yield* syncOrQueue(domain, cpu);
}
