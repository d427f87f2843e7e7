/**
 * Where the fast paths of domain.ts end when there is more to do than enter, remove or read one leaf: a leaf table that is
 * new or that `follow` does not know, a page that is there already, a table that is left empty; and the sync at the end of
 * an unmap. For 4-level page tables.
 *
 * Context of what domain.ts calls: the lock is held for reading where the design has one, and is released here.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { addressHi, addressLo } from '../../hw/pt/format.ts';
import { freeTable, gatherRange, gatherTable } from '../../hw/pt/gather.ts';
import { countTable, findTable } from '../../hw/pt/new-table.ts';
import type { Cpu, PageTable } from '../../hw/pt/page-table.ts';
import type { IommuDomain } from './domain.ts';
import { syncOrQueue } from './domain-general.ts';
import { leafBits, mapUnknown } from './fast-range.ts';

/**
 * Maps one page where `follow` found no leaf table below `middle`: installs one (pt_iommu_new_table). If there is one after all,
 * or a page, or no `middle` (0), mapUnknown looks again.
 */
export function* mapFresh(
  domain: IommuDomain,
  cpu: Cpu,
  iova: number,
  paddr: number,
  prot: number,
  middle: number,
): Flow<number> {
  const pt = domain.pt;
  const memory = pt.memory;
  const index = (iova >>> 9) & 511;
  yield;
  if (middle === 0 || memory.lo(memory.wordIn(middle, index)) !== 0) {
    return yield* mapUnknown(domain, cpu, iova, paddr, 1, prot);
  }
  const parent = memory.frameAt(middle);
  yield;
  const child = memory.allocFrame();
  if (child === 0) return yield* mapUnknown(domain, cpu, iova, paddr, 1, prot);
  countTable(pt);
  yield;
  const table = memory.installTable(parent, index, addressLo(child) | pt.tableLo, addressHi(child), child);
  if (table === 0) {
    // Another CPU was first: its table is the one.
    yield* freeTable(pt, child);
    return yield* mapUnknown(domain, cpu, iova, paddr, 1, prot);
  }
  pt.cost.leaves4K++;
  yield;
  memory.put(memory.wordIn(table, iova & 511), (paddr << 12) | leafBits(pt, prot), paddr >>> 20);
  if (pt.fastPath !== 2) {
    memory.countAt(table, 1);
    return 0;
  }
  pt.cost.countUpdates += 2;
  yield;
  memory.addEntriesAt(memory.enter(parent), 1);
  yield;
  memory.countEntriesAt(table, 1);
  yield pt.shared.lock.readUnlock();
  return 0;
}

/** An unmap of one page left `table`, below `middle`, without entries. Context: the lock, which is released. Returns 1. */
export function* unmappedLast(
  domain: IommuDomain,
  cpu: Cpu,
  iova: number,
  table: number,
  middle: number,
): Flow<number> {
  const pt = domain.pt;
  const frame = pt.memory.frameAt(table);
  const parent = pt.memory.frameAt(middle);
  yield;
  cpu.unlinksSeen = pt.shared.unlinks.load();
  yield pt.shared.lock.readUnlock();
  const pruned = yield* pt.hooks.emptied(pt, cpu, iova, frame, parent);
  return yield* flushRun(domain, cpu, iova, 1, pruned);
}

/** iova_to_phys where `follow` knows no way to the leaf. */
export function* translateUnknown(domain: IommuDomain, iova: number): Flow<number> {
  const pt = domain.pt;
  const memory = pt.memory;
  const word = yield* findLeaf(pt, iova);
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
 * freed after the flush of its span. Returns `pages`.
 */
export function* flushRun(domain: IommuDomain, cpu: Cpu, iova: number, pages: number, pruned: number): Flow<number> {
  const pt = domain.pt;
  if (domain.queue !== null || cpu.gather.end !== 0) {
    return yield* gatherRun(domain, cpu, iova, pages, pruned);
  }
  const end = iova + pages;
  if (pruned === 0) {
    pt.cost.flushes++;
    pt.cost.flushPages += pages;
    yield* pt.flushRange(pt, iova, end, true);
    return pages;
  }
  // The range lies in the span of one leaf table and this is another's: all of it below or all above.
  const from = cpu.prunedSpan * 512;
  const to = from + 512;
  if (from > end || to < iova) yield* flushTwice(pt, iova, end, from, to);
  else if (from < iova) yield* flushEnlarged(pt, from, end, pages);
  else yield* flushEnlarged(pt, iova, to, pages);
  pt.cost.tablesFreed++;
  yield;
  pt.memory.freeFrame(pruned);
  return pages;
}

/** The pruned table is far away: a flush of its own, since one range over both would flush all that lies between. */
function* flushTwice(pt: PageTable, start: number, end: number, from: number, to: number): Flow<void> {
  yield* flushEnlarged(pt, from, to, 0);
  yield* flushEnlarged(pt, start, end, end - start);
}

function* flushEnlarged(pt: PageTable, start: number, end: number, asked: number): Flow<void> {
  const cost = pt.cost;
  const covered = end - start;
  cost.flushes++;
  cost.flushPages += covered;
  cost.flushEnlargedPages += covered - asked;
  yield* pt.flushRange(pt, start, end, false);
}

/** The same by way of the gather: for the queue, or when the design has put more there. */
export function* gatherRun(domain: IommuDomain, cpu: Cpu, iova: number, pages: number, pruned: number): Flow<number> {
  const gather = cpu.gather;
  if (pruned !== 0) {
    const prunedStart = cpu.prunedSpan * 512;
    gatherTable(gather, pruned);
    gatherRange(gather, prunedStart, prunedStart + 512, 0);
  }
  if (domain.queue === null && (iova > gather.end || iova + pages < gather.start)) yield* syncOrQueue(domain, cpu);
  gatherRange(gather, iova, iova + pages, pages);
  yield* syncOrQueue(domain, cpu);
  return pages;
}
