/** exec: a new address space with the old program's open file. The bind belongs to the old mm. */

import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { closed, opened } from '../steps.ts';

export const exec: Scenario = {
  name: 'exec',
  source: 'docs/designs.md, common ground; sva.rst on exec',
  about:
    'A opens, works and execs; the new program tries the old file, closes it, opens and works. B opens and works meanwhile.',
  bounds: 'two CPUs, two processes of one thread, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel);
    const { kernel: k } = machine;
    machine.task('A', 0, machine.process('mm A'), function* (tsk) {
      const old = yield* opened(machine, tsk, machine.device(), 'old file');
      yield* k.user_enqcmd(tsk, old);
      const failed = yield* k.syscall(tsk, k.begin_new_exec(tsk, 'new mm'));
      if (failed !== 0) return;
      yield* k.syscall(tsk, k.idxd_cdev_mmap(tsk, old));
      world.reach(`old file: ${yield* k.user_enqcmd(tsk, old)}`);
      yield* closed(machine, tsk, old);
      const own = yield* opened(machine, tsk, machine.device(), 'new file');
      world.reach(`new file: ${yield* k.user_enqcmd(tsk, own)}`);
    });
    machine.task('B', 1, machine.process('mm B'), function* (tsk) {
      const file = yield* opened(machine, tsk);
      world.reach(`B: ${yield* k.user_enqcmd(tsk, file)}`);
    });
    return { threads: machine.threads(), reachable: ['new file: accepted', 'B: accepted'] };
  },
};
