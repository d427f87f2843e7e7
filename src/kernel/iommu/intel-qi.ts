/**
 * Queued invalidation (drivers/iommu/intel/dmar.c), and the invalidations that a PASID entry's end needs (drivers/iommu/intel/pasid.c). Each
 * is a submission of its own, and has ended when its function returns.
 *
 * Left out: slots that become free again, for which q_lock is taken once more, and waiting for one (there are 128), errors of the queue,
 * devices that do not answer.
 */
import { highHalf, lowHalf } from '../../base/halves.ts';
import { ATOMIC, type Flow, LOCKED, until } from '../../base/index.ts';
import { INV_WAIT_DSC, IOTLB_INV_DSC, P_DEV_TLB_INV_DSC, P_IOTLB_INV_DSC, PC_INV_DSC } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Device } from '../objects.ts';
import { type Descriptor, descriptor, type IntelIommu, infoOf, type QInval } from './intel-iommu.ts';

const QI_IN_USE = 1;
const QI_DONE = 2;
/** The closing wait drains page requests too. */
export const QI_OPT_WAIT_DRAIN = 1;
/** All 64 bits of an address but the lowest 12, and S: everything. */
const EVERYTHING = 2n ** 51n - 1n;

/**
 * Order: descriptors are in memory before the tail is written. Context: does not sleep; q_lock is held while descriptors are written, and
 * between polls it is not. linux v6.12 drivers/iommu/intel/dmar.c: qi_submit_sync
 */
export function* qi_submit_sync(
  this: Kernel,
  iommu: IntelIommu,
  descriptors: readonly Descriptor[],
  options = 0,
): Flow<void> {
  const { q_lock, qi, ram, unit } = iommu;
  yield q_lock.acquire();
  const first = qi.free_head;
  const wait_index = (first + descriptors.length) % qi.slots;
  // Slots that only this submission has, until the tail is written.
  yield ATOMIC;
  for (const [nth, one] of descriptors.entries()) put(iommu, (first + nth) % qi.slots, one);
  put(iommu, wait_index, waitFor(qi, wait_index, options));
  setStatus(iommu, wait_index, QI_IN_USE);
  qi.free_head = (wait_index + 1) % qi.slots;
  yield LOCKED;
  unit.queue.setTail(32 * qi.free_head);
  yield q_lock.release();
  yield until(
    this.world,
    'the invalidation is done',
    () => statusIn(iommu, wait_index, ram.peekLo, ram.peekHi) === QI_DONE,
  );
}

function put({ qi, ram }: IntelIommu, slot: number, [low, high]: Descriptor): void {
  for (const [word, raw] of [low, high, 0n, 0n].entries()) {
    ram.store(qi.frame, 4 * slot + word, lowHalf(raw), highHalf(raw));
  }
}

function waitFor(qi: QInval, slot: number, options: number): Descriptor {
  return descriptor(INV_WAIT_DSC, {
    TYPE: 5,
    SW: 1,
    PD: options & QI_OPT_WAIT_DRAIN,
    STATUS_DATA: QI_DONE,
    STATUS_ADDR: qi.status * 1024 + slot,
  });
}

type Half = (pfn: number, index: number) => number;

function statusIn({ qi, ram }: IntelIommu, slot: number, lo: Half, hi: Half): number {
  return (slot % 2 === 0 ? lo : hi).call(ram, qi.status, slot >> 1);
}

function setStatus({ qi, ram }: IntelIommu, slot: number, status: number): void {
  const [lo, hi] = slot % 2 === 0 ? [status, 0] : [0, status];
  ram.store(qi.status, slot >> 1, lo, hi);
}

/** Context: does not sleep. linux v6.12 drivers/iommu/intel/pasid.c: pasid_cache_invalidation_with_pasid */
export function* pasid_cache_invalidation_with_pasid(
  this: Kernel,
  iommu: IntelIommu,
  did: number,
  pasid: number,
): Flow<void> {
  yield* this.qi_submit_sync(iommu, [descriptor(PC_INV_DSC, { TYPE: 7, G: 1, DID: did, PASID: pasid })]);
}

/** All of a PASID. Context: does not sleep. linux v6.12 drivers/iommu/intel/dmar.c: qi_flush_piotlb */
export function* qi_flush_piotlb(this: Kernel, iommu: IntelIommu, did: number, pasid: number): Flow<void> {
  yield* this.qi_submit_sync(iommu, [descriptor(P_IOTLB_INV_DSC, { TYPE: 6, G: 2, DID: did, PASID: pasid })]);
}

/** All of a domain. Context: does not sleep. linux v6.12 drivers/iommu/intel/dmar.c: qi_flush_iotlb */
export function* qi_flush_iotlb(this: Kernel, iommu: IntelIommu, did: number): Flow<void> {
  yield* this.qi_submit_sync(iommu, [descriptor(IOTLB_INV_DSC, { TYPE: 2, G: 2, DW: 1, DR: 1, DID: did })]);
}

/** Context: does not sleep. linux v6.12 drivers/iommu/intel/pasid.c: devtlb_invalidation_with_pasid */
export function* devtlb_invalidation_with_pasid(this: Kernel, dev: Device, pasid: number): Flow<void> {
  const { ats_enabled, iommu } = infoOf(dev);
  if (ats_enabled) yield* this.qi_submit_sync(iommu, [devTlbInvalidation(dev, pasid)]);
}

export function devTlbInvalidation(dev: Device, pasid: number): Descriptor {
  return descriptor(P_DEV_TLB_INV_DSC, { TYPE: 8, SID: infoOf(dev).sid, PASID: pasid, S: 1, ADDR: EVERYTHING });
}
