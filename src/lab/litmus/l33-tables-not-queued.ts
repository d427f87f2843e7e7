/**
 * L33, "Handle freelists when using deferred flushing" (5.11): in lazy mode the number of an unmap waited for the flush, and the tables that it had unlinked did not.
 *
 * Wrong fix: tables are freed after a flush of their own, of leaf entries alone.
 */

import { lazy, lazyFreeNow } from '../../designs/index.ts';
import type { Patch } from '../../kernel/index.ts';
import type { Litmus } from './scenario.ts';
import { IOTLB_FLUSH_SCENARIOS } from './scenarios/iotlb-flush.ts';

const FLUSHED_LEAVES: Patch = {
  before: {
    *queue_iova(dom, cpu) {
      const { gather } = dom.cpus[cpu]!;
      yield* this.iommu_flush_iotlb_range(dom, gather.start, gather.end, true);
    },
  },
};

export const L33: Litmus = {
  ...IOTLB_FLUSH_SCENARIOS.find(({ name }) => name === 'dma: table freed')!,
  name: 'L33 tables not queued',
  source: 'series of Nov 2020 (5.11)',
  cases: [
    { name: 'as it was', expect: 'violated', changes: [lazyFreeNow] },
    { name: 'fixed: tables wait with the number', expect: 'holds', changes: [lazy] },
    { name: 'wrong fix: leaf entries are flushed first', expect: 'violated', changes: [lazyFreeNow, FLUSHED_LEAVES] },
  ],
};
