/**
 * L21, 75ed00055c05 (CVE-2026-45894, fixes 0bbeb01a4faf): hardware reads a PASID entry of 512 bits as four reads of 128. A tear-down that
 * zeroes it while it may be read makes the unit take the first part of the old entry and the second of none: it walks from address 0.
 */
import { type Flow, runAlone, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { type Choices, eviction } from '../../hw/index.ts';
import { VTD_A, VTD_B, VTD_C } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { PASID, VtdMachine } from './vtd-machine.ts';
import { DEVICE_FIRST, FPD_KEPT, LOCKED_TO_THE_END, PASIDS_LAST, ZERO_FIRST } from './vtd-patches.ts';

interface Variant {
  readonly choices?: Choices;
  readonly evicts?: boolean;
  /** A write before the exit begins, which fills all caches. */
  readonly isWarm?: boolean;
}

const programOf =
  ({ choices = {}, evicts = false, isWarm = false }: Variant) =>
  (world: World, kernel: Build): Program => {
    const machine = new VtdMachine(world, kernel, { choices, deviceTlb: !evicts });
    const mm = machine.mm('mm A');
    machine.bound(mm);
    if (isWarm) runAlone(machine.access(PASID, mm));
    function* device(): Flow<void> {
      for (let write = 0; write < 2; write++) {
        const reached = yield* machine.access(PASID, mm);
        world.reach(reached === null ? 'refused' : 'through');
      }
    }
    const threads = { exit: machine.kernel.mmput(mm), device: device() };
    return {
      threads: machine.threads(evicts ? { ...threads, hardware: eviction(machine.unit, 'pasids') } : threads),
      reachable: ['through', 'refused'],
    };
  };
/** The unit finds translations without looking at the PASID entry again: then the order of the flushes matters. */
const bySource = programOf({ choices: { iotlbBySource: true }, isWarm: true });
/** The PASID cache drops the entry by itself and the second write fetches it anew. No device TLB keeps it from asking. */
const evicting = programOf({ evicts: true });

export const L21: Litmus = {
  name: 'L21 torn entry',
  source: '75ed00055c05, CVE-2026-45894',
  about: 'A process exits while its device works: the notifier tears down the PASID entry.',
  bounds: 'two writes of the device, one tear-down, all caches',
  program: programOf({}),
  cases: [
    { name: 'as it was: version A', expect: 'violated', changes: [VTD_A] },
    { name: 'as it was: version B', expect: 'violated', changes: [VTD_B] },
    { name: 'fixed: version C', expect: 'holds', changes: [VTD_C] },
    { name: 'fixed: version C, translations by source', expect: 'holds', changes: [VTD_C], program: bySource },
    { name: 'fixed: version C, another fetch', expect: 'holds', changes: [VTD_C], program: evicting },
    { name: 'version C under the lock, FPD kept', expect: 'holds', changes: [VTD_C, FPD_KEPT, LOCKED_TO_THE_END] },
    { name: 'wrong fix: zeroed before the flush', expect: 'violated', changes: [VTD_C, ZERO_FIRST] },
    {
      name: 'wrong fix: no PASID cache flush',
      expect: 'violated',
      changes: [VTD_C, { omit: ['pasid_cache_invalidation_with_pasid'] }],
    },
    {
      name: 'wrong fix: no IOTLB flush',
      expect: 'violated',
      changes: [VTD_C, { omit: ['qi_flush_piotlb'] }],
      program: bySource,
    },
    {
      name: 'wrong fix: no device TLB flush',
      expect: 'violated',
      changes: [VTD_C, { omit: ['devtlb_invalidation_with_pasid'] }],
    },
    {
      name: 'wrong fix: device TLB before IOTLB',
      expect: 'violated',
      changes: [VTD_C, DEVICE_FIRST],
      program: bySource,
    },
    {
      name: 'wrong fix: IOTLB before PASID cache',
      expect: 'violated',
      changes: [VTD_C, PASIDS_LAST],
      program: bySource,
    },
  ],
};
