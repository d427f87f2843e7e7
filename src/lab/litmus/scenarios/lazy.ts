/** A kernel thread that borrows the mm of a thread which has used ENQCMD, and does ENQCMD itself: the MSR is as that one left it. */
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { opened } from '../steps.ts';
import { enqcmdWithoutMm } from './kernel-enqcmd.ts';

export const lazyEnqcmd: Scenario = {
  name: 'ENQCMD of a borrower',
  source: 'thread 2021 (Luto): "if a kernel thread starts doing ENQCMD"',
  about: 'A opens and works; a kernel thread gets its CPU, and does ENQCMD with what is in the MSR.',
  bounds: 'one CPU that switches once to each, one process of one thread, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel, { cpus: 1 });
    const A = machine.task('A', 0, machine.process('mm A'), function* (tsk) {
      const file = yield* opened(machine, tsk);
      world.reach(`A: ${yield* machine.kernel.user_enqcmd(tsk, file)}`);
    });
    const K = machine.kthread('kthread', 0, (tsk) => enqcmdWithoutMm(machine, tsk));
    machine.switching(0, 1, A, K);
    return { threads: machine.threads(), reachable: ['A: accepted', 'the kernel thread has its turn'] };
  },
};
