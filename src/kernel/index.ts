/** Kernel models: the IOMMU core (straight-line twins, for running), and the kernel of shared virtual addressing (flows, for checking). */
export { createKernel, type KernelOptions } from './create.ts';
export { BASE } from './functions.ts';
export { INVARIANTS, type Invariant } from './invariants.ts';
export { DmaDomain, type DmaDomainOptions, takeTables } from './iommu/dma-iommu.ts';
export {
  createDomain,
  type DomainOptions,
  destroyDomain,
  flushQueueTimer,
  type IommuDomain,
  iommuIovaToPhys,
  iommuMap,
  iommuUnmap,
  settleDomain,
} from './iommu/domain.straight.ts';
export type { AtRest } from './iommu/domain-observer.ts';
export { type FlushQueue, FQ_SIZE, FQ_TIMEOUT_MS } from './iommu/flush-queue.straight.ts';
export { type TaggedDevice, TaggedDomain } from './iommu/intel-cache.ts';
export {
  createDeviceDomainInfo,
  createIntelIommu,
  type DeviceDomainInfo,
  FLPT_DEFAULT_DID,
  type IntelIommu,
  type IopfGroup,
  infoOf,
} from './iommu/intel-iommu.ts';
export { REPLACE_IN_PLACE } from './iommu/intel-replace.ts';
export { svm_pages, ULONG_MAX } from './iommu/intel-svm-flush.ts';
export { VTD_A, VTD_B, VTD_C } from './iommu/intel-tear-down.ts';
export { IovaDomain, type IovaDomainOptions, NO_IOVA } from './iommu/iova.ts';
export type { DomainOps, IovaPage, Mapping, PagingDomain } from './iommu/paging-domain.ts';
export { type TableReclaim, tableBytes } from './iommu/table-reclaim.straight.ts';
export { type Kernel, type KernelFunctions, type Patch, patched } from './kernel.ts';
export { EBUSY_RANGE, EFAULT, type HmmRange } from './mm/hmm.ts';
export { type IntervalNotifier, IntervalSubscriptions } from './mm/interval-notifier.ts';
export { INIT_MM, InitMm } from './mm/kernel-tables.ts';
export type { DevPagemap, MigrateVma } from './mm/migrate-device.ts';
export { callEach, type NotifiedMm, type RangeOps } from './mm/secondary-tlbs.ts';
export { isSwapEntry, peekSwapEntry, setSwapEntry, swapEntry } from './mm/swap-entries.ts';
export { type FrameUse, MmTables, PGD_LEVEL, type Vma } from './mm/tables.ts';
export { type Dmirror, dmirrorRange } from './mm/test-hmm.ts';
export {
  type Device,
  type DeviceFile,
  type Files,
  IOMMU_PASID_INVALID,
  Mm,
  Rq,
  type Submitter,
  type Subscription,
  type SvaDomain,
  type SvaHandle,
  Task,
} from './objects.ts';
export { InvariantBroken } from './observer.ts';
export { schedule } from './sched/switch.ts';
export { dmaThroughEntry } from './sva/entries.ts';
export type { ExternalBind } from './sva/external-tlbs.ts';
export { type Bound, EBUSY, EOVERFLOW } from './sva/iommu-sva.ts';
export { ENOSPC, IOMMU_FIRST_GLOBAL_PASID, PASID_MAX, PasidAllocator } from './sva/pasids.ts';
