/**
 * iova_stress: the benchmark of the thread of Dec 2023 (github soleen/iova_stress), on a simulated domain. Maps one DMA
 * buffer, unmaps it, moves on, until the IOVA space is used up. As the original does, the IOVA advances by max(dma size,
 * 2 MiB) before each map, so that 16 TiB are 8,388,608 maps of 4 KiB, the last at 16 TiB.
 *
 * Differences: no VFIO and no device; the buffer's frames are contiguous (the original's 4 KiB page is one too); the
 * MSI window at 0xfee00000, which a real kernel refuses, is mapped like any other address.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../../hw/pt/format.ts';
import type { Cpu } from '../../hw/pt/page-table.ts';
import { type IommuDomain, iommuMap, iommuUnmap } from '../../kernel/iommu/domain.ts';

export const MIB_PAGES = 256;
export const TIB_PAGES = 2 ** 28;
/** Frame of the mapped buffer; any will do, 1 GiB aligned so that large buffers get large pages. */
export const BUFFER_PFN = 2 ** 18;

/** Pages from one IOVA to the next. */
export function stridePages(dmaPages: number): number {
  return Math.max(dmaPages, 2 * MIB_PAGES);
}

/** Map and unmap pairs for `spaceTiB`. */
export function stressPairs(spaceTiB: number, dmaPages: number): number {
  return Math.ceil((spaceTiB * TIB_PAGES) / stridePages(dmaPages));
}

/**
 * `pairs` maps and unmaps of `dmaPages`, the first one stride above `afterPage`. Returns the pairs that failed: a map
 * that was refused, or an unmap of another size.
 */
export function* stress(
  domain: IommuDomain,
  cpu: Cpu,
  afterPage: number,
  pairs: number,
  dmaPages: number,
): Flow<number> {
  const stride = stridePages(dmaPages);
  let failed = 0;
  let iova = afterPage;
  for (let i = 0; i < pairs; i++) {
    iova += stride;
    const status = yield* iommuMap(domain, cpu, iova, BUFFER_PFN, dmaPages, IOMMU_READ | IOMMU_WRITE);
    if (status !== 0) {
      // Like the original: there may be something already; go on.
      failed++;
      continue;
    }
    const unmapped = yield* iommuUnmap(domain, cpu, iova, dmaPages);
    if (unmapped !== dmaPages) failed++;
  }
  return failed;
}
