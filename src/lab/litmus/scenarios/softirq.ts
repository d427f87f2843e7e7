/** A softirq that uses the FPU, on the CPU of a thread whose ENQCMD has just raised #GP: L05. */
import { runAlone, untilAtomic } from '../../../base/index.ts';
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { opened } from '../steps.ts';

export const softirq: Scenario = {
  name: 'softirq',
  source: 'list, 29 Sep 2021 (Luto); L05',
  about: 'A opens and works; once, wherever interrupts and bottom halves are on, a softirq uses the FPU.',
  bounds: 'one CPU, one process of one thread, one softirq, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel, { cpus: 1 });
    const { kernel: k } = machine;
    const [rq] = k.rqs;
    const A = machine.task('A', 0, machine.process('mm A'), function* (tsk) {
      const file = yield* opened(machine, tsk);
      for (const time of [1, 2]) world.reach(`A, time ${time}: ${yield* k.user_enqcmd(tsk, file)}`);
    });
    function* usesFpu() {
      yield untilAtomic(
        world,
        'a softirq',
        () => rq!.cpu.IF.peek() && rq!.bh_count.peek() === 0 && !rq!.in_kernel_fpu.peek(),
      );
      runAlone(k.kernel_fpu_begin(A), world.thread);
      runAlone(k.kernel_fpu_end(A), world.thread);
      if (rq!.cpu.CPL.load() === 3) runAlone(rq!.cpu.onReturn(), world.thread);
    }
    return { threads: machine.threads({ softirq: usesFpu() }), reachable: ['A, time 2: accepted'] };
  },
};
