/**
 * L11 (092edaddb660, mended by "Restore SVA handle sharing", Feb 2024): a second bind of the same mm and device was no longer the first one
 * again: it was refused, or had a handle of its own, whose unbind took the entry from the first.
 */
import type { Patch } from '../../kernel/index.ts';
import { Machine } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { closed, SharedFile, tryOpen } from './steps.ts';

const LOST: Patch = {
  replace: {
    *iommu_sva_find_handle() {
      return null;
    },
  },
};

export const L11: Litmus = {
  name: 'L11 lost handle',
  source: '092edaddb660; "Restore SVA handle sharing"',
  about: 'Two threads of a process open the same device; one works while the other closes.',
  bounds: 'two CPUs, one process of two threads, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel);
    const process = machine.process('mm A');
    const shared = new SharedFile(world);
    machine.task('T1', 0, process, function* (tsk) {
      const file = yield* shared.open(machine, tsk);
      world.reach(`T1: ${yield* machine.kernel.user_enqcmd(tsk, file)}`);
    });
    machine.task('T2', 1, process, function* (tsk) {
      yield* shared.whenOpen();
      const file = yield* tryOpen(machine, tsk);
      if (typeof file === 'number') world.reach('T2 is refused');
      else yield* closed(machine, tsk, file);
    });
    return { threads: machine.threads(), reachable: ['T1: accepted'], never: ['T2 is refused'] };
  },
  cases: [
    { name: 'as it was', expect: 'violated', changes: [LOST] },
    {
      name: 'as it was, where attach does not refuse',
      expect: 'violated',
      changes: [
        LOST,
        {
          replace: {
            *iommu_attach_device_pasid(domain, dev, pasid) {
              domain.devices.push(dev);
              yield* this.intel_pasid_setup_first_level(dev, pasid, domain.mm);
              return 0;
            },
          },
        },
      ],
    },
    { name: 'fixed', expect: 'holds' },
    {
      name: 'wrong fix: found, and not counted',
      expect: 'violated',
      changes: [
        {
          after: {
            *iommu_sva_find_handle(mm, dev) {
              for (const handle of mm.sva_handles) if (handle.dev === dev) handle.users--;
            },
          },
        },
      ],
    },
  ],
};
