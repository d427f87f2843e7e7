/** A kernel thread does ENQCMD with what it finds in the MSR: "if a kernel thread starts doing ENQCMD, we have worse things to worry about". */
import type { Flow } from '../../../base/index.ts';
import type { Mm, Task } from '../../../kernel/index.ts';
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { closed, opened } from '../steps.ts';

/** ENQCMD without an address space of its own: a valid MSR belongs to nobody here. */
export function* enqcmdWithoutMm(machine: Machine, tsk: Task): Flow<void> {
  yield* machine.kernel.kernel_enqcmd(tsk);
  machine.world.reach('the kernel thread has its turn');
}

function kernelEnqcmd(
  name: string,
  about: string,
  body: (machine: Machine, tsk: Task, mm: Mm) => Flow<void>,
): Scenario {
  return {
    name,
    source: 'thread 2021 (Luto); 9bfecd058339',
    about,
    bounds: 'two CPUs, one process of one thread and a kernel thread, one device with one engine',
    program: (world, kernel) => {
      const machine = new Machine(world, kernel);
      const a = machine.process('mm A');
      machine.task('A', 0, a, function* (tsk) {
        const file = yield* opened(machine, tsk);
        world.reach(`A: ${yield* machine.kernel.user_enqcmd(tsk, file)}`);
        yield* closed(machine, tsk, file);
      });
      machine.kthread('kthread', 1, (tsk) => body(machine, tsk, a.mm));
      return { threads: machine.threads(), reachable: ['A: accepted', 'the kernel thread has its turn'] };
    },
  };
}

export const kthreadUsesMm = kernelEnqcmd(
  'kthread_use_mm',
  'A opens, works and closes while a kernel thread uses its mm for a while; then that thread does ENQCMD.',
  function* (machine, tsk, mm) {
    yield* machine.kernel.kthread_use_mm(tsk, mm);
    yield* machine.kernel.kthread_unuse_mm(tsk);
    yield* enqcmdWithoutMm(machine, tsk);
  },
);
