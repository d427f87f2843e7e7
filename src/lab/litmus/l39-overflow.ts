/**
 * L39, 5f8e9fd5f (Jan 2021): the thread of page requests cleared PRO without a look whether the ring is empty. A group whose last request was
 * lost to the overflow stays in the partial list, and the next group with its index takes its requests along, whoever's that is.
 */
import type { Flow, World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { infoOf, type Patch, VTD_B } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { PASID, VtdMachine } from './vtd-machine.ts';

function program(world: World, kernel: Build): Program {
  const machine = new VtdMachine(world, kernel, { pageRequests: true, ring: 2 });
  const [a, b] = [machine.mm('mm A'), machine.mm('mm B')];
  machine.bound(a);
  machine.bound(b);
  const { prq } = infoOf(machine.dev).iommu;
  function* device(): Flow<void> {
    // Of a PASID that is no longer used: it makes the thread look.
    yield* machine.pri.stopMarker(PASID + 2, a);
    yield* machine.pageRequest(PASID, a, 2);
    yield;
    if (prq.PRO.load() === 1) world.reach('overflow');
    yield* machine.pageRequest(PASID + 1, b);
  }
  return { threads: machine.threads({ device: device() }), reachable: ['overflow'] };
}

/** PRO is cleared whatever the ring has; `discards`: partial groups are given up then. */
const clearAtOnce = (discards: boolean): Patch => ({
  replace: {
    *prq_end_overflow({ prq }) {
      yield;
      if (prq.PRO.load() === 0) return;
      if (discards) for (const dev of this.devices) yield* this.iopf_queue_discard_partial(dev);
      yield;
      prq.PRO.store(0);
    },
  },
});

export const L39: Litmus = {
  name: 'L39 overflow',
  source: '5f8e9fd5f (26 Jan 2021)',
  about:
    'A device sends a group of two page requests for one process, then one for another; the ring has room for one.',
  bounds: 'one device, two groups one after the other under one index, a ring of one request, one worker',
  program,
  cases: [
    { name: 'as it was: cleared at once', expect: 'violated', changes: [VTD_B, clearAtOnce(false)] },
    { name: 'fixed: cleared when the ring is empty', expect: 'holds', changes: [VTD_B] },
    {
      name: 'wrong fix: partial groups are discarded, at once',
      expect: 'violated',
      changes: [VTD_B, clearAtOnce(true)],
    },
  ],
};
