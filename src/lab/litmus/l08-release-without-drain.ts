/**
 * L08, cf08ca81d08a (fixes c43e1ccdebf2): `.release` may not sleep, so it tears the PASID entry down without a drain and leaves FPD. The unbind
 * that follows finds P clear, returns, and nobody has drained: a page request of the old owner is reported when the number is another's.
 *
 * Rests on: the device stops with a stop marker and does not wait for answers (PCIe 10.4.1.2 has both ways; one that waits has none left).
 */
import { type Flow, until, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { infoOf, type Patch, VTD_A, VTD_B, VTD_C } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { PASID, VtdMachine } from './vtd-machine.ts';

function program(world: World, kernel: Build): Program {
  const machine = new VtdMachine(world, kernel, { pageRequests: true });
  const [a, b] = [machine.mm('mm A'), machine.mm('mm B')];
  const handle = machine.bound(a);
  function* exit(): Flow<void> {
    yield* machine.kernel.mmput(a);
    yield* machine.pri.stopMarker(PASID, a);
    yield* machine.kernel.iommu_sva_unbind_device(handle);
  }
  function* bind(): Flow<void> {
    yield until(world, 'the number is free', () => machine.kernel.pasids.owners.peek(0) === null);
    const bound = yield* machine.kernel.iommu_sva_bind_device(machine.dev, b);
    if (typeof bound !== 'number' && bound.pasid === PASID) world.reach('B has the number that A had');
  }
  return {
    threads: machine.threads({ exit: exit(), bind: bind(), device: machine.pageRequest(PASID, a) }),
    reachable: ['B has the number that A had'],
  };
}

/** What C's clear_entry would have to be: FPD is left whether or not P is set. */
const FPD_KEPT: Patch = {
  replace: {
    *intel_pasid_clear_entry(dev, pasid, fault_ignore) {
      const pte = yield* this.intel_pasid_get_entry(dev, pasid);
      if (fault_ignore) yield* this.pasid_clear_entry_with_fpd(pte);
      else yield* this.pasid_clear_entry(pte);
    },
  },
};

/** iommu->lock is held until the entry is zeroed: invalidations do not sleep. */
const LOCKED_TO_THE_END: Patch = {
  replace: {
    *intel_pasid_tear_down_entry(dev, pasid, fault_ignore) {
      const { iommu } = infoOf(dev);
      yield iommu.lock.acquire();
      const pte = yield* this.intel_pasid_get_entry(dev, pasid);
      const tags = yield* this.pasid_read_tags(pte);
      if (!tags.present) return yield* this.intel_pasid_tear_down_absent(dev, pasid, pte, tags);
      yield* this.pasid_clear_present(pte);
      yield* this.intel_pasid_flush_entry(dev, pasid, tags);
      yield* this.intel_pasid_clear_entry(dev, pasid, fault_ignore);
      yield iommu.lock.release();
      if (!fault_ignore) yield* this.intel_drain_pasid_prq(dev, pasid);
    },
  },
};

export const L08: Litmus = {
  name: 'L08 release without drain',
  source: 'cf08ca81d08a "iommu/vt-d: Drain PRQs when domain removed from RID"',
  about: 'A process exits while its device waits for a page; another one binds and gets its number.',
  bounds: 'one page request, one worker, two processes, one device',
  program,
  cases: [
    { name: 'as it was: version A', expect: 'violated', changes: [VTD_A] },
    { name: 'fixed: version B', expect: 'holds', changes: [VTD_B] },
    {
      name: 'wrong fix: drained in .release',
      expect: 'violated',
      changes: [
        VTD_B,
        {
          after: {
            *intel_mm_release(_mm, devices) {
              for (const dev of devices) yield* this.intel_drain_pasid_prq(dev, PASID);
            },
          },
        },
      ],
    },
    {
      name: 'wrong fix: B without the drain',
      expect: 'violated',
      changes: [VTD_B, { omit: ['intel_drain_pasid_prq'] }],
    },
    {
      name: 'wrong fix: the ring is drained, the workqueue is not',
      expect: 'violated',
      changes: [VTD_B, { omit: ['iopf_queue_flush_dev'] }],
    },
    { name: 'version C', expect: 'violated', changes: [VTD_C] },
    { name: 'version C, FPD kept', expect: 'violated', changes: [VTD_C, FPD_KEPT] },
    { name: 'version C under the lock, FPD kept', expect: 'holds', changes: [VTD_C, FPD_KEPT, LOCKED_TO_THE_END] },
  ],
};
