/** The first bind of a process while its other thread is in the kernel and its FPU state moves between registers and memory: L04. */
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { SharedFile } from '../steps.ts';

function region(name: string, about: string, hasSignal: boolean): Scenario {
  return {
    name,
    source: '9bfecd058339; L04',
    about: `T1 opens while T2 is in a system call that ${about}; then T2 works through the file.`,
    bounds: 'two CPUs, one process of two threads, one device with one engine',
    program: (world, kernel) => {
      const machine = new Machine(world, kernel);
      const { kernel: k } = machine;
      const process = machine.process('mm A');
      const file = new SharedFile(world);
      machine.task('T1', 0, process, function* (tsk) {
        yield* file.open(machine, tsk);
      });
      machine.task('T2', 1, process, function* (tsk) {
        yield* k.syscall_enter(tsk);
        yield* k.kernel_fpu_begin(tsk);
        yield* k.kernel_fpu_end(tsk);
        if (hasSignal) yield* k.copy_fpstate_to_sigframe(tsk);
        yield* k.exit_to_user_mode(tsk);
        world.reach(`T2: ${yield* k.user_enqcmd(tsk, yield* file.whenOpen())}`);
      });
      return { threads: machine.threads(), reachable: ['T2: accepted'] };
    },
  };
}

export const kernelFpu = region('kernel FPU', 'uses the FPU', false);
export const signalFrame = region('signal frame', 'uses the FPU and sets up a signal frame under fpregs_lock', true);
