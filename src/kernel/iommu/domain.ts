/**
 * A paging domain as the IOMMU core sees it: iommu_map and iommu_unmap over a page table and a table-reclaim design.
 * After drivers/iommu/iommu.c of linux 6.19: iommu_pgsize, iommu_map_nosync, __iommu_unmap, iommu_iotlb_sync.
 *
 * Ranges are 4 KiB pages. Events (`iommu:map`, `iommu:unmap`) are the tracing layer's business and not emitted here.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import type { TableMemory } from '../../hw/memory/table-memory.ts';
import { offsetInSpan, type PageTableFormat, spanPages } from '../../hw/pt/format.ts';
import { iotlbSync, noIotlb } from '../../hw/pt/gather.ts';
import {
  type Cpu,
  createPageTable,
  EINVAL,
  ERANGE,
  type FlushRange,
  type PageTable,
  type Semantics,
  type Shared,
} from '../../hw/pt/page-table.ts';
import { destroyPageTable } from '../../hw/pt/walk.ts';
import { createFlushQueue, type FlushQueue, flushTimeout, queueIova } from './flush-queue.ts';
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

/** Frames that a leaf can hold: 52 address bits. */
const PADDR_LIMIT = 2 ** 40;

/**
 * Maps [iova, iova + pages) to [paddr, …) with the largest page sizes that fit. 0, or an error: then nothing of the range
 * is mapped that was not before (what was entered is unmapped again, as the core does).
 */
export function* iommuMap(
  domain: IommuDomain,
  cpu: Cpu,
  iova: number,
  paddr: number,
  pages: number,
  prot: number,
): Flow<number> {
  if (
    pages > 0 &&
    pages < 512 &&
    iova >= 0 &&
    paddr >= 0 &&
    iova + pages <= domain.pt.pageLimit &&
    paddr <= PADDR_LIMIT - pages
  ) {
    // Too small for a large page: one run.
    const status = yield* domain.reclaim.mapPages(domain.pt, cpu, iova, paddr, 0, pages, prot);
    if (status === 0) return 0;
    if (cpu.mapped > 0) yield* iommuUnmap(domain, cpu, iova, cpu.mapped);
    return status;
  }
  return yield* mapRuns(domain, cpu, iova, paddr, pages, prot);
}

/** iommu_map for ranges that may hold large pages: one run of leaves of one size after the other. */
function* mapRuns(
  domain: IommuDomain,
  cpu: Cpu,
  iova: number,
  paddr: number,
  pages: number,
  prot: number,
): Flow<number> {
  const pt = domain.pt;
  if (!(pages > 0 && iova >= 0 && paddr >= 0)) return EINVAL;
  if (iova + pages > pt.pageLimit || paddr + pages > PADDR_LIMIT) return ERANGE;
  let page = iova;
  let frame = paddr;
  let left = pages;
  while (left > 0) {
    const level = left < 512 ? 0 : leafLevel(pt, page, frame, left);
    const count = left < 512 ? left : leafCount(pt, page, frame, left, level);
    const status = yield* domain.reclaim.mapPages(pt, cpu, page, frame, level, count, prot);
    page += cpu.mapped;
    frame += cpu.mapped;
    left -= cpu.mapped;
    if (status !== 0) {
      if (page > iova) yield* iommuUnmap(domain, cpu, iova, page - iova);
      return status;
    }
  }
  return 0;
}

/** The highest level whose leaf fits both addresses and what is left (iommu_pgsize). */
function leafLevel(pt: PageTable, page: number, frame: number, left: number): number {
  let level = pt.maxLeafLevel < pt.top ? pt.maxLeafLevel : pt.top;
  while (level > 0) {
    const span = spanPages(level);
    if (left >= span && offsetInSpan(page, level) === 0 && offsetInSpan(frame, level) === 0) break;
    level--;
  }
  return level;
}

/** How many leaves of that level to enter before a larger one would fit. */
function leafCount(pt: PageTable, page: number, frame: number, left: number, level: number): number {
  const span = spanPages(level);
  const larger = spanPages(level + 1);
  const couldGrow =
    level < pt.maxLeafLevel && level < pt.top && offsetInSpan(page, level + 1) === offsetInSpan(frame, level + 1);
  if (couldGrow) {
    const toBoundary = larger - offsetInSpan(page, level + 1);
    if (toBoundary + larger <= left) return toBoundary / span;
  }
  return Math.floor(left / span);
}

/** Unmaps [iova, iova + pages) and, in strict mode, flushes and frees. Returns the 4 KiB pages unmapped (iommu_unmap). */
export function* iommuUnmap(domain: IommuDomain, cpu: Cpu, iova: number, pages: number): Flow<number> {
  const pt = domain.pt;
  if (!(pages > 0 && iova >= 0 && iova + pages <= pt.pageLimit)) return 0;
  let unmapped = yield* domain.reclaim.unmapPages(pt, cpu, iova, pages);
  if (unmapped < pages && unmapped > 0 && !pt.semantics.skipHoles) {
    unmapped += yield* unmapRest(domain, cpu, iova + unmapped, pages - unmapped);
  }
  if (domain.queue === null) yield* iotlbSync(pt, cpu);
  else yield* queueIova(pt, domain.queue, cpu);
  return unmapped;
}

/** The core asks again until nothing is removed any more (__iommu_unmap). */
function* unmapRest(domain: IommuDomain, cpu: Cpu, iova: number, pages: number): Flow<number> {
  let unmapped = 0;
  while (unmapped < pages) {
    const done = yield* domain.reclaim.unmapPages(domain.pt, cpu, iova + unmapped, pages - unmapped);
    if (done === 0) break;
    unmapped += done;
  }
  return unmapped;
}

export function* iommuIovaToPhys(domain: IommuDomain, iova: number): Flow<number> {
  return yield* domain.reclaim.iovaToPhys(domain.pt, iova);
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
