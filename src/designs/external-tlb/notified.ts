/**
 * When the TLBs of IOMMU and devices are flushed that walk the CPU's page tables (thread of Sep 2014; docs/designs.md, external TLBs). The
 * driver listens to one kind of call or another; where the kernel makes it is the kernel's.
 */
import { callEach } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';

/** From before the thread: all mappings are there still when the range starts, and when it ends pages have been freed. */
export const startEnd: KernelDesign = {
  family: 'external-tlb',
  source: 'thread 2014: what there was before',
  name: 'start-end',
  argument:
    'the driver flushes when a range starts, and once more when it ends; it cannot keep hardware from walking in between',
  patch: {
    replace: {
      sva_notifier_ops(bind) {
        const flush = (start: number, end: number) => this.sva_flush_range(bind, start, end);
        return { invalidate_range_start: flush, invalidate_range_end: flush };
      },
    },
  },
};

export const endOnly: KernelDesign = {
  family: 'external-tlb',
  source: 'thread 2014 (Jerome Glisse), which says that it is too late',
  name: 'end-only',
  argument: 'the driver flushes when a range has ended: the page table is changed by then',
  patch: {
    replace: {
      sva_notifier_ops(bind) {
        return { invalidate_range_end: (start, end) => this.sva_flush_range(bind, start, end) };
      },
    },
  },
};

/** Call sites: the gather's flush, what clears one entry and flushes it, and the end of each range. */
export const invalidateRange: KernelDesign = {
  family: 'external-tlb',
  source: '34ee645e83b6 (3.19)',
  name: 'invalidate-range',
  argument: 'a call of its own where the CPU is flushed, between the change of the table and the free of the page',
  patch: {
    replace: {
      sva_notifier_ops(bind) {
        return { invalidate_range: (start, end) => this.sva_flush_range(bind, start, end) };
      },
      *mmu_notifier_invalidate_range({ notifiers }, start, end) {
        yield* callEach(notifiers, 'invalidate_range', start, end);
      },
    },
    before: {
      *mmu_notifier_invalidate_range_end(mm, start, end) {
        yield* this.mmu_notifier_invalidate_range(mm, start, end);
      },
    },
  },
};

/** The kernel as it is. */
export const flushHook: KernelDesign = {
  family: 'external-tlb',
  source: '6bbd42e2df8f and what followed (6.6)',
  name: 'flush-hook',
  argument: 'whatever flushes the CPU flushes the secondary TLBs with it: no call site can be forgotten',
  patch: {},
};
