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
import { mapOther, unmapOther } from './fast-large.ts';
import { gatherRun, mapFresh, translateUnknown, unmappedLast } from './fast-path.ts';
import { unmapUnknown } from './fast-range.ts';
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
 * Fast path, after __do_map_single_page: one page, in a leaf table that is there. Here, and in iommuUnmap and
 * iommuIovaToPhys, the walk is written out level by level, and whatever else there is to do is a call at the end: what V8
 * knows of an object is lost where two ways meet, and then checked again; a function of another module, even when inlined,
 * costs seven instructions; and it inlines what is shorter than 460 bytes of bytecode (bench/README.md). Hence the numbers: 2^36
 * pages is where a 4-level table ends, which an int32 (`near`) need not be asked; 2^-27 brings the index in the root down;
 * frames below 0x7ffffe00 are an int32, with room for a run.
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
  const leafLo = (pt.leafBits >>> ((prot & 3) << 3)) & 255;
  const low = iova | 0;
  const near = low === iova;
  if (
    fast === 0 ||
    pages !== 1 ||
    !(iova >= 0 && (near || iova < 0x1000000000)) ||
    !(paddr >= 0 && paddr < 0x7ffffe00) ||
    leafLo === 0
  ) {
    return yield* mapOther(domain, cpu, iova, paddr, pages, prot);
  }
  const memory = pt.memory;
  if (fast === 2) {
    pt.cost.readLocks++;
    yield pt.shared.lock.readLock();
  }
  const top = near ? low >>> 27 : (iova * 7.450580596923828e-9) & 511;
  yield;
  const upper = memory.follow(memory.enter(pt.root), top);
  yield;
  const middle = memory.follow(upper, (low >>> 18) & 511);
  yield;
  const table = memory.follow(middle, (low >>> 9) & 511);
  const at = memory.wordIn(table, low & 511);
  yield;
  if (table === 0 || (memory.lo(at) & pt.presentLo) !== 0) {
    return yield* mapFresh(domain, cpu, iova, paddr, prot, middle);
  }
  yield;
  memory.put(at, (paddr << 12) | leafLo, paddr >>> 20);
  pt.cost.leaves4K++;
  if (fast === 2) {
    pt.cost.countUpdates++;
    yield;
    memory.countEntriesAt(table, 1);
    yield pt.shared.lock.readUnlock();
  } else {
    memory.countAt(table, 1);
  }
  return 0;
}

/**
 * Unmaps [iova, iova + pages) and, in strict mode, flushes and frees. Returns the 4 KiB pages unmapped (iommu_unmap).
 *
 * Fast path: one page that is there.
 */
export function* iommuUnmap(domain: IommuDomain, cpu: Cpu, iova: number, pages: number): Flow<number> {
  const pt = domain.pt;
  const fast = pt.fastPath;
  const low = iova | 0;
  const near = low === iova;
  if (fast === 0 || pages !== 1 || !(iova >= 0 && (near || iova < 0x1000000000))) {
    return yield* unmapOther(domain, cpu, iova, pages);
  }
  const memory = pt.memory;
  if (fast === 2) {
    pt.cost.readLocks++;
    yield pt.shared.lock.readLock();
  }
  const top = near ? low >>> 27 : (iova * 7.450580596923828e-9) & 511;
  yield;
  const upper = memory.follow(memory.enter(pt.root), top);
  yield;
  const middle = memory.follow(upper, (low >>> 18) & 511);
  yield;
  const table = memory.follow(middle, (low >>> 9) & 511);
  // Frame 0 reads as zero: below a missing table nothing is found.
  const at = memory.wordIn(table, low & 511);
  yield;
  if ((memory.lo(at) & pt.presentLo) === 0) return yield* unmapUnknown(domain, cpu, iova, 1);
  yield;
  memory.put(at, 0, 0);
  if (fast === 2) {
    pt.cost.countUpdates++;
    yield;
    if (memory.countEntriesAt(table, -1) === 0) return yield* unmappedLast(domain, cpu, iova, table, middle);
    yield pt.shared.lock.readUnlock();
  } else {
    memory.countAt(table, -1);
  }
  return yield* flushPage(domain, cpu, iova);
}

function* flushPage(domain: IommuDomain, cpu: Cpu, iova: number): Flow<number> {
  if (domain.queue !== null || cpu.gather.end !== 0) return yield* gatherRun(domain, cpu, iova, 1, 0);
  const pt = domain.pt;
  pt.cost.flushes++;
  pt.cost.flushPages++;
  yield* pt.flushRange(pt, iova, iova + 1, true);
  return 1;
}

/** Frame that `iova` translates to, or -1. */
export function* iommuIovaToPhys(domain: IommuDomain, iova: number): Flow<number> {
  const pt = domain.pt;
  const fast = pt.fastPath;
  const low = iova | 0;
  const near = low === iova;
  if (fast === 0 || !(iova >= 0 && (near || iova < 0x1000000000))) return yield* domain.reclaim.iovaToPhys(pt, iova);
  const memory = pt.memory;
  if (fast === 2) {
    pt.cost.readLocks++;
    yield pt.shared.lock.readLock();
  }
  const top = near ? low >>> 27 : (iova * 7.450580596923828e-9) & 511;
  yield;
  const upper = memory.follow(memory.enter(pt.root), top);
  yield;
  const middle = memory.follow(upper, (low >>> 18) & 511);
  yield;
  const table = memory.follow(middle, (low >>> 9) & 511);
  yield;
  if (table === 0) {
    // Perhaps the entry in `middle` is a 2 MiB leaf; not with the PAT bit of large x86 pages, which lies below the address.
    const large = memory.wordIn(middle, (low >>> 9) & 511);
    const lo = memory.lo(large);
    const high = memory.hi(large) & 0xfffff;
    if ((lo & pt.largeMask) !== pt.pageSizeLo || high >= 2048) return yield* translateUnknown(domain, iova);
    if (fast === 2) {
      yield pt.shared.lock.readUnlock();
    }
    return (lo >>> 12) | (high << 20) | (low & 511);
  }
  const word = memory.wordIn(table, low & 511);
  const lo = memory.lo(word);
  const high = memory.hi(word) & 0xfffff;
  if (fast === 2) {
    yield pt.shared.lock.readUnlock();
  }
  // An int32 while it can be: a wider number is boxed.
  if ((lo & pt.presentLo) !== 0 && high < 2048) return (lo >>> 12) | (high << 20);
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
