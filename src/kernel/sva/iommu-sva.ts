/**
 * Bind and unbind (drivers/iommu/iommu-sva.c, 6.8 to 6.19): one PASID an mm, allocated at the first bind, never changed, freed with the
 * mm_struct. A domain is the mm's page table as an IOMMU sees it, and holds the mm_struct through its notifier; a handle is a
 * (mm, device) pair that is bound, however often.
 *
 * Left out: several kinds of IOMMU (each mm has at most one domain here), I/O page faults (iommu/), iommu_sva_mms.
 */
import { type Flow, LOCKED } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import { type Device, IOMMU_PASID_INVALID, type Mm, type SvaDomain, type SvaHandle } from '../objects.ts';
import { InvariantBroken } from '../observer.ts';
import { ENOSPC } from './pasids.ts';

export const EOVERFLOW = -75;
export const EBUSY = -16;

export interface Bound {
  readonly handle: SvaHandle;
  readonly pasid: number;
}

/** Context: may sleep; takes iommu_sva_lock. linux v6.8 drivers/iommu/iommu-sva.c: iommu_sva_bind_device */
export function* iommu_sva_bind_device(this: Kernel, dev: Device, mm: Mm): Flow<Bound | number> {
  this.might_sleep('iommu_sva_bind_device');
  yield this.iommu_sva_lock.acquire();
  const bound = yield* this.iommu_sva_bind_locked(dev, mm);
  yield this.iommu_sva_lock.release();
  return bound;
}

/** What iommu_sva_bind_device does under iommu_sva_lock. */
export function* iommu_sva_bind_locked(this: Kernel, dev: Device, mm: Mm): Flow<Bound | number> {
  const pasid = yield* this.iommu_alloc_mm_data(mm, dev);
  if (pasid < 0) return pasid;
  const known = yield* this.iommu_sva_find_handle(mm, dev);
  if (known !== null) {
    known.users++;
    return { handle: known, pasid };
  }
  let domain = mm.sva_domains[0];
  if (domain === undefined) domain = yield* this.iommu_sva_domain_alloc(dev, mm);
  const failed = yield* this.iommu_attach_device_pasid(domain, dev, pasid);
  if (failed !== 0) {
    if (domain.users === 0) yield* this.iommu_domain_free(domain);
    return failed;
  }
  if (domain.users++ === 0) mm.sva_domains.push(domain);
  const handle: SvaHandle = { mm, dev, domain, users: 1 };
  mm.sva_handles.push(handle);
  return { handle, pasid };
}

/** The mm's number: the one it has if it fits the device, or a new one. linux v6.8 drivers/iommu/iommu-sva.c: iommu_alloc_mm_data */
export function* iommu_alloc_mm_data(this: Kernel, mm: Mm, dev: Device): Flow<number> {
  yield;
  const pasid = mm.pasid.load();
  if (pasid !== IOMMU_PASID_INVALID) return pasid >= dev.max_pasids ? EOVERFLOW : pasid;
  const given = yield* this.iommu_alloc_global_pasid(mm, dev);
  if (given < 0) return ENOSPC;
  yield* this.mm_pasid_set(mm, given);
  return given;
}

/** Order: store-release. linux v6.6 drivers/iommu/iommu-sva.c: mm_pasid_set */
export function* mm_pasid_set(this: Kernel, mm: Mm, pasid: number): Flow<void> {
  yield;
  mm.pasid.store(pasid);
  yield* this.publish_pasid(mm, pasid);
}

/** mm->pasid has changed: what brings it into IA32_PASID of the mm's threads, where they do not come for it themselves. */
export function* publish_pasid(this: Kernel, _mm: Mm, _pasid: number): Flow<void> {}

/** linux v6.8 drivers/iommu/iommu.c: iommu_alloc_global_pasid */
export function* iommu_alloc_global_pasid(
  this: Kernel,
  mm: Mm,
  { max_pasids }: Pick<Device, 'max_pasids'>,
): Flow<number> {
  return yield* this.pasids.alloc(mm, max_pasids - 1, (pasid, former) => this.observe_given(pasid, mm, former));
}

/** linux v6.8 drivers/iommu/iommu.c: iommu_free_global_pasid */
export function* iommu_free_global_pasid(this: Kernel, pasid: number): Flow<void> {
  yield* this.pasids.free(pasid);
}

/** The handle of a (mm, device) that is bound already. Lost in 092edaddb660, brought back in 6.8. Context: iommu_sva_lock. */
export function* iommu_sva_find_handle(this: Kernel, mm: Mm, dev: Device): Flow<SvaHandle | null> {
  return mm.sva_handles.find((handle) => handle.dev === dev) ?? null;
}

/** A domain, registered for the mm's end. linux v6.8 drivers/iommu/intel/svm.c: intel_svm_domain_alloc */
export function* iommu_sva_domain_alloc(this: Kernel, _dev: Device, mm: Mm): Flow<SvaDomain> {
  const devices: Device[] = [];
  const subscription = { mm, release: () => this.intel_mm_release(mm, devices) };
  yield* this.mmu_notifier_register(subscription);
  return { mm, users: 0, subscription, devices };
}

/** Order: the reference of the mm_struct goes last. linux v6.8 drivers/iommu/intel/svm.c: intel_svm_domain_free */
export function* iommu_domain_free(this: Kernel, domain: SvaDomain): Flow<void> {
  yield* this.mmu_notifier_put(domain.subscription);
}

/** -EBUSY when the device's PASID is attached already. linux v6.8 drivers/iommu/iommu.c: iommu_attach_device_pasid */
export function* iommu_attach_device_pasid(this: Kernel, domain: SvaDomain, dev: Device, pasid: number): Flow<number> {
  if (domain.devices.includes(dev)) return EBUSY;
  domain.devices.push(dev);
  yield* this.intel_pasid_setup_first_level(dev, pasid, domain.mm);
  return 0;
}

/** linux v6.8 drivers/iommu/iommu.c: iommu_detach_device_pasid */
export function* iommu_detach_device_pasid(this: Kernel, domain: SvaDomain, dev: Device, pasid: number): Flow<void> {
  domain.devices.splice(domain.devices.indexOf(dev), 1);
  yield* this.intel_pasid_tear_down_entry(dev, pasid, false);
}

/** Context: may sleep; takes iommu_sva_lock. linux v6.8 drivers/iommu/iommu-sva.c: iommu_sva_unbind_device */
export function* iommu_sva_unbind_device(this: Kernel, handle: SvaHandle): Flow<void> {
  this.might_sleep('iommu_sva_unbind_device');
  yield this.iommu_sva_lock.acquire();
  yield* this.iommu_sva_unbind_locked(handle);
  yield this.iommu_sva_lock.release();
}

/** What iommu_sva_unbind_device does under iommu_sva_lock. */
export function* iommu_sva_unbind_locked(this: Kernel, handle: SvaHandle): Flow<void> {
  const { dev, domain, mm } = handle;
  if (handle.users === 0)
    throw new InvariantBroken(`INV-8: the handle of ${mm.name} and ${dev.name} is unbound after it was freed`);
  if (--handle.users > 0) return;
  mm.sva_handles = mm.sva_handles.filter((own) => own !== handle);
  yield;
  const pasid = mm.pasid.load();
  yield* this.iommu_detach_device_pasid(domain, dev, pasid);
  if (--domain.users > 0) return;
  mm.sva_domains = mm.sva_domains.filter((own) => own !== domain);
  yield* this.iommu_domain_free(domain);
}

/**
 * `.release` of a domain: the entries of all its devices go, with their faults disabled, and nothing is drained.
 * Context: SRCU section; may not sleep. linux v6.8 drivers/iommu/intel/svm.c: intel_mm_release
 */
export function* intel_mm_release(this: Kernel, mm: Mm, devices: readonly Device[]): Flow<void> {
  yield LOCKED;
  const pasid = mm.pasid.load();
  for (const dev of [...devices]) yield* this.intel_pasid_tear_down_entry(dev, pasid, true);
}
