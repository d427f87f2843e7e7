/**
 * L42, the rule of RFC v2 (April 2024): to free an emptied table an unmap drops the read lock and takes the write lock, and looks at the count again,
 * for in between somebody may have mapped a page there. Without that the table is freed with a live entry.
 */
import { STALE_CHECKS, TABLE_RECLAIM_FAMILY } from '../../designs/index.ts';
import type { Litmus } from './scenario.ts';
import { reclaimProgram } from './scenarios/table-reclaim.ts';

const FIXED = TABLE_RECLAIM_FAMILY.find(({ name }) => name === 'mapcount-rwlock')!;

export const L42: Litmus = {
  name: 'L42 stale check',
  source: 'RFC v2, April 2024',
  about: 'A CPU unmaps the last page of a table, another maps one there; a device reaches it.',
  bounds: 'two CPUs, three levels of tables, a device with one access, an IOMMU that knows the way before',
  program: reclaimProgram({
    pages: [0, 1],
    mapped: [[0, 1]],
    warm: [0],
    threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.map(1) }),
    accesses: [1],
  }),
  cases: [
    { name: 'without the rule: not looked at again', expect: 'violated', changes: [STALE_CHECKS.never] },
    { name: 'fixed: looked at again under the write lock', expect: 'holds', changes: [FIXED] },
    { name: 'wrong fix: looked at again before the write lock', expect: 'violated', changes: [STALE_CHECKS.before] },
    { name: 'wrong fix: under the read lock', expect: 'violated', changes: [STALE_CHECKS.asReader] },
  ],
};
