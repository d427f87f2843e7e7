/** A kernel thread gets the CPU of a process that exits, and borrows its mm (lazy TLB) while another process opens the device. */

import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { opened } from '../steps.ts';

export const borrowed: Scenario = {
  name: 'borrowed mm',
  source: 'docs/designs.md, common ground: lazy TLB',
  about: 'A opens, works and exits; a kernel thread runs on its CPU, before or after, with the mm borrowed. B opens.',
  bounds: 'two CPUs, one of which preempts the exit for the kernel thread at most once; one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel);
    const { kernel: k } = machine;
    const A = machine.task('A', 0, machine.process('mm A'), function* (tsk) {
      const file = yield* opened(machine, tsk);
      world.reach(`A: ${yield* k.user_enqcmd(tsk, file)}`);
      yield;
      K.runnable.store(true);
      yield* k.do_exit(tsk);
    });
    const K = machine.kthread('kthread', 0, function* () {
      yield;
      world.reach('borrowed');
    });
    K.runnable.store(false);
    machine.switching(0, 1, A, K);
    machine.task('B', 1, machine.process('mm B'), function* (tsk) {
      yield* opened(machine, tsk);
      world.reach('B has its number');
    });
    return { threads: machine.threads(), reachable: ['A: accepted', 'B has its number', 'borrowed'] };
  },
};
