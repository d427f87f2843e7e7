/** L13: the mm's number is too wide for a second device, and stays so, since it never changes. A refusal that must be possible, not a bug. */
import type { Mm, Patch } from '../../kernel/index.ts';
import { EOVERFLOW, IOMMU_PASID_INVALID } from '../../kernel/index.ts';
import { Machine } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { opened, tryOpen } from './steps.ts';

const WIDE = 70_000;

/** A number that fits the second device, in place of the one that threads have. */
const RENUMBERED: Patch = {
  replace: {
    *iommu_alloc_mm_data(mm: Mm, dev) {
      yield;
      const pasid = mm.pasid.load();
      if (pasid !== IOMMU_PASID_INVALID && pasid < dev.max_pasids) return pasid;
      const given = yield* this.iommu_alloc_global_pasid(mm, dev);
      if (given >= 0) yield* this.mm_pasid_set(mm, given);
      return given;
    },
  },
};

export const L13: Litmus = {
  name: 'L13 too wide',
  source: 'iommu_alloc_mm_data: pasid >= max_pasids is -EOVERFLOW',
  about: 'A process that has PASID 70000 opens a device of 16 bits; a number below is free by then.',
  bounds: 'one CPU, one process of one thread, two devices with one engine each',
  program: (world, kernel) => {
    const devices = ['wide', { name: 'narrow', max_pasids: 65_536 }];
    const machine = new Machine(world, kernel, { cpus: 1, devices, pasids: { first: 65_535, last: WIDE } });
    const process = machine.process('mm A');
    const other = machine.process('another mm').mm;
    // All numbers below are in use when A binds.
    for (let at = 0; at < WIDE - 65_535; at++) machine.kernel.pasids.owners.store(at, other);
    machine.task('A', 0, process, function* (tsk) {
      const file = yield* opened(machine, tsk, machine.device('wide'));
      yield* machine.kernel.user_enqcmd(tsk, file);
      yield* machine.kernel.pasids.free(65_535);
      for (const time of [1, 2]) {
        const second = yield* tryOpen(machine, tsk, machine.device('narrow'), `narrow file ${time}`);
        world.reach(second === EOVERFLOW ? 'refused' : 'opened');
      }
      world.reach(`A: ${yield* machine.kernel.user_enqcmd(tsk, file)}`);
    });
    return { threads: machine.threads(), reachable: ['A: accepted'] };
  },
  cases: [
    { name: 'refused for good', expect: 'holds' },
    { name: 'wrong fix: another number', expect: 'violated', changes: [RENUMBERED] },
  ],
};
