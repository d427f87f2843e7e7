/**
 * Binds on a VT-d unit: domains with their lock (drivers/iommu/intel/svm.c), attach and detach of a PASID (drivers/iommu/iommu.c, and
 * intel/iommu.c from 6.13 on), in place of sva/iommu-sva.ts's.
 *
 * Left out: group->mutex (iommu_sva_lock is held by all callers), cache tags.
 */
import { Cell, type Flow, LOCKED, SpinLock } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Device, Mm, SvaDomain } from '../objects.ts';
import { EBUSY } from '../sva/iommu-sva.ts';
import { infoOf } from './intel-iommu.ts';

/** `.release` holds domain->lock throughout: it does not sleep. linux v6.12 drivers/iommu/intel/svm.c: intel_svm_domain_alloc */
function* iommu_sva_domain_alloc(this: Kernel, _dev: Device, mm: Mm): Flow<SvaDomain> {
  const devices: Device[] = [];
  const lock = new SpinLock(this.world, `${mm.name}'s domain->lock`);
  const life = new Cell(this.world, `${mm.name}'s domain`, 0, { freeable: true });
  const subscription = { mm, release: () => releaseLocked(this, lock, mm, devices) };
  yield* this.mmu_notifier_register(subscription);
  return { mm, users: 0, subscription, devices, dmar: { lock, life } };
}

function* releaseLocked(kernel: Kernel, lock: SpinLock, mm: Mm, devices: readonly Device[]): Flow<void> {
  yield lock.acquire();
  yield* kernel.intel_mm_release(mm, devices);
  yield lock.release();
}

/** linux v6.12 drivers/iommu/intel/svm.c: intel_svm_domain_free, intel_mm_free_notifier */
function* iommu_domain_free(this: Kernel, domain: SvaDomain): Flow<void> {
  yield LOCKED;
  domain.dmar!.life.free();
  yield* this.mmu_notifier_put(domain.subscription);
}

/**
 * Order: the domain's list, faults, the entry; faults find the domain last. Context: may sleep.
 * linux v6.13 drivers/iommu/iommu.c: iommu_attach_device_pasid; intel/svm.c: intel_svm_set_dev_pasid
 */
function* iommu_attach_device_pasid(this: Kernel, domain: SvaDomain, dev: Device, pasid: number): Flow<number> {
  const { pasid_array } = infoOf(dev);
  const { lock } = domain.dmar!;
  yield lock.acquire();
  const isAttached = domain.devices.includes(dev);
  if (!isAttached) domain.devices.push(dev);
  yield lock.release();
  if (isAttached) return EBUSY;
  yield* this.iopf_for_domain_set(dev);
  yield* this.intel_pasid_setup_first_level(dev, pasid, domain.mm);
  yield;
  pasid_array.store(pasid - this.pasids.first, domain);
  return 0;
}

/**
 * Order: the entry with its faults first, then the means to handle them (L14), then the list; faults find the domain until then. Context: may
 * sleep. linux v6.16 drivers/iommu/iommu.c: iommu_detach_device_pasid; intel/iommu.c: blocking_domain_set_dev_pasid
 */
function* iommu_detach_device_pasid(this: Kernel, domain: SvaDomain, dev: Device, pasid: number): Flow<void> {
  const { pasid_array } = infoOf(dev);
  const { lock } = domain.dmar!;
  yield* this.intel_pasid_tear_down_entry(dev, pasid, false);
  yield* this.iopf_for_domain_remove(dev);
  yield lock.acquire();
  domain.devices.splice(domain.devices.indexOf(dev), 1);
  yield lock.release();
  yield;
  pasid_array.store(pasid - this.pasids.first, null);
}

/** Pages and tables: a walk that is still under way uses freed memory. linux v6.6 mm/memory.c: free_pgtables */
function* free_pgtables(this: Kernel, mm: Mm): Flow<void> {
  yield LOCKED;
  mm.pages.free();
  for (const table of mm.tables) {
    yield LOCKED;
    infoOf(this.devices[0]!).iommu.ram.freeFrame(table);
  }
}

export const ON_UNIT = {
  iommu_sva_domain_alloc,
  iommu_domain_free,
  iommu_attach_device_pasid,
  iommu_detach_device_pasid,
  free_pgtables,
} as const;
