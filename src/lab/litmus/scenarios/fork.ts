/** A bound process forks; the child opens the device itself, works and exits, and the parent goes on. */

import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { opened, tryOpen } from '../steps.ts';

export const fork: Scenario = {
  name: 'fork',
  source: 'list, 2 Mar 2021; L03',
  about: 'The parent opens and works, forks, and works again; the child opens, works and exits.',
  bounds: 'two CPUs, parent and child, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel);
    const child = machine.child('child', 1, function* (tsk) {
      const file = yield* tryOpen(machine, tsk);
      if (typeof file === 'number') return;
      world.reach(`child: ${yield* machine.kernel.user_enqcmd(tsk, file)}`);
      yield* machine.kernel.do_exit(tsk);
    });
    machine.task('parent', 0, machine.process('mm parent'), function* (tsk) {
      const { kernel: k } = machine;
      const file = yield* opened(machine, tsk);
      yield* k.user_enqcmd(tsk, file);
      yield* k.syscall(tsk, k.copy_process(tsk, child, false));
      world.reach(`parent: ${yield* k.user_enqcmd(tsk, file)}`);
    });
    return { threads: machine.threads(), reachable: ['parent: accepted', 'child: accepted'] };
  },
};
