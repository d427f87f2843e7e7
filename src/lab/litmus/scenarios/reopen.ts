/** Tony Luck's four steps (thread 2021): a number that went back at unbind, while the thread's MSR still has it. */

import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { closed, opened } from '../steps.ts';

export const reopen: Scenario = {
  name: 'reopen',
  source: 'thread 2021 (Tony Luck); L02',
  about: 'A opens, works, closes, and opens and works again; B opens and works meanwhile.',
  bounds: 'two CPUs, two processes of one thread, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel);
    machine.task('A', 0, machine.process('mm A'), function* (tsk) {
      for (const round of [1, 2]) {
        const file = yield* opened(machine, tsk, machine.device(), `A's file ${round}`);
        const result = yield* machine.kernel.user_enqcmd(tsk, file);
        world.reach(`A, round ${round}: ${result}`);
        if (round === 1) yield* closed(machine, tsk, file);
      }
    });
    machine.task('B', 1, machine.process('mm B'), function* (tsk) {
      const file = yield* opened(machine, tsk);
      world.reach(`B: ${yield* machine.kernel.user_enqcmd(tsk, file)}`);
    });
    return { threads: machine.threads(), reachable: ['A, round 2: accepted', 'B: accepted'] };
  },
};
