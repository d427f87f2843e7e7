/** A thread uses a device for the first time while its sibling closes it, and another process comes: the number may change under a #GP. */
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { closed, opened, SharedFile } from '../steps.ts';

export const firstUse: Scenario = {
  name: 'closed at first use',
  source: 'thread 2021: a number that is read, and loaded later',
  about:
    'T1 closes the device while T2 uses it for the first time; then T2 opens it again and works. B opens it meanwhile.',
  bounds: 'three CPUs, a process of two threads and one of one, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel, { cpus: 3 });
    const process = machine.process('mm A');
    const file = new SharedFile(world);
    machine.task('T1', 0, process, function* (tsk) {
      yield* closed(machine, tsk, yield* file.open(machine, tsk));
    });
    machine.task('T2', 1, process, function* (tsk) {
      yield* machine.kernel.user_enqcmd(tsk, yield* file.whenOpen());
      const own = yield* opened(machine, tsk);
      world.reach(`T2: ${yield* machine.kernel.user_enqcmd(tsk, own)}`);
    });
    machine.task('B', 2, machine.process('mm B'), function* (tsk) {
      yield* opened(machine, tsk);
    });
    return { threads: machine.threads(), reachable: ['T2: accepted'] };
  },
};
