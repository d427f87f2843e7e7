/**
 * Address spaces that devices walk, as the flush of kernel addresses needs to know them (drivers/iommu/iommu-sva.c, 6.19): bind puts them on a list, unbind takes
 * them off it, and the flush goes through it.
 *
 * Left out: PASIDs, handles and domains (iommu-sva.ts has them). The root of a space is its PASID entry.
 */
import type { Flow } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import type { InitMm } from '../mm/kernel-tables.ts';
import type { NotifiedMm } from '../mm/secondary-tlbs.ts';
import type { ExternalBind } from './external-tlbs.ts';

/**
 * Order: the mm is attached, then put on the list, under one lock: a flush of kernel addresses comes before both or after both.
 * linux v6.19 drivers/iommu/iommu-sva.c: iommu_sva_bind_device
 */
export function* iommu_sva_bind_mm(this: Kernel, init: InitMm, mm: NotifiedMm, bind: ExternalBind): Flow<void> {
  this.might_sleep('iommu_sva_bind_device');
  yield this.iommu_sva_lock.acquire();
  yield* this.iommu_sva_attach(mm, bind);
  yield* this.iommu_sva_mms_add(init, mm);
  yield this.iommu_sva_lock.release();
}

/** Order: detached and flushed, then off the list. linux v6.19 drivers/iommu/iommu-sva.c: iommu_sva_unbind_device */
export function* iommu_sva_unbind_mm(this: Kernel, init: InitMm, mm: NotifiedMm, bind: ExternalBind): Flow<void> {
  this.might_sleep('iommu_sva_unbind_device');
  yield this.iommu_sva_lock.acquire();
  yield* this.iommu_sva_detach(mm, bind);
  yield* this.iommu_sva_mms_del(init, mm);
  yield this.iommu_sva_lock.release();
}

/** Context: iommu_sva_lock, which is the list's too. */
export function* iommu_sva_mms_add(this: Kernel, init: InitMm, mm: NotifiedMm): Flow<void> {
  init.iommu_sva_mms = [...init.iommu_sva_mms, mm];
}

/** Context: iommu_sva_lock. */
export function* iommu_sva_mms_del(this: Kernel, init: InitMm, mm: NotifiedMm): Flow<void> {
  init.iommu_sva_mms = init.iommu_sva_mms.filter((own) => own !== mm);
}

/** From here on devices may walk. linux v6.19 drivers/iommu/intel/svm.c: intel_svm_set_dev_pasid */
export function* iommu_sva_attach(this: Kernel, { tables }: NotifiedMm, { space, walker }: ExternalBind): Flow<void> {
  yield;
  walker.roots.store(space, tables.pgd);
}

/** Nobody walks when it returns, and nothing is cached. linux v6.19 drivers/iommu/intel/pasid.c: intel_pasid_tear_down_entry */
export function* iommu_sva_detach(this: Kernel, _mm: NotifiedMm, bind: ExternalBind): Flow<void> {
  yield;
  bind.walker.roots.store(bind.space, 0);
  yield* this.sva_flush_range(bind, 0, Number.POSITIVE_INFINITY);
}

/** What guards the list for who goes through it: the mutex. Context: may sleep. linux v6.19 drivers/iommu/iommu-sva.c: iommu_sva_lock */
export function* iommu_sva_mms_lock(this: Kernel, _init: InitMm): Flow<void> {
  this.might_sleep('mutex_lock of iommu_sva_lock');
  yield this.iommu_sva_lock.acquire();
}

export function* iommu_sva_mms_unlock(this: Kernel, _init: InitMm): Flow<void> {
  yield this.iommu_sva_lock.release();
}

/**
 * Flushes kernel addresses from the TLBs of all that devices walk, pointers to tables too, and waits for it.
 * Context: may sleep. linux v6.19 drivers/iommu/iommu-sva.c: iommu_sva_invalidate_kva_range
 */
export function* iommu_sva_invalidate_kva_range(this: Kernel, init: InitMm, start: number, end: number): Flow<void> {
  yield* this.iommu_sva_mms_lock(init);
  for (const mm of init.iommu_sva_mms) yield* this.mmu_notifier_arch_invalidate_secondary_tlbs(mm, start, end);
  yield* this.iommu_sva_mms_unlock(init);
}
