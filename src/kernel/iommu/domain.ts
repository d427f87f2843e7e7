/**
 * A paging domain as the IOMMU core sees it: iommu_map and iommu_unmap over a page table and a table-reclaim design.
 * After drivers/iommu/iommu.c of linux 6.19: iommu_pgsize, iommu_map_nosync, __iommu_unmap, iommu_iotlb_sync.
 *
 * Ranges are 4 KiB pages. Events (`iommu:map`, `iommu:unmap`) are the tracing layer's business and not emitted here.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import type { TableMemory } from '../../hw/memory/table-memory.ts';
import { type PageTableFormat, tablePfn } from '../../hw/pt/format.ts';
import { gatherRange, gatherTable, iotlbSync, noIotlb } from '../../hw/pt/gather.ts';
import { missingLeafTable } from '../../hw/pt/new-table.ts';
import {
  type Cpu,
  createPageTable,
  type FlushRange,
  type PageTable,
  type Semantics,
  type Shared,
} from '../../hw/pt/page-table.ts';
import { destroyPageTable } from '../../hw/pt/walk.ts';
import { mapGeneral, syncOrQueue, unmapGeneral } from './domain-general.ts';
import { createFlushQueue, type FlushQueue, flushTimeout } from './flush-queue.ts';
import type { TableReclaim } from './table-reclaim.ts';

export interface DomainOptions {
  readonly memory: TableMemory;
  readonly format: PageTableFormat;
  readonly levels: number;
  readonly reclaim: TableReclaim;
  readonly semantics?: Semantics;
  /** Lazy mode: unmaps leave their flush to a queue. */
  readonly lazy?: boolean;
  readonly maxLeafLevel?: number;
  readonly flushRange?: FlushRange;
  readonly shared?: Shared;
}

export interface IommuDomain {
  readonly pt: PageTable;
  readonly reclaim: TableReclaim;
  /** The flush queue of lazy mode, or null in strict mode. */
  readonly queue: FlushQueue | null;
}

export function* createDomain(options: DomainOptions): Flow<IommuDomain> {
  const pt = yield* createPageTable({
    memory: options.memory,
    format: options.format,
    levels: options.levels,
    hooks: options.reclaim.hooks,
    flushRange: options.flushRange ?? noIotlb,
    queued: options.lazy ?? false,
    ...(options.semantics === undefined ? {} : { semantics: options.semantics }),
    ...(options.maxLeafLevel === undefined ? {} : { maxLeafLevel: options.maxLeafLevel }),
    ...(options.shared === undefined ? {} : { shared: options.shared }),
  });
  return { pt, reclaim: options.reclaim, queue: pt.queued ? createFlushQueue() : null };
}

/**
 * Maps [iova, iova + pages) to [paddr, …) with the largest page sizes that fit. 0, or an error: then nothing of the range
 * is mapped that was not before (what was entered is unmapped again, as the core does).
 *
 * Fast path, after __do_map_single_page: a run of 4 KiB leaves within one leaf table. It goes as far as it gets; the general
 * path goes on from there and decides about live entries and errors. Here, and in iommuUnmap and iommuIovaToPhys, the
 * walk is written out level by level and nothing is called that need not be: a call costs V8 as much as a level
 * (bench/README.md).
 */
export function* iommuMap(
  domain: IommuDomain,
  cpu: Cpu,
  iova: number,
  paddr: number,
  pages: number,
  prot: number,
): Flow<number> {
  const pt = domain.pt;
  const first = iova & 511;
  let done = 0;
  if (
    pt.fastPaths === true &&
    pages <= 512 - first &&
    pages < 512 &&
    inReach(iova) &&
    paddr >= 0 &&
    paddr < 0x7ffffe00 &&
    prot > 0 &&
    prot < 4
  ) {
    const memory = pt.memory;
    const low = iova | 0;
    if (pt.rwlocked === true) {
      pt.cost.readLocks++;
      yield pt.shared.lock.readLock();
    }
    yield;
    const upper = memory.tableIn(pt.root, topIndex(iova), pt.tableMask, pt.tableLo);
    yield;
    const middle = memory.tableIn(upper, (low >>> 18) & 511, pt.tableMask, pt.tableLo);
    yield;
    let table = memory.tableIn(middle, (low >>> 9) & 511, pt.tableMask, pt.tableLo);
    if (table === 0) table = yield* missingLeafTable(pt, middle, iova);
    if (table !== 0) {
      const leafLo = pt.leafLo[prot]!;
      const presentLo = pt.presentLo;
      const at = memory.open(table, first);
      for (; done < pages; done++) {
        yield;
        if ((memory.lo((at + 2 * done) | 0) & presentLo) !== 0) break;
        yield;
        memory.put((at + 2 * done) | 0, ((paddr + done) << 12) | leafLo, (paddr + done) >>> 20);
      }
      memory.count(table, done);
      pt.cost.leaves4K += done;
      if (pt.counted === true) {
        pt.cost.countUpdates++;
        yield;
        memory.addEntries(table, done);
      }
    }
    if (pt.rwlocked === true) {
      yield pt.shared.lock.readUnlock();
    }
    if (done === pages) return 0;
  }
  return yield* mapGeneral(domain, cpu, iova, paddr, pages, prot, done);
}

/** Whether a 4-level table translates `iova`. An int32 is asked first: V8 drops the rest while it sees no other. */
function inReach(iova: number): boolean {
  return iova >= 0 && ((iova | 0) === iova || iova < 2 ** 36);
}

/** Index in the root of a 4-level table. */
function topIndex(iova: number): number {
  return (iova | 0) === iova ? iova >>> 27 : (iova * 7.450580596923828e-9) & 511;
}

/**
 * Unmaps [iova, iova + pages) and, in strict mode, flushes and frees. Returns the 4 KiB pages unmapped (iommu_unmap).
 *
 * Fast path: leaves of one leaf table, all there.
 */
export function* iommuUnmap(domain: IommuDomain, cpu: Cpu, iova: number, pages: number): Flow<number> {
  const pt = domain.pt;
  const first = iova & 511;
  let done = 0;
  if (pt.fastPaths === true && pages <= 512 - first && pages < 512 && inReach(iova)) {
    const memory = pt.memory;
    const low = iova | 0;
    let left = 1;
    if (pt.rwlocked === true) {
      pt.cost.readLocks++;
      yield pt.shared.lock.readLock();
    }
    yield;
    const upper = memory.tableIn(pt.root, topIndex(iova), pt.tableMask, pt.tableLo);
    yield;
    const middle = memory.tableIn(upper, (low >>> 18) & 511, pt.tableMask, pt.tableLo);
    yield;
    const table = memory.tableIn(middle, (low >>> 9) & 511, pt.tableMask, pt.tableLo);
    const presentLo = pt.presentLo;
    // Frame 0 reads as zero: below a missing table nothing is found.
    const at = memory.locate(table, first);
    for (; done < pages; done++) {
      yield;
      if ((memory.lo((at + 2 * done) | 0) & presentLo) === 0) break;
      yield;
      memory.put((at + 2 * done) | 0, 0, 0);
    }
    if (done > 0) {
      memory.count(table, -done);
      if (pt.counted === true) {
        pt.cost.countUpdates++;
        yield;
        left = memory.addEntries(table, -done);
      }
    }
    if (pt.rwlocked === true) {
      yield;
      cpu.unlinksSeen = pt.shared.unlinks.load();
      yield pt.shared.lock.readUnlock();
    }
    if (done === pages) {
      const pruned = left === 0 ? yield* pt.hooks.emptied(pt, cpu, iova, table, middle) : 0;
      yield* flushRun(domain, cpu, iova, pages, pruned);
      return pages;
    }
  }
  return yield* unmapGeneral(domain, cpu, iova, pages, done);
}

/**
 * The sync at the end of an unmap that removed exactly what was asked for. `pruned`: a leaf table, unlinked elsewhere, that is
 * freed after the flush of its span.
 */
function* flushRun(domain: IommuDomain, cpu: Cpu, iova: number, pages: number, pruned: number): Flow<void> {
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

/** Frame that `iova` translates to, or -1. */
export function* iommuIovaToPhys(domain: IommuDomain, iova: number): Flow<number> {
  const pt = domain.pt;
  if (pt.fastPaths === true && inReach(iova)) {
    const memory = pt.memory;
    const low = iova | 0;
    if (pt.rwlocked === true) {
      pt.cost.readLocks++;
      yield pt.shared.lock.readLock();
    }
    yield;
    let table = memory.tableIn(pt.root, topIndex(iova), pt.tableMask, pt.tableLo);
    yield;
    table = memory.tableIn(table, (low >>> 18) & 511, pt.tableMask, pt.tableLo);
    yield;
    let word = memory.locate(table, (low >>> 9) & 511);
    let lo = memory.lo(word);
    let offset = 0;
    if ((lo & pt.tableMask) === pt.tableLo) {
      const leafTable = tablePfn(lo, memory.hi(word));
      yield;
      word = memory.locate(leafTable, low & 511);
      lo = memory.lo(word);
    } else {
      offset = low & 511;
    }
    const high = memory.hi(word) & 0xfffff;
    if (pt.rwlocked === true) {
      yield pt.shared.lock.readUnlock();
    }
    // An int32 while it can be: a wider number is boxed. A 1 GiB leaf, or the PAT bit of a large x86 page: the general path.
    if ((lo & pt.presentLo) !== 0 && high < 2048 && (offset === 0 || (lo & 0x1ff000) === 0)) {
      return ((lo >>> 12) | (high << 20)) + offset;
    }
  }
  return yield* domain.reclaim.iovaToPhys(pt, iova);
}

/** Nothing pending, nothing queued: for accounting. */
export function* settleDomain(domain: IommuDomain, cpu: Cpu): Flow<void> {
  yield* domain.reclaim.settle(domain.pt, cpu);
  yield* iotlbSync(domain.pt, cpu);
  if (domain.queue !== null && domain.queue.head !== domain.queue.tail) yield* flushTimeout(domain.pt, domain.queue);
}

/** The 10 ms timer of lazy mode ran out. */
export function* flushQueueTimer(domain: IommuDomain): Flow<void> {
  if (domain.queue?.timerOn) yield* flushTimeout(domain.pt, domain.queue);
}

/** Frees every table. Context: no device is attached. Returns tables that got lost: 0. */
export function* destroyDomain(domain: IommuDomain, cpu: Cpu): Flow<number> {
  yield* settleDomain(domain, cpu);
  return yield* destroyPageTable(domain.pt);
}
