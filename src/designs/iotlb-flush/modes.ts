/**
 * When an unmap of the DMA API is flushed from the IOTLB, and when its number and its tables go back (docs/designs.md, IOTLB flush). The kernel functions are
 * those of drivers/iommu/dma-iommu.c.
 */
import { type Patch, takeTables } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';

export const strict: KernelDesign = {
  family: 'iotlb-flush',
  source: 'iommu.strict=1',
  name: 'strict',
  argument: 'unmap returns when no device can reach the page any more',
  patch: {},
};

const LAZY: Patch = {
  after: {
    *iommu_dma_init_domain(dom) {
      yield* this.iommu_dma_init_fq(dom);
    },
  },
};

export const lazy: KernelDesign = {
  family: 'iotlb-flush',
  source: 'DMA-FQ, the default on x86',
  name: 'lazy',
  argument:
    'one flush of the domain for many unmaps; until then neither number nor tables are used again, and drivers trust their devices',
  patch: LAZY,
};

export const lazyFreeNow: KernelDesign = {
  family: 'iotlb-flush',
  source: 'before 5.11',
  name: 'lazy-free-now',
  argument: 'the number waits for the flush; tables that an unmap has unlinked are free',
  patch: {
    ...LAZY,
    before: {
      *queue_iova(dom, cpu) {
        yield* this.iommu_put_pages_list(dom, takeTables(dom.cpus[cpu]!.gather));
      },
    },
  },
};
