/**
 * L28, Longpeng, 1 April 2021 (fixes 6491d4d02893): pages of 4 KiB are unmapped with their leaf entries flushed, so that the IOMMU may keep the pointer to
 * their table; then a large page takes the place of the table. Without a flush in between the IOMMU walks a table that is free.
 */
import { ATOMIC } from '../../base/index.ts';
import type { Patch } from '../../kernel/index.ts';
import { TABLE } from './domain-machine.ts';
import type { Litmus } from './scenario.ts';
import { inTurn, reclaimProgram } from './scenarios/table-reclaim.ts';

const MAPPING = 'under iommu_map';

/** What a map flushes of what it replaces. */
const flushOfMap = (what: 'nothing' | 'leaves'): Patch => ({
  before: {
    *iommu_map() {
      this.extra.set(MAPPING, true);
    },
  },
  after: {
    *iommu_map() {
      this.extra.set(MAPPING, false);
    },
  },
  replace: {
    *iommu_flush_iotlb_psi({ space, walker }, start, end, ih) {
      const ofMap = this.extra.get(MAPPING) === true;
      if (ofMap && what === 'nothing') return;
      yield ATOMIC;
      walker.invalidate(space, start, end, ih || ofMap);
    },
  },
});

export const L28: Litmus = {
  name: 'L28 large page over a cached pointer',
  source: 'Longpeng, April 2021 (fixes 6491d4d02893)',
  about: 'A CPU unmaps a page of 4 KiB and maps one of 2 MiB there; a device that knows the way reaches it.',
  bounds: 'one CPU, three levels of tables, a device with two accesses, an IOMMU that caches all it reads',
  program: reclaimProgram({
    pages: [0],
    mapped: [[0, 1]],
    warm: [0],
    threads: (own) => ({ cpu0: inTurn(own.unmap(0), () => own.map(0, TABLE)) }),
    accesses: [0, 0],
  }),
  cases: [
    { name: 'as it was: no flush', expect: 'violated', changes: [flushOfMap('nothing')] },
    { name: 'fixed: flushed, pointers too', expect: 'holds' },
    { name: 'wrong fix: leaf entries alone', expect: 'violated', changes: [flushOfMap('leaves')] },
  ],
};
