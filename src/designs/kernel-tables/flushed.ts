/**
 * When a page-table page of the kernel may be freed that IOMMUs may have cached a pointer to ("Fix stale IOTLB entries for kernel address space", 2025;
 * docs/designs.md, kernel tables). The kernel as it is defers the free.
 */
import type { InitMm, Kernel, Patch } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';

/** Before 6.19: tables have no mark, and are freed where they are unlinked. */
const FREED_AT_ONCE: Patch['replace'] = {
  *pagetable_free(init, pfn) {
    yield* this.__pagetable_free(init, pfn);
  },
};

export const noFlush: KernelDesign = {
  family: 'kernel-tables',
  source: 'to 6.18',
  name: 'no-flush',
  argument: 'a device is refused kernel addresses, so nobody but the CPUs needs to hear that their tables change',
  patch: { replace: FREED_AT_ONCE },
};

const FLUSHED_IN_PLACE: Patch['after'] = {
  *flush_tlb_kernel_range(init, start, end) {
    yield* this.iommu_sva_invalidate_kva_range(init, start, end);
  },
};

export const syncFlushV1: KernelDesign = {
  family: 'kernel-tables',
  source: 'series of 2025, v1',
  name: 'sync-flush-v1',
  argument: 'the flush of the CPUs ends with one of the IOMMUs, under the mutex of bind',
  patch: {
    replace: FREED_AT_ONCE,
    after: FLUSHED_IN_PLACE,
  },
};

export const syncFlushV2: KernelDesign = {
  family: 'kernel-tables',
  source: 'series of 2025, v2',
  name: 'sync-flush-v2',
  argument:
    'the same under a spinlock, since callers may be in atomic context: the list of address spaces has it for itself, and bind keeps its mutex',
  patch: {
    replace: {
      ...FREED_AT_ONCE,
      *iommu_sva_mms_lock(init) {
        yield init.iommu_sva_mms_spinlock.acquire();
      },
      *iommu_sva_mms_unlock(init) {
        yield init.iommu_sva_mms_spinlock.release();
      },
      *iommu_sva_mms_add(init, mm) {
        yield* this.iommu_sva_mms_lock(init);
        init.iommu_sva_mms = [...init.iommu_sva_mms, mm];
        yield* this.iommu_sva_mms_unlock(init);
      },
      *iommu_sva_mms_del(init, mm) {
        yield* this.iommu_sva_mms_lock(init);
        init.iommu_sva_mms = init.iommu_sva_mms.filter((own) => own !== mm);
        yield* this.iommu_sva_mms_unlock(init);
      },
    },
    after: FLUSHED_IN_PLACE,
  },
};

export const flushByWork: KernelDesign = {
  family: 'kernel-tables',
  source: 'series of 2025, v3; objection by Dave Hansen',
  name: 'flush-by-work',
  argument: 'the flush may sleep in a worker; the table is freed where it always was',
  patch: {
    replace: {
      ...FREED_AT_ONCE,
      *kernel_pgtable_work_func(init) {
        yield* this.iommu_sva_invalidate_kva_range(init, ...init.range);
      },
    },
    after: {
      *flush_tlb_kernel_range({ kernel_pgtable_work }) {
        yield* this.schedule_kernel_pgtable_work(kernel_pgtable_work.pending);
      },
    },
  },
};

function* freeAllListed(kernel: Kernel, init: InitMm) {
  const { list, lock } = init.kernel_pgtable_work;
  yield lock.acquire();
  for (const pfn of list.splice(0)) yield* kernel.__pagetable_free(init, pfn);
  yield lock.release();
}

export const deferredFreeDraft: KernelDesign = {
  family: 'kernel-tables',
  source: 'list, 7 and 8 Aug 2025',
  name: 'deferred-free-draft',
  argument: 'PTE tables wait on a list; a worker flushes, and then frees what is on it',
  patch: {
    replace: {
      ...FREED_AT_ONCE,
      *pte_free_kernel({ kernel_pgtable_work }, pfn) {
        yield kernel_pgtable_work.lock.acquire();
        kernel_pgtable_work.list.push(pfn);
        yield* this.schedule_kernel_pgtable_work(kernel_pgtable_work.pending);
        yield kernel_pgtable_work.lock.release();
      },
      *kernel_pgtable_work_func(init) {
        yield* this.iommu_sva_invalidate_kva_range(init, ...init.range);
        yield* freeAllListed(this, init);
      },
    },
  },
};

/** The kernel as it is. */
export const deferredFree: KernelDesign = {
  family: 'kernel-tables',
  source: '5ba2f0a15564, e37d5a2d60a3 (6.19)',
  name: 'deferred-free',
  argument:
    "tables of all levels are marked as the kernel's and wait on a list; a worker takes the list, flushes, and frees what it took",
  patch: {},
};
