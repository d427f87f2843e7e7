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

/** C's order of stores in A's place: nothing is flushed between P and the rest. */
export const ZERO_FIRST: Patch = {
  after: {
    *pasid_clear_present(pte) {
      yield* this.pasid_clear_entry(pte);
    },
  },
};
/** The device TLB is filled anew from the IOTLB. */
export const DEVICE_FIRST: Patch = {
  replace: {
    *intel_pasid_flush_entry(dev, pasid, { did }) {
      const { iommu } = infoOf(dev);
      yield* this.pasid_cache_invalidation_with_pasid(iommu, did, pasid);
      yield* this.devtlb_invalidation_with_pasid(dev, pasid);
      yield* this.qi_flush_piotlb(iommu, did, pasid);
    },
  },
};
/** The IOTLB is filled anew through the PASID cache. */
export const PASIDS_LAST: Patch = {
  replace: {
    *intel_pasid_flush_entry(dev, pasid, { did }) {
      const { iommu } = infoOf(dev);
      yield* this.qi_flush_piotlb(iommu, did, pasid);
      yield* this.devtlb_invalidation_with_pasid(dev, pasid);
      yield* this.pasid_cache_invalidation_with_pasid(iommu, did, pasid);
    },
  },
};
