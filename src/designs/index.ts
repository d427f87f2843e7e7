/** The designs that the threads argue about, by family. The door of the layer: straight-line twins, for running; flows, for checking. */
import type { KernelDesign } from './design.ts';
import { amdAfter, blockFaults } from './external-tlb/amd-iommu-v2.ts';
import { endOnly, flushHook, invalidateRange, startEnd } from './external-tlb/notified.ts';
import { yieldAsSketched, yieldCompleted } from './external-tlb/yielding.ts';
import { lazy, lazyFreeNow, strict } from './iotlb-flush/modes.ts';
import {
  deferredFree,
  deferredFreeDraft,
  flushByWork,
  noFlush,
  syncFlushV1,
  syncFlushV2,
} from './kernel-tables/flushed.ts';
import { hmmNoRetry, hmmRetry, mirrorRangeOnly } from './mirror/hmm.ts';
import { eagerIpiAsSketched, eagerIpiOrdered, eagerIpiRepaired } from './pasid-lifetime/eager-ipi.ts';
import { freeInMmdrop } from './pasid-lifetime/free-in-mmdrop.ts';
import { freeInMmput } from './pasid-lifetime/free-in-mmput.ts';
import { freeOnUnbind, freeOnUnbindSpring2021 } from './pasid-lifetime/free-on-unbind.ts';
import { refcountPerTask, refcountPerTaskRepaired } from './pasid-lifetime/refcount-per-task.ts';
import { staticAsSketched, staticRepaired } from './pasid-lifetime/static.ts';
import { updatePasid } from './pasid-lifetime/update-pasid.ts';
import { exactException } from './pasid-msr/exact-exception.ts';
import { gpFixup, gpFixupFlagFirst, gpFixupLate, gpFixupRepaired } from './pasid-msr/gp-fixup.ts';
import { ipiAllThreadsAsSketched, ipiAllThreadsOrdered, ipiAllThreadsRepaired } from './pasid-msr/ipi-all-threads.ts';
import { switchLoadAsSketched, switchLoadCompare, switchLoadRepaired } from './pasid-msr/switch-load.ts';
import { updatePasidMsr } from './pasid-msr/update-pasid.ts';
import { cpl3State, kernelPerThread, perMmRegister } from './pasid-msr/wishes.ts';

export type { TableReclaim } from '../kernel/iommu/table-reclaim.straight.ts';
export type { KernelDesign } from './design.ts';
export { INTEL_SVM } from './pasid-lifetime/intel-svm.ts';
export { reclaimDesign, STALE_CHECKS, TABLE_RECLAIM_FAMILY } from './table-reclaim/family.ts';
export { TABLE_RECLAIM, tableReclaim } from './table-reclaim/index.straight.ts';
export { TABLE_RECLAIM as TABLE_RECLAIM_FLOWS } from './table-reclaim/index.ts';
export {
  deferredFree,
  deferredFreeDraft,
  eagerIpiOrdered,
  eagerIpiRepaired,
  endOnly,
  flushByWork,
  flushHook,
  freeInMmdrop,
  freeInMmput,
  freeOnUnbind,
  gpFixup,
  gpFixupLate,
  gpFixupRepaired,
  hmmNoRetry,
  hmmRetry,
  invalidateRange,
  ipiAllThreadsOrdered,
  lazy,
  lazyFreeNow,
  noFlush,
  refcountPerTask,
  startEnd,
  switchLoadAsSketched,
  switchLoadRepaired,
  updatePasid,
  updatePasidMsr,
};

/** When a PASID is allocated and freed, in the order in which the thread and the kernel came to them. */
export const PASID_LIFETIME: readonly KernelDesign[] = [
  staticAsSketched,
  staticRepaired,
  updatePasid,
  freeOnUnbindSpring2021,
  freeOnUnbind,
  eagerIpiAsSketched,
  eagerIpiOrdered,
  eagerIpiRepaired,
  refcountPerTask,
  refcountPerTaskRepaired,
  freeInMmput,
  freeInMmdrop,
];

/** How the number comes into IA32_PASID. */
export const PASID_MSR: readonly KernelDesign[] = [
  ipiAllThreadsAsSketched,
  ipiAllThreadsOrdered,
  ipiAllThreadsRepaired,
  switchLoadAsSketched,
  switchLoadCompare,
  switchLoadRepaired,
  updatePasidMsr,
  gpFixupFlagFirst,
  gpFixup,
  gpFixupRepaired,
  gpFixupLate,
  exactException,
  perMmRegister,
  cpl3State,
  kernelPerThread,
];

/** When the TLBs of those that walk the CPU's tables are flushed. */
export const EXTERNAL_TLB: readonly KernelDesign[] = [
  startEnd,
  endOnly,
  blockFaults,
  invalidateRange,
  amdAfter,
  flushHook,
  yieldAsSketched,
  yieldCompleted,
];

/** When a table of the kernel's half is freed that IOMMUs may have cached a pointer to. */
export const KERNEL_TABLES: readonly KernelDesign[] = [
  noFlush,
  syncFlushV1,
  syncFlushV2,
  flushByWork,
  deferredFreeDraft,
  deferredFree,
];

/** When an unmap of the DMA API is flushed, and what waits for it. */
export const IOTLB_FLUSH: readonly KernelDesign[] = [strict, lazy, lazyFreeNow];

/** How a device with page tables of its own follows the CPU's. */
export const MIRROR: readonly KernelDesign[] = [hmmRetry, hmmNoRetry, mirrorRangeOnly];

export const DESIGNS: readonly KernelDesign[] = [
  ...PASID_LIFETIME,
  ...PASID_MSR,
  ...EXTERNAL_TLB,
  ...KERNEL_TABLES,
  ...IOTLB_FLUSH,
  ...MIRROR,
];
