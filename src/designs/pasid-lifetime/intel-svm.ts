/**
 * What the designs of 5.10 to 5.17 have in common (drivers/iommu/intel/svm.c of then): bind and unbind under pasid_mutex, with a
 * reference count for each number under iommu_sva_lock; one notifier an mm, unregistered with its last device, which runs `.release`
 * if that has not run; nothing is given back at the end of the mm.
 *
 * State: the count of a number, and mm->pasid, are guarded by iommu_sva_lock. docs/designs.md, free-on-unbind, steps 1 to 4.
 */
import type { Flow } from '../../base/index.ts';
import {
  type Bound,
  type Device,
  EOVERFLOW,
  IOMMU_PASID_INVALID,
  type Kernel,
  type Mm,
  type Patch,
} from '../../kernel/index.ts';

const COUNTS = 'references of PASIDs';

/** References by number. Context: iommu_sva_lock. */
function countsOf(kernel: Kernel): Map<number, number> {
  let counts = kernel.extra.get(COUNTS) as Map<number, number> | undefined;
  if (counts === undefined) {
    counts = new Map();
    kernel.extra.set(COUNTS, counts);
  }
  return counts;
}

/** Step 1: the mm's number with one reference more, or a new one with its first. */
export function* iommu_sva_alloc_pasid(k: Kernel, mm: Mm, dev: Pick<Device, 'max_pasids'>): Flow<number> {
  yield k.iommu_sva_lock.acquire();
  yield;
  const known = mm.pasid.load();
  let pasid = known;
  if (known === IOMMU_PASID_INVALID) {
    pasid = yield* k.iommu_alloc_global_pasid(mm, dev);
    if (pasid >= 0) {
      countsOf(k).set(pasid, 1);
      yield* k.mm_pasid_set(mm, pasid);
    }
  } else if (known >= dev.max_pasids) pasid = EOVERFLOW;
  else countsOf(k).set(known, (countsOf(k).get(known) ?? 0) + 1);
  yield k.iommu_sva_lock.release();
  return pasid;
}

/** Step 4: a reference of mm->pasid as it is now; with the last one the number is free. True: it was. */
export function* iommu_sva_free_pasid(k: Kernel, mm: Mm): Flow<boolean> {
  yield k.iommu_sva_lock.acquire();
  yield;
  const pasid = mm.pasid.load();
  const left = (countsOf(k).get(pasid) ?? 0) - 1;
  const isLast = pasid !== IOMMU_PASID_INVALID && left === 0;
  if (pasid !== IOMMU_PASID_INVALID) countsOf(k).set(pasid, left);
  if (isLast) {
    yield* k.iommu_free_global_pasid(pasid);
    yield* k.mm_pasid_set(mm, IOMMU_PASID_INVALID);
  }
  yield k.iommu_sva_lock.release();
  return isLast;
}

/** The kernel of 5.13 to 5.17. A design of then adds to it. */
export const INTEL_SVM: Patch = {
  replace: {
    /** Steps 1 and 2. */
    *iommu_sva_bind_device(dev, mm): Flow<Bound | number> {
      this.might_sleep('iommu_sva_bind_device');
      yield this.pasid_mutex.acquire();
      const bound = yield* this.iommu_sva_bind_locked(dev, mm);
      yield this.pasid_mutex.release();
      return bound;
    },
    *iommu_alloc_mm_data(mm, dev) {
      return yield* iommu_sva_alloc_pasid(this, mm, dev);
    },
    /** Steps 3 and 4. */
    *iommu_sva_unbind_device(handle) {
      this.might_sleep('iommu_sva_unbind_device');
      yield this.pasid_mutex.acquire();
      yield* this.iommu_sva_unbind_locked(handle);
      yield* iommu_sva_free_pasid(this, handle.mm);
      yield this.pasid_mutex.release();
    },
    *iommu_domain_free(domain) {
      yield* this.mmu_notifier_unregister(domain.subscription);
    },
    *__mmdrop(mm) {
      yield* this.destroy_context(mm);
      yield* this.free_mm(mm);
    },
  },
};
