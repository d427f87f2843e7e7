/**
 * L46: the interrupt thread drops stop markers. That is right for as long as unbind drains before the number is free: a request of the old owner that is in the ring still is answered in the name of the
 * new one otherwise. Where a marker is taken for a request besides, it ends a group of the new owner.
 */
import { type Flow, runAlone, until, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { type Patch, VTD_B } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { PASID, VtdMachine } from './vtd-machine.ts';

/** A asks for a page, stops and unbinds; B binds when the number is free. `asked`: A's request is there, and not only its marker. */
const programOf =
  (asked: boolean) =>
  (world: World, build: Build): Program => {
    const machine = new VtdMachine(world, build, { pageRequests: true });
    const [a, b] = [machine.mm('mm A'), machine.mm('mm B')];
    const handle = machine.bound(a);
    if (asked) runAlone(machine.pri.request(PASID, 0, a));
    runAlone(machine.pri.stopMarker(PASID, a));
    function* bind(): Flow<void> {
      yield until(world, 'the number is free', () => machine.kernel.pasids.owners.peek(0) === null);
      const bound = yield* machine.kernel.iommu_sva_bind_device(machine.dev, b);
      if (typeof bound !== 'number' && bound.pasid === PASID) world.reach('B has the number that A had');
    }
    function* unbind(): Flow<void> {
      yield* machine.kernel.iommu_sva_unbind_device(handle);
      yield* machine.kernel.mmput(a);
    }
    return {
      threads: machine.threads({ unbind: unbind(), bind: bind() }),
      reachable: ['B has the number that A had'],
    };
  };

const NO_DRAIN: Patch = { omit: ['intel_drain_pasid_prq'] };

/** The marker is reported as a fault. */
const MARKERS_REPORTED: Patch = {
  replace: {
    *prq_stop_marker(dev, request) {
      yield* this.iommu_report_device_fault(dev, request);
    },
  },
};

export const L46: Litmus = {
  name: 'L46 stop marker',
  source: 'drivers/iommu/intel/prq.c',
  about: 'A stops its device by a marker and unbinds; B gets the number.',
  bounds: 'one page request and one marker, one worker, two processes, one device',
  program: programOf(true),
  cases: [
    { name: 'as it is: markers dropped, drained at unbind', expect: 'holds', changes: [VTD_B] },
    { name: 'without the drain', expect: 'violated', changes: [VTD_B, NO_DRAIN] },
    {
      name: 'without the drain, the marker alone',
      expect: 'holds',
      changes: [VTD_B, NO_DRAIN],
      program: programOf(false),
    },
    {
      name: 'without the drain, and markers reported',
      expect: 'violated',
      changes: [VTD_B, NO_DRAIN, MARKERS_REPORTED],
      program: programOf(false),
    },
  ],
};
