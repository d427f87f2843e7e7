/** Changes of version C's tear-down that several litmus tests try. */
import { infoOf, type Patch } from '../../kernel/index.ts';

/** FPD is left behind by `.release` whether or not P is set when the entry is zeroed. */
export const FPD_KEPT: Patch = {
  replace: {
    *intel_pasid_clear_entry(dev, pasid, fault_ignore) {
      const pte = yield* this.intel_pasid_get_entry(dev, pasid);
      if (fault_ignore) yield* this.pasid_clear_entry_with_fpd(pte);
      else yield* this.pasid_clear_entry(pte);
    },
  },
};

/** iommu->lock is held until the entry is zeroed: invalidations do not sleep. */
export const LOCKED_TO_THE_END: Patch = {
  replace: {
    *intel_pasid_tear_down_entry(dev, pasid, fault_ignore) {
      const { iommu } = infoOf(dev);
      yield iommu.lock.acquire();
      const pte = yield* this.intel_pasid_get_entry(dev, pasid);
      const tags = yield* this.pasid_read_tags(pte);
      if (!tags.present) return yield* this.intel_pasid_tear_down_absent(dev, pasid, pte, tags);
      yield* this.pasid_clear_present(pte);
      yield* this.pasid_flush_caches(iommu, pte);
      yield* this.intel_pasid_flush_entry(dev, pasid, tags);
      yield* this.intel_pasid_clear_entry(dev, pasid, fault_ignore);
      yield iommu.lock.release();
      yield* this.pasid_flush_caches(iommu, pte);
      if (!fault_ignore) yield* this.intel_drain_pasid_prq(dev, pasid);
    },
  },
};
