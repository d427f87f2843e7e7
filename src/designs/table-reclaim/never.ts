/**
 * `never`: an unmap never frees a table; tables go when the domain dies.
 *
 * Thread free-empty-page-tables (21 Dec 2023), the starting point: 4 KiB mapped every 2 MiB over 16 TiB of IOVA leave
 * 32,783 MiB of tables behind and take 22.297 s. A large page mapped over emptied tables still replaces them, since
 * there is no other place for it.
 *
 * Steps: docs/designs.md, never. Argument: nothing can go wrong with a free that never happens.
 */
// @straight

import { mapPages } from '../../hw/pt/map.ts';
import type { ReclaimHooks } from '../../hw/pt/page-table.ts';
import { iovaToPhys } from '../../hw/pt/walk.ts';
import { NO_HOOKS, nothingToSettle, type TableReclaim, unmapAndGather } from '../../kernel/iommu/table-reclaim.ts';

const hooks: ReclaimHooks = {
  ...NO_HOOKS,
  name: 'never',
};

export const never: TableReclaim = {
  name: 'never',
  hooks,
  freesEmpty: false,
  mapPages,
  unmapPages: unmapAndGather,
  iovaToPhys,
  settle: nothingToSettle,
};
