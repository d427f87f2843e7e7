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
  /** Frame of the top table, for who takes it away for a while. */
  readonly root?: number;
}

/** What the driver registers. linux v6.10 drivers/iommu/intel/svm.c: intel_mmuops */
export function sva_notifier_ops(this: Kernel, bind: ExternalBind): RangeOps {
  return { arch_invalidate_secondary_tlbs: (start, end) => this.sva_flush_range(bind, start, end) };
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
