/**
 * Another domain in a PASID entry that is live (drivers/iommu/intel/pasid.c, from 6.13 on): first-level domains with ids of their own. Versions:
 * in place, as 7543ee63e811 had it; clear, flush, then set up, as c3b1edea3791 has it. Both end with the old domain's tags flushed.
 */
import type { Flow } from '../../base/index.ts';
import { PGTT_FIRST_STAGE } from '../../hw/index.ts';
import type { Kernel, Patch } from '../kernel.ts';
import type { Device, Mm } from '../objects.ts';
import { infoOf } from './intel-iommu.ts';

/** What an entry leads to. */
export interface FirstLevel {
  readonly mm: Mm;
  readonly did: number;
}

const pgtt = PGTT_FIRST_STAGE;

/**
 * Order: P clear, flushed, and only then are words changed; P is stored last. Context: takes iommu->lock, twice.
 * linux v7.0 drivers/iommu/intel/pasid.c: intel_pasid_tear_down_entry, intel_pasid_setup_first_level
 */
export function* intel_pasid_replace_first_level(
  this: Kernel,
  dev: Device,
  pasid: number,
  { did: old_did }: FirstLevel,
  next: FirstLevel,
): Flow<void> {
  const { iommu } = infoOf(dev);
  yield iommu.lock.acquire();
  const pte = yield* this.intel_pasid_get_entry(dev, pasid);
  yield* this.pasid_clear_present(pte);
  yield iommu.lock.release();
  yield* this.pasid_flush_caches(iommu, pte);
  yield* this.intel_pasid_flush_entry(dev, pasid, { did: old_did, pgtt });
  yield iommu.lock.acquire();
  yield* this.pasid_fill_first_level(dev, pte, next.mm, next.did);
  yield iommu.lock.release();
  yield* this.pasid_flush_caches(iommu, pte);
}

/** Words of the new entry over those of the old one, P set all along. linux v6.13 drivers/iommu/intel/pasid.c */
function* replaceInPlace(
  this: Kernel,
  dev: Device,
  pasid: number,
  { did: old_did }: FirstLevel,
  { did, mm }: FirstLevel,
): Flow<void> {
  const { iommu } = infoOf(dev);
  this.observe_meant(dev, did, pgtt, mm.pgd);
  yield iommu.lock.acquire();
  const pte = yield* this.intel_pasid_get_entry(dev, pasid);
  yield* this.pasid_write(pte, 0, (pgtt << 6) | 1);
  yield* this.pasid_write(pte, 1, did);
  yield* this.pasid_write(pte, 2, mm.pgd << 12);
  yield iommu.lock.release();
  yield* this.pasid_flush_caches(iommu, pte);
  yield* this.intel_pasid_flush_entry(dev, pasid, { did: old_did, pgtt });
}

export const REPLACE_IN_PLACE: Patch = { replace: { intel_pasid_replace_first_level: replaceInPlace } };
