/** Kernel models: the IOMMU core. The door of the layer: straight-line twins, for running. */
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
export { type FlushQueue, FQ_SIZE, FQ_TIMEOUT_MS } from './iommu/flush-queue.straight.ts';
export { type TableReclaim, tableBytes } from './iommu/table-reclaim.straight.ts';
