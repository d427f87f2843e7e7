/** The first bind of a process while its other thread is in the kernel and works on its FPU state: L04. */
import { Cell, until } from '../../../base/index.ts';
import type { DeviceFile } from '../../../kernel/index.ts';
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { opened } from '../steps.ts';

export const fpuRegion: Scenario = {
  name: 'fpu region',
  source: '9bfecd058339; L04',
  about: 'T1 opens while T2 is in a system call that uses the FPU; then T2 works through the file.',
  bounds: 'two CPUs, one process of two threads, one region of kernel_fpu_begin, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel);
    const { kernel: k } = machine;
    const process = machine.process('mm A');
    const open = new Cell(world, 'open', 0);
    const files: DeviceFile[] = [];
    machine.task('T1', 0, process, function* (tsk) {
      files.push(yield* opened(machine, tsk));
      yield;
      open.store(1);
    });
    machine.task('T2', 1, process, function* (tsk) {
      yield* k.syscall_enter(tsk);
      yield* k.kernel_fpu_begin(tsk);
      yield* k.kernel_fpu_end(tsk);
      yield* k.exit_to_user_mode(tsk);
      yield until(world, 'the file is open', () => open.peek() === 1);
      world.reach(`T2: ${yield* k.user_enqcmd(tsk, files[0]!)}`);
    });
    return { threads: machine.threads(), reachable: ['T2: accepted'] };
  },
};
