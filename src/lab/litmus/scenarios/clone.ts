/** A thread that has used ENQCMD clones another: the new one has to come by the number itself. */
import type { DeviceFile } from '../../../kernel/index.ts';
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { opened } from '../steps.ts';

export const clone: Scenario = {
  name: 'clone',
  source: 'dc7507ddce59, a3d29e8291b6: PASID state of clones',
  about: 'T1 opens, works and clones T2; both work through the file, and T1 exits.',
  bounds: 'two CPUs, one process of two threads, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel);
    const files: DeviceFile[] = [];
    const T2 = machine.child('T2', 1, function* (tsk) {
      world.reach(`T2: ${yield* machine.kernel.user_enqcmd(tsk, files[0]!)}`);
      yield* machine.kernel.do_exit(tsk);
    });
    machine.task('T1', 0, machine.process('mm A'), function* (tsk) {
      const { kernel: k } = machine;
      files.push(yield* opened(machine, tsk));
      yield* k.user_enqcmd(tsk, files[0]!);
      yield* k.syscall(tsk, k.copy_process(tsk, T2, true));
      yield* k.user_enqcmd(tsk, files[0]!);
      yield* k.do_exit(tsk);
    });
    return { threads: machine.threads(), reachable: ['T2: accepted'] };
  },
};
