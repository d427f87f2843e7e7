/**
 * When the TLBs of IOMMU and devices are flushed that walk the CPU's page tables (thread of Sep 2014; docs/designs.md, external TLBs). The
 * driver listens to one kind of call or another; where the kernel makes it is the kernel's.
 */
import { ATOMIC } from '../../base/index.ts';
import { callEach, type Patch } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';

/** Reclaim before 4.14: the page-table lock is given back, then the notifier hears of the page; in no range. linux v3.18 mm/rmap.c: try_to_unmap_one */
export const UNMAPPED_IN_NO_RANGE: NonNullable<Patch['replace']> = {
  *try_to_unmap_one(mm, page) {
    const { tables } = mm;
    yield tables.ptl.acquire();
    yield ATOMIC;
    const pte = tables.pte(page);
    if (pte !== null) {
      yield ATOMIC;
      tables.clearPte(page);
      yield* this.flush_tlb_mm_range(mm, page, page + 1);
    }
    yield tables.ptl.release();
    if (pte !== null) yield* this.mmu_notifier_invalidate_page(mm, page);
    return pte?.pfn ?? null;
  },
};

/** From before the thread: all mappings are there still when the range starts, and when it ends pages have been freed. */
export const startEnd: KernelDesign = {
  family: 'external-tlb',
  source: 'thread 2014: what there was before',
  name: 'start-end',
  argument:
    'the driver flushes when a range starts, and once more when it ends; it cannot keep hardware from walking in between',
  patch: {
    replace: {
      ...UNMAPPED_IN_NO_RANGE,
      sva_notifier_ops(bind) {
        const flush = (start: number, end: number) => this.sva_flush_range(bind, start, end);
        const release = () => this.sva_mm_release(bind);
        return { invalidate_range_start: flush, invalidate_range_end: flush, invalidate_page: flush, release };
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
      ...UNMAPPED_IN_NO_RANGE,
      sva_notifier_ops(bind) {
        const flush = (start: number, end: number) => this.sva_flush_range(bind, start, end);
        return { invalidate_range_end: flush, invalidate_page: flush, release: () => this.sva_mm_release(bind) };
      },
    },
  },
};

/** Call sites: the gather's flush, what clears one entry and flushes it, and the end of each range. */
export const CALLED_AFTER_FLUSH: Patch = {
  replace: {
    *mmu_notifier_invalidate_range(mm, start, end) {
      yield* callEach(yield* this.mm_has_notifiers(mm), 'invalidate_range', start, end);
    },
  },
  before: {
    *mmu_notifier_invalidate_range_end(mm, start, end) {
      yield* this.mmu_notifier_invalidate_range(mm, start, end);
    },
  },
};

export const invalidateRange: KernelDesign = {
  family: 'external-tlb',
  source: '34ee645e83b6 (3.19)',
  name: 'invalidate-range',
  argument: 'a call of its own where the CPU is flushed, between the change of the table and the free of the page',
  patch: {
    replace: {
      ...UNMAPPED_IN_NO_RANGE,
      sva_notifier_ops(bind) {
        const flush = (start: number, end: number) => this.sva_flush_range(bind, start, end);
        return { invalidate_range: flush, invalidate_page: flush, release: () => this.sva_mm_release(bind) };
      },
      ...CALLED_AFTER_FLUSH.replace,
    },
    before: { ...CALLED_AFTER_FLUSH.before },
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
