/**
 * L08, cf08ca81d08a (fixes c43e1ccdebf2): `.release` may not sleep, so it tears the PASID entry down without a drain and leaves FPD. The unbind
 * that follows finds P clear, returns, and nobody has drained: a page request of the old owner is reported when the number is another's.
 *
 * Version C (75ed00055c05) brings it back in two ways. It clears P before clear_entry looks whether P is set, so that FPD is never left; and while
 * it flushes, P and FPD are both clear, which an unbind takes for an entry that was never there (`.release` may run in the fault worker, whose
 * mmput was the last).
 *
 * Rests on: the device stops with a stop marker and does not wait for answers (PCIe 10.4.1.2 has both ways; one that waits has none left).
 */
import { type Flow, until, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { VTD_A, VTD_B, VTD_C } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { PASID, VtdMachine } from './vtd-machine.ts';
import { FPD_KEPT, LOCKED_TO_THE_END } from './vtd-patches.ts';

const programOf =
  (bindsAnyTime: boolean) =>
  (world: World, kernel: Build): Program => {
    const machine = new VtdMachine(world, kernel, { pageRequests: true });
    const [a, b] = [machine.mm('mm A'), machine.mm('mm B')];
    const handle = machine.bound(a);
    function* exit(): Flow<void> {
      yield* machine.kernel.mmput(a);
      yield* machine.pri.stopMarker(PASID, a);
      yield* machine.kernel.iommu_sva_unbind_device(handle);
    }
    function* bind(): Flow<void> {
      if (!bindsAnyTime) yield until(world, 'the number is free', () => machine.kernel.pasids.owners.peek(0) === null);
      const bound = yield* machine.kernel.iommu_sva_bind_device(machine.dev, b);
      if (typeof bound !== 'number' && bound.pasid === PASID) world.reach('B has the number that A had');
    }
    return {
      threads: machine.threads({ exit: exit(), bind: bind(), device: machine.pageRequest(PASID, a) }),
      reachable: ['B has the number that A had'],
    };
  };

export const L08: Litmus = {
  name: 'L08 release without drain',
  source: 'cf08ca81d08a (Dec 2024), fixes c43e1ccdebf2',
  about: 'A process exits while its device waits for a page; another one binds and gets its number.',
  bounds:
    'one page request, one worker, two processes, one device; the second binds when the number is free (`at any time`: whenever it likes)',
  program: programOf(false),
  cases: [
    { name: 'as it was: version A', expect: 'violated', changes: [VTD_A] },
    { name: 'fixed: version B', expect: 'holds', changes: [VTD_B] },
    {
      name: 'fixed: version B, bound at any time',
      expect: 'holds',
      changes: [VTD_B],
      program: programOf(true),
      slow: true,
    },
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
    { name: 'version C under the lock', expect: 'violated', changes: [VTD_C, LOCKED_TO_THE_END] },
    { name: 'version C, FPD kept', expect: 'violated', changes: [VTD_C, FPD_KEPT] },
    { name: 'version C under the lock, FPD kept', expect: 'holds', changes: [VTD_C, FPD_KEPT, LOCKED_TO_THE_END] },
  ],
};
