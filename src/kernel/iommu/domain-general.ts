/**
 * iommu_map and iommu_unmap for whatever the fast paths of domain.ts leave: ranges over several tables, large pages,
 * holes, live entries, designs that look at each entry. After drivers/iommu/iommu.c of linux 6.19: iommu_pgsize,
 * iommu_map_nosync, __iommu_unmap, iommu_iotlb_sync.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { offsetInSpan, spanPages } from '../../hw/pt/format.ts';
import { gatherRange, iotlbSync } from '../../hw/pt/gather.ts';
import { type Cpu, EINVAL, ERANGE, type PageTable } from '../../hw/pt/page-table.ts';
import type { IommuDomain } from './domain.ts';
import { queueIova } from './flush-queue.ts';

/** Frames that a leaf can hold: 52 address bits. */
const PADDR_LIMIT = 2 ** 40;

/** iommu_map: one run of leaves of one size after the other. The first `entered` pages are there already. */
export function* mapGeneral(
  domain: IommuDomain,
  cpu: Cpu,
  iova: number,
  paddr: number,
  pages: number,
  prot: number,
  entered: number,
): Flow<number> {
  const pt = domain.pt;
  if (!(pages > 0 && iova >= 0 && paddr >= 0)) return EINVAL;
  if (iova + pages > pt.pageLimit || paddr + pages > PADDR_LIMIT) return ERANGE;
  let page = iova + entered;
  let frame = paddr + entered;
  let left = pages - entered;
  while (left > 0) {
    const level = left < 512 ? 0 : leafLevel(pt, page, frame, left);
    const count = left < 512 ? left : leafCount(pt, page, frame, left, level);
    const status = yield* domain.reclaim.mapPages(pt, cpu, page, frame, level, count, prot);
    page += cpu.mapped;
    frame += cpu.mapped;
    left -= cpu.mapped;
    if (status !== 0) {
      if (page > iova) yield* unmapGeneral(domain, cpu, iova, page - iova, 0);
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

/** Pages that one call of unmap_pages gets: those of the largest size that fits, before a larger one would. */
function unmapCount(pt: PageTable, page: number, left: number): number {
  const level = leafLevel(pt, page, page, left);
  const beforeLarger = leafCount(pt, page, page, left, level);
  return beforeLarger * spanPages(level);
}

/** iommu_unmap. The first `removed` pages are gone already, and not flushed. */
export function* unmapGeneral(
  domain: IommuDomain,
  cpu: Cpu,
  iova: number,
  pages: number,
  removed: number,
): Flow<number> {
  const pt = domain.pt;
  if (!(pages > 0 && iova >= 0 && iova + pages <= pt.pageLimit)) return 0;
  if (removed > 0) gatherRange(cpu.gather, iova, iova + removed, removed);
  let unmapped = removed;
  while (unmapped < pages) {
    const left = pages - unmapped;
    const part = pt.semantics.syncsSizes === true ? unmapCount(pt, iova + unmapped, left) : left;
    const done = yield* domain.reclaim.unmapPages(pt, cpu, iova + unmapped, part);
    unmapped += done;
    // Nothing more to find, or (passing over holes) all of the range was looked at.
    if (done === 0 || (pt.semantics.skipHoles && part === left)) break;
  }
  yield* syncOrQueue(domain, cpu);
  return unmapped;
}

/** The end of an unmap: flush, wait and free in strict mode; leave it to the queue in lazy mode. */
export function* syncOrQueue(domain: IommuDomain, cpu: Cpu): Flow<void> {
  if (domain.queue === null) yield* iotlbSync(domain.pt, cpu);
  else yield* queueIova(domain.pt, domain.queue, cpu);
}
