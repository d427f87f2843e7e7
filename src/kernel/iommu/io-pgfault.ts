/**
 * The I/O page fault framework (drivers/iommu/io-pgfault.c, iommu-sva.c): faults become groups, and groups work of a workqueue. The domain is
 * looked up when a fault is reported; whose pages are asked for is decided there.
 *
 * Left out: several workers, VMAs and their rights, responses that time out.
 */
import { ATOMIC, type Flow, LOCKED, until } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Device, SvaDomain } from '../objects.ts';
import { type IntelIommu, type IopfFault, type IopfGroup, infoOf } from './intel-iommu.ts';

const IOMMU_PAGE_RESP_SUCCESS = 0;
const IOMMU_PAGE_RESP_INVALID = 1;

/** Faults of the device are handled. linux v6.16 drivers/iommu/intel/iommu.h: iopf_for_domain_set */
export function* iopf_for_domain_set(this: Kernel, dev: Device): Flow<void> {
  yield LOCKED;
  infoOf(dev).iopf_refcount.add(1);
}

/** linux v6.16 drivers/iommu/intel/iommu.h: iopf_for_domain_remove */
export function* iopf_for_domain_remove(this: Kernel, dev: Device): Flow<void> {
  yield LOCKED;
  infoOf(dev).iopf_refcount.add(-1);
}

/** Order: the domain is that of (device, PASID) now. linux v6.12 drivers/iommu/io-pgfault.c: iommu_report_device_fault */
export function* iommu_report_device_fault(this: Kernel, dev: Device, fault: IopfFault): Flow<void> {
  const { iommu, partial, pasid_array } = infoOf(dev);
  if (!fault.lpig) {
    yield ATOMIC;
    partial.store([...partial.load(), fault]);
    return;
  }
  yield;
  const domain = pasid_array.load(fault.pasid - this.pasids.first);
  // Those before it: by group index alone.
  yield ATOMIC;
  const earlier = partial.load().filter(({ prg_index }) => prg_index === fault.prg_index);
  if (earlier.length > 0) partial.store(partial.load().filter((one) => !earlier.includes(one)));
  if (domain === null) {
    yield* this.intel_iommu_page_response(dev, fault, IOMMU_PAGE_RESP_INVALID);
    return;
  }
  yield* this.queue_iopf_work(iommu, { dev, domain, faults: [...earlier, fault] });
}

/** linux v6.12 drivers/iommu/io-pgfault.c: iopf_queue_discard_partial */
export function* iopf_queue_discard_partial(this: Kernel, dev: Device): Flow<void> {
  yield;
  infoOf(dev).partial.store([]);
}

/** queue_work */
export function* queue_iopf_work(this: Kernel, { iopf_work }: IntelIommu, group: IopfGroup): Flow<void> {
  yield ATOMIC;
  iopf_work.store([...iopf_work.load(), group]);
}

/** The worker, for ever: a daemon. A group stays in the list until it is done with. */
export function* iopf_worker(this: Kernel, { iopf_work }: IntelIommu): Flow<void> {
  for (;;) {
    yield until(this.world, 'there is a group of faults', () => iopf_work.peek().length > 0);
    yield;
    const [group] = iopf_work.load() as readonly [IopfGroup];
    yield* this.iommu_sva_handle_iopf(group);
    yield ATOMIC;
    iopf_work.store(iopf_work.load().slice(1));
  }
}

/** Order: the group is answered last. linux v6.12 drivers/iommu/iommu-sva.c: iommu_sva_handle_iopf */
export function* iommu_sva_handle_iopf(this: Kernel, { dev, domain, faults }: IopfGroup): Flow<void> {
  let code = IOMMU_PAGE_RESP_SUCCESS;
  for (const fault of faults) {
    const isHandled = yield* this.iommu_sva_handle_mm(domain, fault);
    if (!isHandled) code = IOMMU_PAGE_RESP_INVALID;
  }
  yield* this.intel_iommu_page_response(dev, faults.at(-1)!, code);
}

/** Context: may sleep. linux v6.12 drivers/iommu/iommu-sva.c: iommu_sva_handle_mm */
export function* iommu_sva_handle_mm(this: Kernel, { dmar, mm }: SvaDomain, fault: IopfFault): Flow<boolean> {
  yield;
  dmar!.life.load();
  const isAlive = yield* this.mmget_not_zero(mm);
  if (!isAlive) return false;
  yield ATOMIC;
  this.observe_handled(fault, mm);
  mm.pages.store(fault.page);
  yield* this.mmput(mm);
  return true;
}

/** flush_workqueue: until the groups that there are (and, here, those that come meanwhile) are done with. Context: may sleep. */
export function* iopf_queue_flush_dev(this: Kernel, dev: Device): Flow<void> {
  const { iommu } = infoOf(dev);
  yield until(this.world, 'the iopf workqueue is empty', () => iommu.iopf_work.peek().length === 0);
}
