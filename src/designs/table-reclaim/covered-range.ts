/**
 * `covered-range`: an unmap frees a table only when its range covers the table's whole span. This is Linux, before and
 * after generic_pt (7c5b184db714, 6.19).
 *
 * Argument: no lock and no count are needed. The caller promises that nobody else touches the range, so a table inside
 * it is the caller's alone. An emptied table that no single unmap covered stays until a large page is mapped over it or
 * the domain dies, which is what the thread of Dec 2023 complains about.
 *
 * Steps: docs/designs.md, covered-range, for both semantics.
 */
// @straight

import { mapPages } from '../../hw/pt/map.ts';
import type { ReclaimHooks } from '../../hw/pt/page-table.ts';
import { iovaToPhys } from '../../hw/pt/walk.ts';
import { NO_HOOKS, nothingToSettle, type TableReclaim, unmapAndGather } from '../../kernel/iommu/table-reclaim.ts';

const hooks: ReclaimHooks = {
  ...NO_HOOKS,
  name: 'covered-range',
  collectCovered: true,
};

export const coveredRange: TableReclaim = {
  name: 'covered-range',
  hooks,
  freesEmpty: false,
  mapPages,
  unmapPages: unmapAndGather,
  iovaToPhys,
  settle: nothingToSettle,
};
