/**
 * `eager-ipi`: unbind tells the CPUs to clear IA32_PASID, and the number is free at once (thread 2021, option 2a).
 *
 * Argument: a PASID that nobody uses is back as early as can be. Answer in the thread: the locking issues of loading it by IPI; "so won't
 * work". Steps: docs/designs.md, eager-ipi.
 *
 * As sketched leaves the order open, and tasks that do not run. We take: tear-down and drain as in all designs, then the IPI, whose
 * handler clears the MSR whatever runs there, then the free. `ordered` clears mm->pasid first, asks whose CPU it is, and frees last.
 */
import type { Flow } from '../../base/index.ts';
import { IOMMU_PASID_INVALID, type Kernel, type Mm } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';
import { writeOnCpus, writeWhereRuns } from '../pasid-msr/by-ipi.ts';
import { everyThread, loadEverywhere } from '../pasid-msr/every-thread.ts';
import { INTEL_SVM, iommu_sva_free_pasid } from './intel-svm.ts';

/** Unbind of a number's last bind: `end` has the steps from there on. Context: pasid_mutex. */
function eager(end: (k: Kernel, mm: Mm) => Flow<void>): KernelDesign['patch'] {
  return {
    replace: {
      ...INTEL_SVM.replace,
      *iommu_sva_unbind_device(handle) {
        const { mm } = handle;
        yield this.pasid_mutex.acquire();
        yield* this.iommu_sva_unbind_locked(handle);
        if (mm.sva_handles.length === 0) yield* end(this, mm);
        else yield* iommu_sva_free_pasid(this, mm);
        yield this.pasid_mutex.release();
      },
    },
  };
}

function* clearAndFree(k: Kernel, mm: Mm): Flow<void> {
  yield* writeOnCpus(k, mm, 0);
  yield* iommu_sva_free_pasid(k, mm);
}

/** Steps 2 to 4; `clear`: how IA32_PASID is cleared. */
function forgetAndFree(clear: (k: Kernel, mm: Mm, value: number) => Flow<void>) {
  return function* (k: Kernel, mm: Mm): Flow<void> {
    yield;
    const pasid = mm.pasid.load();
    yield;
    mm.pasid.store(IOMMU_PASID_INVALID);
    yield* clear(k, mm, 0);
    yield* k.iommu_free_global_pasid(pasid);
  };
}

const COMMON = { family: 'pasid-lifetime', source: 'thread 2021, option 2a' } as const;

export const eagerIpiAsSketched: KernelDesign = {
  ...COMMON,
  name: 'eager-ipi-as-sketched',
  argument: 'unbind clears IA32_PASID of all tasks that use the number, by IPI',
  patch: eager(clearAndFree),
};

export const eagerIpiOrdered: KernelDesign = {
  ...COMMON,
  name: 'eager-ipi-ordered',
  argument: 'as eager-ipi: no number in mm, then the IPI to CPUs that run the mm, then the free',
  patch: eager(forgetAndFree(writeWhereRuns)),
};

export const eagerIpiRepaired: KernelDesign = {
  ...COMMON,
  name: 'eager-ipi-repaired',
  argument: 'as ordered, for saved state, tasks that do not run, and regions in which the FPU state is being worked on',
  // Memory of those whose state is there, regions of fpregs_lock, tasks that do not run, the one-shot flag.
  patch: eager(forgetAndFree(loadEverywhere)),
  needs: everyThread,
};
