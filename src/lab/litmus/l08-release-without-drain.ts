/**
 * L08, cf08ca81d08a (fixes c43e1ccdebf2): `.release` may not sleep, so it tears the PASID entry down without a drain and leaves FPD. The unbind
 * that follows finds P clear, returns, and nobody has drained: a page request of the old owner is reported when the number is another's.
 *
 * Rests on: the device stops with a stop marker and does not wait for answers (PCIe 10.4.1.2 has both ways; one that waits has none left).
 */
import { type Flow, until, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { VTD_A, VTD_B, VTD_C } from '../../kernel/index.ts';
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

export const L08: Litmus = {
  name: 'L08 release without drain',
  source: 'cf08ca81d08a "iommu/vt-d: Drain PRQs when domain removed from RID"',
  about: 'A process exits while its device waits for a page; another one binds and gets its number.',
  bounds: 'one page request, one worker, two processes, one device',
  program,
  cases: [
    { name: 'as it was: version A', expect: 'violated', changes: [VTD_A] },
    { name: 'fixed: version B', expect: 'holds', changes: [VTD_B] },
    { name: 'version C', expect: 'violated', changes: [VTD_C] },
  ],
};
