/**
 * L25, e7ad6c2a4b1a (Nov 2023): reclaim flushes the whole address space in one go, [0, -1UL). Rounded up to pages, 64 bits wide, that is none, and none is flushed.
 *
 * Wrong fix: the number of pages is mended where the IOTLB is flushed, and not for the device.
 */
import { ATOMIC, type Flow, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { type Patch, svm_pages, ULONG_MAX, VTD_B } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { PASID, VtdMachine } from './vtd-machine.ts';

/** A page is taken from the mm, then secondary TLBs are flushed over [start, end), then it is free. Shared with L26. */
export function reclaimed(start: bigint, end: bigint, deviceTlb: boolean) {
  return (world: World, build: Build): Program => {
    const machine = new VtdMachine(world, build, { deviceTlb });
    const mm = machine.mm('mm A');
    machine.bound(mm);
    const { dev, kernel, memory } = machine;
    function* reclaim(): Flow<void> {
      yield ATOMIC;
      memory.store(mm.tables[1]!, 0, 0, 0);
      yield* kernel.intel_arch_invalidate_secondary_tlbs(dev, PASID, start, end);
      yield ATOMIC;
      mm.pages.free();
    }
    function* device(): Flow<void> {
      for (let nth = 0; nth < 2; nth++) {
        const reached = yield* machine.access(PASID, mm);
        world.reach(reached === null ? 'refused' : 'reached');
      }
    }
    return { threads: machine.threads({ reclaim: reclaim(), device: device() }), reachable: ['reached', 'refused'] };
  };
}

const AS_IT_WAS: Patch = {
  replace: {
    *intel_arch_invalidate_secondary_tlbs(dev, pasid, start, end) {
      yield* this.intel_flush_svm_range(dev, pasid, start, svm_pages(start, end));
    },
  },
};

const IOTLB_ALONE: Patch = {
  replace: {
    *qi_flush_piotlb_pages(dev, pasid, address, pages) {
      if (pages === 0n) yield* this.qi_flush_piotlb(dev.info!.iommu, 1, pasid);
      else yield* this.qi_flush_piotlb_pages(dev, pasid, address, pages);
    },
  },
};

export const L25: Litmus = {
  name: 'L25 end of all',
  source: 'e7ad6c2a4b1a (Nov 2023)',
  about: 'A page is reclaimed, and the flush that was put off covers the whole address space.',
  bounds: 'one process, one page, one device with a TLB and two accesses',
  program: reclaimed(0n, ULONG_MAX, true),
  cases: [
    { name: 'as it was', expect: 'violated', changes: [VTD_B, AS_IT_WAS] },
    { name: 'fixed', expect: 'holds', changes: [VTD_B] },
    {
      name: 'wrong fix: no pages are all pages, for the IOTLB',
      expect: 'violated',
      changes: [VTD_B, AS_IT_WAS, IOTLB_ALONE],
    },
  ],
};
