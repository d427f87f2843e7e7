/** AMD's driver for devices that share an address space, before and after the thread of 2014 (drivers/iommu/amd_iommu_v2.c). */
import type { KernelDesign } from '../design.ts';
import { CALLED_AFTER_FLUSH, UNMAPPED_IN_NO_RANGE } from './notified.ts';

export const blockFaults: KernelDesign = {
  family: 'external-tlb',
  source: 'amd_iommu_v2.c to 3.18; thread 2014',
  name: 'block-faults',
  argument:
    'while a range is changed the device walks an empty table: it faults, asks, is told that the page is there, and asks again until the range has ended',
  patch: {
    replace: {
      ...UNMAPPED_IN_NO_RANGE,
      sva_notifier_ops(bind) {
        const { empty = 0, root = 0, space, walker } = bind;
        const { sva_flush_range } = this;
        const flush = (start: number, end: number) => sva_flush_range.call(this, bind, start, end);
        // Plain stores: of two ranges that overlap each sets and each restores.
        function* walk(table: number) {
          yield;
          walker.roots.store(space, table);
          yield* flush(0, Number.POSITIVE_INFINITY);
        }
        return {
          invalidate_range_start: () => walk(empty),
          invalidate_range_end: () => walk(root),
          invalidate_page: flush,
          release: () => this.sva_mm_release(bind),
        };
      },
    },
  },
};

export const amdAfter: KernelDesign = {
  family: 'external-tlb',
  source: 'amd_iommu_v2.c from 3.19 on',
  name: 'amd-after',
  argument: 'invalidate_range: one page is flushed as such, more as all of the PASID',
  patch: {
    replace: {
      ...UNMAPPED_IN_NO_RANGE,
      sva_notifier_ops(bind) {
        const all = () => this.sva_flush_range(bind, 0, Number.POSITIVE_INFINITY);
        const flush = (start: number, end: number) =>
          end - start === 1 ? this.sva_flush_range(bind, start, end) : all();
        return { invalidate_range: flush, invalidate_page: flush, release: () => this.sva_mm_release(bind) };
      },
      ...CALLED_AFTER_FLUSH.replace,
    },
    before: { ...CALLED_AFTER_FLUSH.before },
  },
};
