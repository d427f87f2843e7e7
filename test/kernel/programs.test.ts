/**
 * Whole programs on the kernel as it is, by random schedules, with and without store buffers: no invariant of the observer breaks, nothing is used
 * after it was freed, nobody waits for ever. What random schedules find is common; the litmus tests look at everything.
 */
import { expect, it } from 'vitest';
import type { Flow } from '../../src/base/index.ts';
import { check } from '../../src/check/index.ts';
import type { DeviceFile, Task } from '../../src/kernel/index.ts';
import { build, Machine, type Process } from '../../src/lab/litmus/machine.ts';
import { closed, opened } from '../../src/lab/litmus/steps.ts';

const KERNEL = build();
const RUNS = 60;

/** Opens the device, gives it work, and exits; `between`: what it does before that. */
function* works(machine: Machine, tsk: Task, between: (file: DeviceFile) => Flow<unknown> = nothing): Flow<void> {
  const { kernel } = machine;
  const file = yield* opened(machine, tsk);
  yield* kernel.user_enqcmd(tsk, file);
  yield* between(file);
  yield* kernel.do_exit(tsk);
}

function* nothing(): Flow<void> {}

function* usesFpu({ kernel }: Machine, tsk: Task): Flow<void> {
  yield* kernel.kernel_fpu_begin(tsk);
  yield* kernel.kernel_fpu_end(tsk);
}

/** A kernel thread that works for a while in a process's address space, if that is still there. */
function* borrows(machine: Machine, tsk: Task, { mm }: Process): Flow<void> {
  const { kernel } = machine;
  if (yield* kernel.mmget_not_zero(mm)) {
    yield* kernel.kthread_use_mm(tsk, mm);
    yield;
    mm.pages.load();
    yield* usesFpu(machine, tsk);
    yield* kernel.kthread_unuse_mm(tsk);
    yield* kernel.mmput(mm);
  }
  yield* kernel.do_task_dead(tsk);
}

/** By what happens: makes the tasks of a machine of two CPUs. */
const PROGRAMS: Readonly<Record<string, (machine: Machine) => void>> = {
  'a process forks, and both work and exit'(machine) {
    const child = machine.child('child', 1, (tsk) => works(machine, tsk));
    machine.task('A', 0, machine.process('mm A'), (tsk) =>
      works(machine, tsk, () => machine.kernel.syscall(tsk, machine.kernel.copy_process(tsk, child, false))),
    );
  },
  'a thread of the same mm works through the file that the first one closes'(machine) {
    const { kernel } = machine;
    let shared: DeviceFile;
    const thread = machine.child('thread', 1, function* (tsk) {
      yield* kernel.user_enqcmd(tsk, shared);
      yield* kernel.do_exit(tsk);
    });
    machine.task('A', 0, machine.process('mm A'), (tsk) =>
      works(machine, tsk, function* (file) {
        shared = file;
        yield* kernel.syscall(tsk, kernel.copy_process(tsk, thread, true));
        yield* closed(machine, tsk, file);
      }),
    );
  },
  'two processes run other programs and exit'(machine) {
    for (const [cpu, name] of ['A', 'B'].entries()) {
      machine.task(name, cpu, machine.process(`mm ${name}`), (tsk) =>
        works(machine, tsk, () => machine.kernel.syscall(tsk, machine.kernel.begin_new_exec(tsk, `new ${name}`))),
      );
    }
  },
  'a kernel thread works in the address space of a process that exits'(machine) {
    const process = machine.process('mm A');
    machine.task('A', 0, process, (tsk) => works(machine, tsk));
    machine.kthread('worker', 1, (tsk) => borrows(machine, tsk, process));
  },
  'a kernel thread borrows on the same CPU, and the kernel uses the FPU'(machine) {
    const { kernel } = machine;
    const process = machine.process('mm A');
    const tsk = machine.task('A', 0, process, (a) =>
      works(machine, a, function* (file) {
        yield* kernel.syscall(a, usesFpu(machine, a));
        yield* kernel.user_enqcmd(a, file);
      }),
    );
    const worker = machine.kthread('worker', 0, (own) => borrows(machine, own, process));
    machine.switching(0, 2, tsk, worker);
  },
  'two processes share a CPU'(machine) {
    const a = machine.task('A', 0, machine.process('mm A'), (tsk) => works(machine, tsk));
    const b = machine.waiting('B', 0, machine.process('mm B'), (tsk) => works(machine, tsk));
    machine.switching(0, 2, a, b);
  },
  'a CPU is called while its task opens a device'(machine) {
    const { kernel } = machine;
    const process = machine.process('mm A');
    machine.task('A', 0, process, (tsk) =>
      works(machine, tsk, function* () {
        const mask = yield* kernel.mm_cpumask(process.mm);
        yield* kernel.syscall(tsk, kernel.on_each_cpu_mask(mask, 'call', nothing));
      }),
    );
    machine.task('B', 1, process, (tsk) => works(machine, tsk));
  },
};

for (const [what, make] of Object.entries(PROGRAMS)) {
  for (const memory of ['sc', 'tso'] as const) {
    it(`breaks nothing: ${what} (${memory})`, () => {
      const test = {
        name: what,
        expect: 'holds' as const,
        memory,
        program: (world: Machine['world']) => {
          const machine = new Machine(world, KERNEL);
          make(machine);
          return { threads: machine.threads() };
        },
      };
      const { message, verdict } = check(test, { strategy: 'random', runs: RUNS, minimise: 0 });
      expect([verdict, message]).toEqual(['bounded', `${RUNS} random schedules are not all`]);
    });
  }
}
