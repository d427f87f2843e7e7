/**
 * Version C of the tear-down (75ed00055c05) zeroes the entry when the flushes are over, and holds no lock then. Whoever tears down meanwhile
 * finds P clear, and returns: the number can have a new entry, which the late zeroes hit.
 *
 * What that rests on: between the two tear-downs and the next set-up nothing waits for `.release`. Bind and unbind do: detach takes domain->lock,
 * which `.release` holds, and the number is free only when the mm_struct is, which the exiting task holds. So `unbind during release` holds, and
 * `replaced during release` is for a caller that gives the PASID another domain itself, before it touches the old domain's list. The new domain comes
 * when `.release` has cleared P: one that comes before loses its entry in every version, as `.release` goes by the number.
 */
import { type Flow, until, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { InvariantBroken, type Mm, type Patch, VTD_A, VTD_B, VTD_C } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { PASID, VtdMachine } from './vtd-machine.ts';
import { FPD_KEPT, LOCKED_TO_THE_END } from './vtd-patches.ts';

function* usedBy(machine: VtdMachine, mm: Mm): Flow<void> {
  const reached = yield* machine.access(PASID, mm);
  if (reached === null)
    throw new InvariantBroken(`INV-7: the device finds no entry of PASID ${PASID} while ${mm.name} is attached`);
  machine.world.reach('B works');
}

function newOwner(world: World, kernel: Build): Program {
  const machine = new VtdMachine(world, kernel);
  const [a, b] = [machine.mm('mm A'), machine.mm('mm B')];
  const handle = machine.bound(a);
  function* unbind(): Flow<void> {
    yield* machine.kernel.iommu_sva_unbind_device(handle);
    yield until(world, 'the number is free', () => machine.kernel.pasids.owners.peek(0) === null);
    yield* machine.kernel.iommu_sva_bind_device(machine.dev, b);
    yield* usedBy(machine, b);
  }
  return { threads: machine.threads({ exit: machine.kernel.mmput(a), unbind: unbind() }), reachable: ['B works'] };
}

function lateZero(world: World, kernel: Build): Program {
  const machine = new VtdMachine(world, kernel);
  const [a, b] = [machine.mm('mm A'), machine.mm('mm B')];
  machine.bound(a);
  function* replace(): Flow<void> {
    yield until(
      world,
      '.release has cleared P',
      () => (machine.memory.peekLo(machine.tables.table, 8 * PASID) & 1) === 0,
    );
    yield* machine.kernel.intel_pasid_tear_down_entry(machine.dev, PASID, false);
    yield* machine.kernel.intel_pasid_setup_first_level(machine.dev, PASID, b);
    yield* usedBy(machine, b);
  }
  return { threads: machine.threads({ exit: machine.kernel.mmput(a), replace: replace() }), reachable: ['B works'] };
}

/** The number is the caller's to give, and no mm's. */
const OWN_NUMBERS: Patch = { replace: { observe_entry() {} } };

const COMMON = {
  source: '75ed00055c05, CVE-2026-45894',
  bounds: 'two processes, one device, which works once; nothing but the flushes is concurrent with the two tear-downs',
} as const;

export const L21_NEW_OWNER: Litmus = {
  ...COMMON,
  name: 'L21 unbind during release',
  about: 'A process exits while another unbinds its device and binds it anew.',
  program: newOwner,
  cases: [
    { name: 'version B', expect: 'holds', changes: [VTD_B] },
    { name: 'version C', expect: 'holds', changes: [VTD_C] },
  ],
};

export const L21_LATE_ZERO: Litmus = {
  ...COMMON,
  name: 'L21 replaced during release',
  about: 'A process exits while its device is given another domain under the same PASID.',
  program: lateZero,
  cases: [
    { name: 'version A', expect: 'holds', changes: [VTD_A, OWN_NUMBERS] },
    { name: 'version B', expect: 'holds', changes: [VTD_B, OWN_NUMBERS] },
    { name: 'version C', expect: 'violated', changes: [VTD_C, OWN_NUMBERS] },
    {
      name: 'version C under the lock, FPD kept',
      expect: 'holds',
      changes: [VTD_C, FPD_KEPT, LOCKED_TO_THE_END, OWN_NUMBERS],
    },
  ],
};
