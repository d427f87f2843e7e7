/**
 * What the rest of the kernel relies on of a PASID table entry: after set-up the device reaches the mm under the PASID; when tear-down
 * returns, it does not, and nothing that it did before is under way. That tear-down keeps this promise, step by step and with
 * every cache, is checked on the VT-d unit itself (iommu/intel-pasid.ts, intel-tear-down.ts); here it is one store.
 */
import { ATOMIC, type Flow } from '../../base/index.ts';
import type { Work } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import { type Device, IOMMU_PASID_INVALID, type Mm, type Submitter } from '../objects.ts';

/** Context: iommu_sva_lock (to 5.17 pasid_mutex). linux v6.8 drivers/iommu/intel/pasid.c: intel_pasid_setup_first_level */
export function* intel_pasid_setup_first_level(this: Kernel, dev: Device, pasid: number, mm: Mm): Flow<void> {
  yield ATOMIC;
  this.observe_entry(dev, pasid, mm);
  dev.entries.store(pasid - this.pasids.first, mm);
}

/** Context: as set-up, or `.release` with `fault_ignore`. linux v6.8 drivers/iommu/intel/pasid.c: intel_pasid_tear_down_entry */
export function* intel_pasid_tear_down_entry(
  this: Kernel,
  dev: Device,
  pasid: number,
  _fault_ignore: boolean,
): Flow<void> {
  // intel_pasid_get_entry finds none: WARN_ON, and nothing is torn down.
  if (pasid === IOMMU_PASID_INVALID) return;
  yield;
  if (dev.entries.load(pasid - this.pasids.first) === null) return;
  yield;
  dev.entries.store(pasid - this.pasids.first, null);
}

/** A descriptor's work: translated by the entry of its PASID, and done, in one step. Context: within an atomic step. */
export function dmaThroughEntry(kernel: Kernel, dev: Device, work: Work<Submitter>): void {
  const mm = dev.entries.load(work.pasid - kernel.pasids.first);
  kernel.observe_dma(dev, work, mm);
  if (mm !== null) mm.pages.store(work.page);
}
