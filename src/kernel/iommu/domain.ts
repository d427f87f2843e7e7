/**
 * A paging domain as the IOMMU core sees it: iommu_map and iommu_unmap over a page table and a table-reclaim design.
 * After drivers/iommu/iommu.c of linux 6.19: iommu_pgsize, iommu_map_nosync, __iommu_unmap, iommu_iotlb_sync.
 *
 * Ranges are 4 KiB pages. Events (`iommu:map`, `iommu:unmap`) are the tracing layer's business and not emitted here.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import type { TableMemory } from '../../hw/memory/table-memory.ts';
import type { PageTableFormat } from '../../hw/pt/format.ts';
import { iotlbSync, noIotlb } from '../../hw/pt/gather.ts';
import { type Cpu, createPageTable, type FlushRange, type PageTable, type Semantics } from '../../hw/pt/page-table.ts';
import type { Shared } from '../../hw/pt/shared.ts';
import { destroyPageTable } from '../../hw/pt/walk.ts';
import { mapGeneral, unmapGeneral } from './domain-general.ts';
import { clearRun, flushRun, mapFresh, setRun, unmapLargePage } from './fast-path.ts';
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
  /** False: the general paths alone, to compare with designs that have no fast one. */
  readonly fastPaths?: boolean;
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
    ...(options.fastPaths === undefined ? {} : { fastPaths: options.fastPaths }),
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
  const fast = pt.fastPath;
  const first = iova & 511;
  const leafLo = (pt.leafBits >>> ((prot & 3) << 3)) & 255;
  let done = 0;
  if (
    fast !== 0 &&
    pages > 0 &&
    first + pages <= 512 &&
    inReach(iova) &&
    paddr >= 0 &&
    paddr < 0x7ffffe00 &&
    leafLo !== 0
  ) {
    const memory = pt.memory;
    const low = iova | 0;
    if (fast === 2) {
      pt.cost.readLocks++;
      yield pt.shared.lock.readLock();
    }
    yield;
    const upper = memory.tableIn(pt.root, topIndex(iova), pt.tableMask, pt.tableLo);
    yield;
    const middle = memory.tableIn(upper, (low >>> 18) & 511, pt.tableMask, pt.tableLo);
    yield;
    const table = memory.tableIn(middle, (low >>> 9) & 511, pt.tableMask, pt.tableLo);
    const at = memory.writable(table, first);
    if (at === 0 || pages === 512) {
      done = yield* mapFresh(pt, middle, iova, paddr, pages, leafLo);
    } else {
      if (pages === 1) {
        yield;
        if ((memory.lo(at) & pt.presentLo) === 0) {
          yield;
          memory.put(at, (paddr << 12) | leafLo, paddr >>> 20);
          done = 1;
        }
      } else {
        done = yield* setRun(pt, at, pages, paddr, leafLo);
      }
      memory.count(table, done);
      pt.cost.leaves4K += done;
      if (fast === 2) {
        pt.cost.countUpdates++;
        yield;
        memory.addEntries(table, done);
      }
    }
    if (fast === 2) {
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
 * Fast path: leaves of one leaf table, all there; or one 2 MiB leaf.
 */
export function* iommuUnmap(domain: IommuDomain, cpu: Cpu, iova: number, pages: number): Flow<number> {
  const pt = domain.pt;
  const fast = pt.fastPath;
  const first = iova & 511;
  let done = 0;
  if (fast !== 0 && pages > 0 && first + pages <= 512 && inReach(iova)) {
    const memory = pt.memory;
    const low = iova | 0;
    let left = 1;
    if (fast === 2) {
      pt.cost.readLocks++;
      yield pt.shared.lock.readLock();
    }
    yield;
    const upper = memory.tableIn(pt.root, topIndex(iova), pt.tableMask, pt.tableLo);
    yield;
    const middle = memory.tableIn(upper, (low >>> 18) & 511, pt.tableMask, pt.tableLo);
    yield;
    const table = memory.tableIn(middle, (low >>> 9) & 511, pt.tableMask, pt.tableLo);
    if (pages === 512) {
      done = yield* unmapLargePage(pt, middle, low);
    } else {
      // Frame 0 reads as zero: below a missing table nothing is found.
      const at = memory.locate(table, first);
      if (pages === 1) {
        yield;
        if ((memory.lo(at) & pt.presentLo) !== 0) {
          yield;
          memory.put(at, 0, 0);
          done = 1;
        }
      } else {
        done = yield* clearRun(pt, at, pages);
      }
      if (done > 0) {
        memory.count(table, -done);
        if (fast === 2) {
          pt.cost.countUpdates++;
          yield;
          left = memory.addEntries(table, -done);
        }
      }
    }
    if (fast === 2) {
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

/** Frame that `iova` translates to, or -1. */
export function* iommuIovaToPhys(domain: IommuDomain, iova: number): Flow<number> {
  const pt = domain.pt;
  const fast = pt.fastPath;
  if (fast !== 0 && inReach(iova)) {
    const memory = pt.memory;
    const low = iova | 0;
    if (fast === 2) {
      pt.cost.readLocks++;
      yield pt.shared.lock.readLock();
    }
    yield;
    const upper = memory.tableIn(pt.root, topIndex(iova), pt.tableMask, pt.tableLo);
    yield;
    const middle = memory.tableIn(upper, (low >>> 18) & 511, pt.tableMask, pt.tableLo);
    yield;
    const table = memory.tableIn(middle, (low >>> 9) & 511, pt.tableMask, pt.tableLo);
    // No leaf table: perhaps the entry in `middle` is a 2 MiB leaf. Frame 0 reads as zero.
    const isLarge = table === 0;
    yield;
    const word = isLarge ? memory.locate(middle, (low >>> 9) & 511) : memory.locate(table, low & 511);
    const lo = memory.lo(word);
    const high = memory.hi(word) & 0xfffff;
    if (fast === 2) {
      yield pt.shared.lock.readUnlock();
    }
    // An int32 while it can be: a wider number is boxed. 1 GiB leaves and the PAT bit of large x86 pages: the general path.
    if ((lo & pt.presentLo) !== 0 && high < 2048) {
      if (!isLarge) return (lo >>> 12) | (high << 20);
      if ((lo & 0x1ff000) === 0) return (lo >>> 12) | (high << 20) | (low & 511);
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
