/**
 * `free-on-unbind`: the number is counted by binds, and goes back with the last one (iommu-sva-lib; VT-d from spring 2021 to 5.17).
 * Nothing tells the threads that have it in IA32_PASID.
 *
 * Argument: PASIDs are a limited resource of hardware and must be shared and managed (Fenghua Yu, thread of Sep 2021). Objection in the same
 * thread: a thread's MSR keeps the number after it is somebody else's. Steps: docs/designs.md, free-on-unbind.
 */
import { IOMMU_PASID_INVALID, type Kernel, type Mm } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';
import { INTEL_SVM } from './intel-svm.ts';

export const freeOnUnbind: KernelDesign = {
  name: 'free-on-unbind',
  family: 'pasid-lifetime',
  source: 'iommu-sva-lib, VT-d to 5.17',
  argument: 'a PASID is a limited resource: give it back when no device is bound',
  patch: INTEL_SVM,
};

function* forget(k: Kernel, mm: Mm) {
  yield;
  mm.pasid.store(IOMMU_PASID_INVALID);
  yield* k.publish_pasid(mm, IOMMU_PASID_INVALID);
}

/** Until Aug 2021: with the last device mm->pasid was cleared before step 4 took its number from there. */
export const freeOnUnbindSpring2021: KernelDesign = {
  ...freeOnUnbind,
  name: 'free-on-unbind-spring2021',
  source: 'VT-d, 5.13 to Aug 2021',
  patch: {
    replace: {
      ...INTEL_SVM.replace,
      *iommu_domain_free(domain) {
        yield* this.mmu_notifier_unregister(domain.subscription);
        yield* forget(this, domain.mm);
      },
    },
  },
};
