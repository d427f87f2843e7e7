/** A file outlives the process that bound it: its child has it too, and releases it last. */
import { Cell, until } from '../../../base/index.ts';
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { opened } from '../steps.ts';

export const passedFile: Scenario = {
  name: 'passed file',
  source: 'docs/designs.md, common ground: fork, SCM_RIGHTS',
  about:
    'A opens, works, forks and exits; the child, which has the file, exits later and so unbinds A. B opens and works meanwhile.',
  bounds: 'three CPUs, a process and its child and another, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel, { cpus: 3, pasids: { last: 4 } });
    const { kernel: k } = machine;
    const gone = new Cell(world, 'A is gone', 0);
    const child = machine.child('child', 1, function* (tsk) {
      yield until(world, 'A is gone', () => gone.peek() === 1);
      yield* k.do_exit(tsk);
    });
    machine.task('A', 0, machine.process('mm A'), function* (tsk) {
      const file = yield* opened(machine, tsk);
      world.reach(`A: ${yield* k.user_enqcmd(tsk, file)}`);
      yield* k.syscall(tsk, k.copy_process(tsk, child, false));
      yield* k.do_exit(tsk);
      yield;
      gone.store(1);
    });
    machine.task('B', 2, machine.process('mm B'), function* (tsk) {
      const file = yield* opened(machine, tsk);
      world.reach(`B: ${yield* k.user_enqcmd(tsk, file)}`);
    });
    return { threads: machine.threads(), reachable: ['A: accepted', 'B: accepted'] };
  },
};
