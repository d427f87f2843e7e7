/** The designs that the threads argue about, by family. The door of the layer: straight-line twins, for running. */

import type { KernelDesign } from './design.ts';
import { freeInMmput } from './pasid-lifetime/free-in-mmput.ts';

export type { TableReclaim } from '../kernel/iommu/table-reclaim.straight.ts';
export type { KernelDesign } from './design.ts';
export { TABLE_RECLAIM, tableReclaim } from './table-reclaim/index.straight.ts';

export { freeInMmput };

/** The designs of the PASID families, in the order in which the threads came to them. */
export const DESIGNS: readonly KernelDesign[] = [freeInMmput];
