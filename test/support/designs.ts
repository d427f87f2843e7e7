/** The designs as straight-line twins, for tests of lower layers: those may import test/, not src/designs. */
import { TABLE_RECLAIM, TABLE_RECLAIM_REPAIRED } from '../../src/designs/table-reclaim/index.straight.ts';
import type { TableReclaim } from '../../src/kernel/iommu/table-reclaim.straight.ts';

export const DESIGNS: readonly TableReclaim[] = [...TABLE_RECLAIM, ...TABLE_RECLAIM_REPAIRED];

export function designNamed(name: string): TableReclaim {
  const found = DESIGNS.find((design) => design.name === name);
  if (found === undefined) throw new Error(`no design ${name}`);
  return found;
}
