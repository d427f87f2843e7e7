/**
 * The end of a PASID entry in three versions, as the kernel had them one after the other:
 *
 * - A, to 6.12: zero the entry, flush; an entry that is not present is left alone.
 * - B, cf08ca81d08a (6.13): one that is not present but has FPD, as `.release` leaves it, is zeroed and drained.
 * - C, 75ed00055c05 (7.0): clear P alone, flush, and only then zero.
 *
 * Each is a patch: the functions below it are the same. Callers: `.release` of the notifier with `fault_ignore`, under a spinlock; detach
 * without. linux drivers/iommu/intel/pasid.c: intel_pasid_tear_down_entry
 */
import type { Flow } from '../../base/index.ts';
import { PGTT_FIRST_STAGE, PGTT_PASS_THROUGH } from '../../hw/index.ts';
import type { Kernel, Patch } from '../kernel.ts';
import type { Device } from '../objects.ts';
import { infoOf } from './intel-iommu.ts';
import { type PasidPte, type PasidTags, setupFirstLevel } from './intel-pasid.ts';
import * as sva from './intel-svm.ts';

/** Order: PASID cache, IOTLB, device TLB: each is filled through the one before. Context: does not sleep. */
export function* intel_pasid_flush_entry(
  this: Kernel,
  dev: Device,
  pasid: number,
  { did, pgtt }: Pick<PasidTags, 'did' | 'pgtt'>,
): Flow<void> {
  const { iommu } = infoOf(dev);
  yield* this.pasid_cache_invalidation_with_pasid(iommu, did, pasid);
  if (pgtt === PGTT_FIRST_STAGE || pgtt === PGTT_PASS_THROUGH) yield* this.qi_flush_piotlb(iommu, did, pasid);
  else yield* this.qi_flush_iotlb(iommu, did);
  yield* this.devtlb_invalidation_with_pasid(dev, pasid);
}

/** Version A. Context: takes iommu->lock; with `fault_ignore` it does not sleep. */
export function* tearDownA(this: Kernel, dev: Device, pasid: number, fault_ignore: boolean): Flow<void> {
  const { iommu } = infoOf(dev);
  yield iommu.lock.acquire();
  const pte = yield* this.intel_pasid_get_entry(dev, pasid);
  const tags = yield* this.pasid_read_tags(pte);
  if (!tags.present) {
    yield iommu.lock.release();
    return;
  }
  yield* this.intel_pasid_clear_entry(dev, pasid, fault_ignore);
  yield iommu.lock.release();
  yield* this.pasid_flush_caches(iommu, pte);
  yield* this.intel_pasid_flush_entry(dev, pasid, tags);
  if (!fault_ignore) yield* this.intel_drain_pasid_prq(dev, pasid);
}

/** Version B: A, but for an entry that `.release` has left. */
export function* tearDownB(this: Kernel, dev: Device, pasid: number, fault_ignore: boolean): Flow<void> {
  const { iommu } = infoOf(dev);
  yield iommu.lock.acquire();
  const pte = yield* this.intel_pasid_get_entry(dev, pasid);
  const tags = yield* this.pasid_read_tags(pte);
  if (!tags.present) {
    yield* this.intel_pasid_tear_down_absent(dev, pasid, pte, tags);
    return;
  }
  yield* this.intel_pasid_clear_entry(dev, pasid, fault_ignore);
  yield iommu.lock.release();
  yield* this.pasid_flush_caches(iommu, pte);
  yield* this.intel_pasid_flush_entry(dev, pasid, tags);
  if (!fault_ignore) yield* this.intel_drain_pasid_prq(dev, pasid);
}

/** Version C. */
export function* tearDownC(this: Kernel, dev: Device, pasid: number, fault_ignore: boolean): Flow<void> {
  const { iommu } = infoOf(dev);
  yield iommu.lock.acquire();
  const pte = yield* this.intel_pasid_get_entry(dev, pasid);
  const tags = yield* this.pasid_read_tags(pte);
  if (!tags.present) {
    yield* this.intel_pasid_tear_down_absent(dev, pasid, pte, tags);
    return;
  }
  yield* this.pasid_clear_present(pte);
  yield iommu.lock.release();
  yield* this.pasid_flush_caches(iommu, pte);
  yield* this.intel_pasid_flush_entry(dev, pasid, tags);
  yield* this.intel_pasid_clear_entry(dev, pasid, fault_ignore);
  yield* this.pasid_flush_caches(iommu, pte);
  if (!fault_ignore) yield* this.intel_drain_pasid_prq(dev, pasid);
}

/** P is clear, in B and C. FPD: `.release` was here, and did not drain. Context: iommu->lock, which it gives back. */
export function* intel_pasid_tear_down_absent(
  this: Kernel,
  dev: Device,
  pasid: number,
  pte: PasidPte,
  { fpd }: PasidTags,
): Flow<void> {
  const { iommu } = infoOf(dev);
  if (!fpd) {
    // The kernel warns here if word 0 is not zero.
    yield iommu.lock.release();
    return;
  }
  yield* this.pasid_clear_entry(pte);
  yield iommu.lock.release();
  yield* this.pasid_flush_caches(iommu, pte);
  yield* this.intel_drain_pasid_prq(dev, pasid);
}

const SVA_ON_UNIT = { ...sva.ON_UNIT, intel_pasid_setup_first_level: setupFirstLevel } as const;

/** Binds on a VT-d unit, with a version of the tear-down. */
export const VTD_A: Patch = { replace: { ...SVA_ON_UNIT, intel_pasid_tear_down_entry: tearDownA } };
export const VTD_B: Patch = { replace: { ...SVA_ON_UNIT, intel_pasid_tear_down_entry: tearDownB } };
export const VTD_C: Patch = { replace: { ...SVA_ON_UNIT, intel_pasid_tear_down_entry: tearDownC } };
