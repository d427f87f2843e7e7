/**
 * L21, 75ed00055c05 (CVE-2026-45894, fixes 0bbeb01a4faf): hardware reads a PASID entry of 512 bits as four reads of 128. A tear-down that
 * zeroes it while it may be read makes the unit take the first part of the old entry and the second of none: it walks from address 0.
 */
import type { World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { VTD_A, VTD_B, VTD_C } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { PASID, VtdMachine } from './vtd-machine.ts';

function program(world: World, kernel: Build): Program {
  const machine = new VtdMachine(world, kernel, { deviceTlb: true });
  const mm = machine.mm('mm A');
  machine.bound(mm);
  function* device() {
    yield* machine.access(PASID, mm);
    const isDone = yield* machine.access(PASID, mm);
    world.reach(isDone ? 'through' : 'refused');
  }
  return {
    threads: machine.threads({ exit: machine.kernel.mmput(mm), device: device() }),
    reachable: ['through', 'refused'],
  };
}

export const L21: Litmus = {
  name: 'L21 torn entry',
  source: '75ed00055c05, CVE-2026-45894',
  about: 'A process exits while its device works: the notifier tears down the PASID entry.',
  bounds: 'one write of the device, one tear-down',
  program,
  cases: [
    { name: 'version A', expect: 'violated', changes: [VTD_A] },
    { name: 'version B', expect: 'violated', changes: [VTD_B] },
    { name: 'version C', expect: 'holds', changes: [VTD_C] },
  ],
};
