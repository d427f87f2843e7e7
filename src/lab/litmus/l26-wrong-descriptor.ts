/**
 * L26, 04b1b069f151 (fixes b33125296b50): a domain of first-stage tables was flushed by iotlb_inv, which drops second-stage entries; the PASID's entries, which p_iotlb_inv drops, stayed.
 *
 * Wrong fix: the PASID cache is flushed, as if the entries went with it.
 */
import { type Patch, VTD_B } from '../../kernel/index.ts';
import { reclaimed } from './l25-end-of-all.ts';
import type { Litmus } from './scenario.ts';

/** FLPT_DEFAULT_DID. */
const DID = 1;

const IOTLB_INV: Patch = {
  replace: {
    *qi_flush_piotlb_pages(dev) {
      yield* this.qi_flush_iotlb(dev.info!.iommu, DID);
    },
  },
};

const PASID_CACHE_TOO: Patch = {
  after: {
    *qi_flush_piotlb_pages(dev, pasid) {
      yield* this.pasid_cache_invalidation_with_pasid(dev.info!.iommu, DID, pasid);
    },
  },
};

export const L26: Litmus = {
  name: 'L26 wrong descriptor',
  source: '04b1b069f151 (fixes b33125296b50)',
  about: 'A page is unmapped, and its range is flushed from the IOTLB.',
  bounds: 'one process, one page, one device without a TLB and two accesses',
  program: reclaimed(0n, 4096n, false),
  cases: [
    { name: 'as it was: iotlb_inv', expect: 'violated', changes: [VTD_B, IOTLB_INV] },
    { name: 'fixed: p_iotlb_inv', expect: 'holds', changes: [VTD_B] },
    { name: 'wrong fix: the PASID cache, too', expect: 'violated', changes: [VTD_B, IOTLB_INV, PASID_CACHE_TOO] },
  ],
};
