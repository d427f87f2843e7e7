/**
 * `update-pasid`: the first version in the kernel (20f0afd1fb3d, 5.10; disabled by 9bfecd058339). The number is loaded into the MSRs when the
 * first device is bound, and 0 when the last one goes; the number itself is free before that. Its MSR half is designs/pasid-msr/update-pasid.ts.
 *
 * Argument (series of 2020): ENQCMD must find its PASID in every thread of the process. Steps: docs/designs.md, update-pasid.
 * Of then, too: a forked child has its parent's mm->pasid (memcpy), and xstate is copied by clone.
 */

import type { Flow } from '../../base/index.ts';
import { type Bound, EOVERFLOW, IOMMU_PASID_INVALID } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';
import { INTEL_SVM } from './intel-svm.ts';

export const updatePasid: KernelDesign = {
  name: 'update-pasid',
  family: 'pasid-lifetime',
  source: '20f0afd1fb3d (5.10), disabled in 5.13',
  argument: 'allocate and load with the first bind, free and unload with the last',
  patch: {
    replace: {
      ...INTEL_SVM.replace,
      *iommu_alloc_mm_data(mm, dev) {
        yield;
        const pasid = mm.pasid.load();
        if (pasid !== IOMMU_PASID_INVALID) return pasid >= dev.max_pasids ? EOVERFLOW : pasid;
        return yield* this.iommu_alloc_global_pasid(mm, dev);
      },
      /** The load comes when notifier and entry are there. */
      *iommu_sva_bind_device(dev, mm): Flow<Bound | number> {
        yield this.pasid_mutex.acquire();
        const isFirst = mm.sva_handles.length === 0;
        const bound = yield* this.iommu_sva_bind_locked(dev, mm);
        if (typeof bound !== 'number' && isFirst) yield* this.mm_pasid_set(mm, bound.pasid);
        yield this.pasid_mutex.release();
        return bound;
      },
      *iommu_sva_unbind_device(handle) {
        yield this.pasid_mutex.acquire();
        yield* this.iommu_sva_unbind_locked(handle);
        yield this.pasid_mutex.release();
      },
      /** The last device's entry has gone. In this order: free, notifier, load 0. */
      *iommu_domain_free({ mm, subscription }) {
        yield;
        const pasid = mm.pasid.load();
        yield* this.iommu_free_global_pasid(pasid);
        yield* this.mmu_notifier_unregister(subscription);
        yield* this.mm_pasid_set(mm, IOMMU_PASID_INVALID);
      },
      /** memcpy of the parent's. */
      *mm_pasid_init() {
        return 0;
      },
    },
    omit: ['fpu_clone_pasid'],
  },
};
