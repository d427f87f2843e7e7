/**
 * L01, 2667ed10d9f0 (fixes 701fac40384f): the PASID was given back in __mmput, which an exiting task comes to in exit_mm; the device file is
 * released later, in exit_task_work. In between the device still works under the number, and another process may get it.
 */
import type { World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { freeInMmput } from '../../designs/index.ts';
import { type Build, Machine } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { opened } from './steps.ts';

function program(world: World, kernel: Build): Program {
  const machine = new Machine(world, kernel);
  for (const [cpu, name] of ['A', 'B'].entries()) {
    machine.task(name, cpu, machine.process(`mm ${name}`), function* (tsk) {
      const file = yield* opened(machine, tsk);
      yield* machine.kernel.user_enqcmd(tsk, file);
      world.reach(`${name} works`);
      yield* machine.kernel.do_exit(tsk);
    });
  }
  return { threads: machine.threads(), reachable: ['A works', 'B works'] };
}

export const L01: Litmus = {
  name: 'L01 freed at mmput',
  source: '2667ed10d9f0 "mm: Fix PASID use-after-free issue"',
  about: 'Two processes open a device, give it work and exit.',
  bounds: 'two CPUs, two processes of one thread, one device with one engine',
  program,
  cases: [
    { name: 'as it was', expect: 'violated', changes: [freeInMmput] },
    { name: 'fixed', expect: 'holds' },
    {
      name: 'wrong fix: the device is drained first',
      expect: 'violated',
      changes: [
        freeInMmput,
        {
          before: {
            *mm_pasid_drop(mm) {
              for (const dev of this.devices) yield* this.idxd_drain_pasid(dev, mm.pasid.peek());
            },
          },
        },
      ],
    },
  ],
};
