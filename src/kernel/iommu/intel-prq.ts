/**
 * Page requests of a unit (drivers/iommu/intel/prq.c): the interrupt thread that empties the ring, answers, and the drain.
 *
 * Left out: addresses that are not canonical, requests with bits that are reserved, devices that are gone.
 */
import { ATOMIC, type Flow, until } from '../../base/index.ts';
import { INV_WAIT_DSC, isStopMarker, P_IOTLB_INV_DSC, PAGE_GRP_RESP_DSC } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Device } from '../objects.ts';
import { descriptor, FLPT_DEFAULT_DID, type IntelIommu, type IopfFault, infoOf } from './intel-iommu.ts';
import { devTlbInvalidation, QI_OPT_WAIT_DRAIN } from './intel-qi.ts';

/** The thread of the unit's interrupt, for ever: a daemon. */
export function* prq_interrupts(this: Kernel, iommu: IntelIommu): Flow<void> {
  for (;;) {
    yield until(this.world, 'a page request is pending', () => iommu.prq.PPR.peek() === 1);
    yield* this.prq_event_thread(iommu);
  }
}

/**
 * One pass. Order: PPR is cleared before the tail is read, and the head written when all up to that tail are reported.
 * linux v6.12 drivers/iommu/intel/prq.c: prq_event_thread
 */
export function* prq_event_thread(this: Kernel, iommu: IntelIommu): Flow<void> {
  const { prq } = iommu;
  yield;
  prq.PPR.store(0);
  yield;
  const tail = prq.PQT.load();
  yield;
  for (let head = prq.PQH.load(); head !== tail; head = prq.next(head)) {
    yield;
    const request = prq.ring.load(head)!;
    const dev = this.devices.find((one) => infoOf(one).sid === request.rid)!;
    if (isStopMarker(request)) yield* this.prq_stop_marker(dev, request);
    else yield* this.iommu_report_device_fault(dev, request);
  }
  yield;
  prq.PQH.store(tail);
  yield* this.prq_end_overflow(iommu, tail);
  yield;
  iommu.prq_complete.store(1);
}

/** Dropped: whoever stops a device drains before the number is free. */
export function* prq_stop_marker(this: Kernel, _dev: Device, _request: IopfFault): Flow<void> {}

/** Order: PRO is cleared only when the ring is empty (L39); groups whose last request was lost are given up. */
export function* prq_end_overflow(this: Kernel, { prq }: IntelIommu, head: number): Flow<void> {
  yield;
  if (prq.PRO.load() === 0) return;
  yield;
  if (prq.PQT.load() !== head) return;
  for (const dev of this.devices) yield* this.iopf_queue_discard_partial(dev);
  yield;
  prq.PRO.store(0);
}

/**
 * Waits until no request of the PASID is in the ring, partial list or workqueue, and answers have reached the device. Order: the device
 * has stopped, the entry is cleared and flushed. Context: may sleep. linux v6.16 drivers/iommu/intel/prq.c: intel_iommu_drain_pasid_prq
 */
export function* intel_drain_pasid_prq(this: Kernel, dev: Device, pasid: number): Flow<void> {
  this.might_sleep('intel_drain_pasid_prq');
  const { iommu, iopf_refcount } = infoOf(dev);
  yield;
  if (iopf_refcount.load() === 0) return;
  yield* this.prq_wait_for_ring(dev, pasid);
  yield* this.iopf_queue_flush_dev(dev);
  const flush = { TYPE: 6, G: 2, DID: FLPT_DEFAULT_DID, PASID: pasid };
  const descriptors = [
    descriptor(INV_WAIT_DSC, { TYPE: 5, FN: 1 }),
    descriptor(P_IOTLB_INV_DSC, flush),
    devTlbInvalidation(dev, pasid),
  ];
  for (;;) {
    yield;
    iommu.prq_complete.store(0);
    yield* this.qi_submit_sync(iommu, descriptors, QI_OPT_WAIT_DRAIN);
    yield;
    if (iommu.prq.PRO.load() === 0) break;
    yield* this.wait_for_prq_complete(iommu);
  }
  yield ATOMIC;
  this.observe_drained(dev, pasid);
}

/** The label prq_retry: looks through the ring until it has none of the PASID. */
export function* prq_wait_for_ring(this: Kernel, dev: Device, pasid: number): Flow<void> {
  const { iommu, sid } = infoOf(dev);
  const { prq } = iommu;
  for (;;) {
    yield;
    iommu.prq_complete.store(0);
    yield;
    const tail = prq.PQT.load();
    yield;
    let head = prq.PQH.load();
    for (; head !== tail; head = prq.next(head)) {
      yield;
      const request = prq.ring.load(head)!;
      if (request.rid === sid && request.pasid === pasid) break;
    }
    if (head === tail) return;
    yield* this.wait_for_prq_complete(iommu);
  }
}

/** wait_for_completion(&iommu->prq_complete). Context: may sleep. */
export function* wait_for_prq_complete(this: Kernel, { prq_complete }: IntelIommu): Flow<void> {
  yield until(this.world, 'the ring was looked through', () => prq_complete.peek() > 0);
  yield;
  prq_complete.store(0);
}

/** Code 0: success; 1: invalid. linux v6.12 drivers/iommu/intel/prq.c: intel_iommu_page_response */
export function* intel_iommu_page_response(this: Kernel, dev: Device, fault: IopfFault, code: number): Flow<void> {
  const { pasid: PASID, prg_index: PRGI, rid: RID } = fault;
  const { iommu } = infoOf(dev);
  const answer = descriptor(PAGE_GRP_RESP_DSC, { TYPE: 9, PP: 1, RC: code, RID, PASID, LPIG: 1, PRGI });
  yield* this.qi_submit_sync(iommu, [answer]);
}
