/**
 * `refcount-per-task`: as free-on-unbind, and each task that has the number in its MSR holds a reference, put down when the task leaves the
 * mm (thread 2021, option 2c; series of Sep 2021, 1/8 to 5/8, as posted). The first #GP takes it; where the MSR is loaded otherwise, none is taken.
 *
 * Argument (Fenghua Yu): the number may be free before the mm dies: "a thread doing open -> ENQCMD -> close -> exit will not occupy a
 * PASID while its sibling threads are still running". Against it (Luto): a PASID has nothing to do with a task. Steps: docs/designs.md.
 */
import type { Flow } from '../../base/index.ts';
import { IOMMU_PASID_INVALID, type Kernel, type Mm, PASID_MAX, type Task } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';
import { fpu__pasid_write } from '../pasid-msr/fpu-pasid-write.ts';
import { INTEL_SVM, iommu_sva_alloc_pasid, iommu_sva_free_pasid } from './intel-svm.ts';

/** Any number will do: it is the mm's. */
const ANY_DEVICE = { max_pasids: PASID_MAX };

/** Step 2, second half. A zero mm->pasid gets a new number; what is loaded is what was read before. */
function* pasid_get(this: Kernel, _tsk: Task, mm: Mm, pasid: number): Flow<number> {
  this.might_sleep('pasid_get');
  yield this.pasid_mutex.acquire();
  const counted = yield* iommu_sva_alloc_pasid(this, mm, ANY_DEVICE);
  yield this.pasid_mutex.release();
  return counted < 0 ? IOMMU_PASID_INVALID : pasid;
}

/** Step 5. Flag and MSR are not written. */
function* pasid_put(this: Kernel, tsk: Task, mm: Mm): Flow<void> {
  yield;
  if (tsk.pasid_activated.load() === 0) return;
  yield this.pasid_mutex.acquire();
  yield* iommu_sva_free_pasid(this, mm);
  yield this.pasid_mutex.release();
}

export const refcountPerTask: KernelDesign = {
  name: 'refcount-per-task',
  family: 'pasid-lifetime',
  source: 'series of Sep 2021, 1/8 to 5/8',
  argument: 'count the tasks that hold the number, and free it when neither they nor devices do',
  patch: { replace: { ...INTEL_SVM.replace, pasid_get, deactivate_mm: pasid_put } },
};

export const refcountPerTaskRepaired: KernelDesign = {
  ...refcountPerTask,
  name: 'refcount-per-task-repaired',
  argument:
    'as refcount-per-task: the number is read again under the mutex, and what the task holds is cleared when it is put down',
  patch: {
    replace: {
      ...INTEL_SVM.replace,
      /** Reads the number again, and refuses none. */
      *pasid_get(_tsk, mm) {
        this.might_sleep('pasid_get');
        yield this.pasid_mutex.acquire();
        const now = yield* this.mm_get_enqcmd_pasid(mm);
        if (now !== IOMMU_PASID_INVALID) yield* iommu_sva_alloc_pasid(this, mm, ANY_DEVICE);
        yield this.pasid_mutex.release();
        return now;
      },
      /** As task work: after interrupts are on, before the return to user mode. */
      *exc_general_protection(tsk) {
        yield* this.local_irq_enable(tsk.rq);
        return yield* this.try_fixup_enqcmd_gp(tsk);
      },
      *try_fixup_enqcmd_gp(tsk) {
        const isLazy = yield* this.pasid_loads_on_gp();
        if (!isLazy) return false;
        yield;
        const mm = tsk.mm.load();
        if (mm === null) return false;
        yield;
        if (tsk.pasid_activated.load() === 1) return false;
        const pasid = yield* this.pasid_get(tsk, mm, IOMMU_PASID_INVALID);
        if (pasid === IOMMU_PASID_INVALID) return false;
        yield* fpu__pasid_write(this, tsk, pasid);
        yield;
        tsk.pasid_activated.store(1);
        return true;
      },
      /** Clears the flag, and MSR or memory, before the reference goes. */
      *deactivate_mm(tsk, mm) {
        yield;
        if (tsk.pasid_activated.load() === 0) return;
        yield;
        tsk.pasid_activated.store(0);
        yield* fpu__pasid_write(this, tsk, IOMMU_PASID_INVALID);
        yield this.pasid_mutex.acquire();
        yield* iommu_sva_free_pasid(this, mm);
        yield this.pasid_mutex.release();
      },
    },
  },
};
