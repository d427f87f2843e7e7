/**
 * Where the fast paths of domain.ts end when there is more to do than enter, remove or read one leaf: a leaf table that is
 * new or not known to `follow`, a page that is there already, a table that is left empty, a 2 MiB leaf; and the sync at the
 * end of an unmap. For 4-level page tables. What is called from there holds the lock for reading where the design has one,
 * and releases it.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { gatherRange, gatherTable } from '../../hw/pt/gather.ts';
import { findTable, tableFor } from '../../hw/pt/new-table.ts';
import type { Cpu, PageTable } from '../../hw/pt/page-table.ts';
import type { IommuDomain } from './domain.ts';
import { mapGeneral, syncOrQueue } from './domain-general.ts';
import { clearLeaves, setLeaves } from './fast-range.ts';

/** Frames that a fast path can enter: an int32, with room for a run. */
export const PADDR_REACH = 0x7ffffe00;

/** Whether a 4-level table translates `iova`. An int32 is asked first: V8 drops the rest while it sees no other. */
export function inReach(iova: number): boolean {
  return iova >= 0 && ((iova | 0) === iova || iova < 2 ** 36);
}

/** Index in the root of a 4-level table. */
export function topIndex(iova: number): number {
  return (iova | 0) === iova ? iova >>> 27 : (iova * 7.450580596923828e-9) & 511;
}

/** Maps one page where there is no leaf table yet, or one that is all zero. `middle`: the table at level 1, or 0. */
export function* mapFresh(
  domain: IommuDomain,
  cpu: Cpu,
  iova: number,
  paddr: number,
  prot: number,
  middle: number,
): Flow<number> {
  const pt = domain.pt;
  const parent = middle === 0 ? yield* tableFor(pt, iova, 1) : middle;
  const done = parent === 0 ? 0 : yield* setLeaves(pt, parent, iova, paddr, 1, prot);
  yield* unlock(pt);
  if (done === 1) return 0;
  return yield* mapGeneral(domain, cpu, iova, paddr, 1, prot, 0);
}

/** The page is mapped already: the general path says what that means. */
export function* mapOverLive(domain: IommuDomain, cpu: Cpu, iova: number, paddr: number, prot: number): Flow<number> {
  if (domain.pt.fastPath === 2) domain.pt.cost.countUpdates++;
  yield* unlock(domain.pt);
  return yield* mapGeneral(domain, cpu, iova, paddr, 1, prot, 0);
}

/** Unmaps one page that `follow` did not find. */
export function* unmapSought(domain: IommuDomain, cpu: Cpu, iova: number): Flow<number> {
  const table = yield* findTable(domain.pt, cpu.path, iova, 0);
  return yield* clearLeaves(domain, cpu, iova, 1, table);
}

/** An unmap of one page left the leaf table `table`, below `parent`, without entries; the lock is released. Returns 1. */
export function* unmappedLast(
  domain: IommuDomain,
  cpu: Cpu,
  iova: number,
  table: number,
  parent: number,
): Flow<number> {
  const pruned = yield* domain.pt.hooks.emptied(domain.pt, cpu, iova, table, parent);
  yield* flushRun(domain, cpu, iova, 1, pruned);
  return 1;
}

/** iova_to_phys where no leaf table was found: perhaps the entry in `middle` is a 2 MiB leaf, perhaps `follow` knew no way. */
export function* translateLarge(domain: IommuDomain, iova: number, middle: number): Flow<number> {
  const pt = domain.pt;
  const memory = pt.memory;
  yield;
  const large = memory.wordIn(middle, (iova >>> 9) & 511);
  const word = (memory.lo(large) & pt.pageSizeLo) !== 0 ? large : yield* findLeaf(pt, iova);
  const lo = memory.lo(word);
  const high = memory.hi(word) & 0xfffff;
  yield* unlock(pt);
  // 1 GiB leaves and the PAT bit of large x86 pages: the general path.
  if ((lo & pt.presentLo) !== 0 && high < 2048) {
    if ((lo & pt.pageSizeLo) === 0) return (lo >>> 12) | (high << 20);
    if ((lo & 0x1ff000) === 0) return (lo >>> 12) | (high << 20) | (iova & 511);
  }
  return yield* domain.reclaim.iovaToPhys(pt, iova);
}

/** Position of the leaf of `iova`, of 4 KiB or 2 MiB, or of a word that is not present. */
function* findLeaf(pt: PageTable, iova: number): Flow<number> {
  const memory = pt.memory;
  const path = new Int32Array(8);
  const table = yield* findTable(pt, path, iova, 0);
  yield;
  if (table !== 0) return memory.wordIn(memory.enter(table), iova & 511);
  return memory.wordIn(memory.enter(path[1]!), (iova >>> 9) & 511);
}

export function* unlock(pt: PageTable): Flow<void> {
  if (pt.fastPath === 2) {
    yield pt.shared.lock.readUnlock();
  }
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
