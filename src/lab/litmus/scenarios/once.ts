/** ENQCMD once in a thread's life: one thread opens, another has work for it once, and both exit. */
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { SharedFile } from '../steps.ts';

export const once: Scenario = {
  name: 'once',
  source: 'thread 2021 (Thomas Gleixner): ENQCMD once in its life',
  about: 'T1 opens and exits; T2 works once through that file and exits.',
  bounds: 'two CPUs, one process of two threads, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel);
    const process = machine.process('mm A');
    const file = new SharedFile(world);
    machine.task('T1', 0, process, function* (tsk) {
      yield* file.open(machine, tsk);
      yield* machine.kernel.do_exit(tsk);
    });
    machine.task('T2', 1, process, function* (tsk) {
      world.reach(`T2: ${yield* machine.kernel.user_enqcmd(tsk, yield* file.whenOpen())}`);
      yield* machine.kernel.do_exit(tsk);
    });
    return { threads: machine.threads(), reachable: ['T2: accepted'] };
  },
};
