/** The designs that the threads argue about, by family. The door of the layer: straight-line twins, for running. */

export type { TableReclaim } from '../kernel/iommu/table-reclaim.straight.ts';
export type { KernelDesign } from './design.ts';
export { freeInMmput } from './pasid-lifetime/free-in-mmput.ts';
export { TABLE_RECLAIM, tableReclaim } from './table-reclaim/index.straight.ts';
