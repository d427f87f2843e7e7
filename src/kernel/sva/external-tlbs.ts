/**
 * A driver that lets devices walk an mm's tables (`ExternalWalker`): what it does when a notifier calls. In 6.6 it hears of flushes of the CPU's TLBs
 * and of nothing else; the designs of external-tlb/ have it listen to other calls.
 */
import { ATOMIC, type Flow } from '../../base/index.ts';
import type { ExternalDevice, ExternalWalker } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { RangeOps } from '../mm/secondary-tlbs.ts';

/** An mm as devices reach it. */
export interface ExternalBind {
  readonly walker: ExternalWalker;
  readonly devices: readonly ExternalDevice[];
  /** PASID. */
  readonly space: number;
  /** Frame of the top table, for who takes it away for a while, and of one without entries. */
  readonly root?: number;
  readonly empty?: number;
}

/** What the driver registers. linux v6.10 drivers/iommu/intel/svm.c: intel_mmuops */
export function sva_notifier_ops(this: Kernel, bind: ExternalBind): RangeOps {
  return {
    arch_invalidate_secondary_tlbs: (start, end) => this.sva_flush_range(bind, start, end),
    release: () => this.sva_mm_release(bind),
  };
}

/** Nobody walks when it returns. Context: may not sleep. linux v6.10 drivers/iommu/intel/svm.c: intel_mm_release */
export function* sva_mm_release(this: Kernel, bind: ExternalBind): Flow<void> {
  yield;
  bind.walker.roots.store(bind.space, 0);
  yield* this.sva_flush_range(bind, 0, Number.POSITIVE_INFINITY);
}

/**
 * Order: the IOTLB before the devices' TLBs, which would be filled from it. Returns when all have dropped the range, pointers to tables too.
 * linux v6.10 drivers/iommu/intel/cache.c: cache_tag_flush_range with ih = 0
 */
export function* sva_flush_range(this: Kernel, bind: ExternalBind, start: number, end: number): Flow<void> {
  yield* this.sva_flush_iotlb(bind, start, end);
  yield* this.sva_flush_device_tlbs(bind, start, end);
}

/** Pointers to tables too. linux v6.10 drivers/iommu/intel/dmar.c: qi_flush_piotlb with ih = 0 */
export function* sva_flush_iotlb(
  this: Kernel,
  { space, walker }: ExternalBind,
  start: number,
  end: number,
): Flow<void> {
  yield ATOMIC;
  walker.invalidate(space, start, end);
}

/** linux v6.10 drivers/iommu/intel/dmar.c: qi_flush_dev_iotlb_pasid */
export function* sva_flush_device_tlbs(
  this: Kernel,
  { devices, space }: ExternalBind,
  start: number,
  end: number,
): Flow<void> {
  for (const device of devices) {
    yield ATOMIC;
    device.invalidate(space, start, end);
  }
}

/** What the unit does of itself: nothing where each flush is waited for in the step in which it is executed. A design that only submits has it work. */
export function* sva_unit(this: Kernel): Flow<void> {}
