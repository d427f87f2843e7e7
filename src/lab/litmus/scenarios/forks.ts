/** Short-lived forked processes: each opens the device, works and exits, while the parent forks the next. */
import type { Flow } from '../../../base/index.ts';
import type { Task } from '../../../kernel/index.ts';
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { tryOpen } from '../steps.ts';

export const forks: Scenario = {
  name: 'short-lived forks',
  source: 'thread 2021 (Thomas Gleixner): short-lived forked processes',
  about: 'A parent, which has no device, forks one child and then another; each opens, works and exits.',
  bounds: 'three CPUs, a parent and two children, one device with one engine, three numbers',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel, { cpus: 3 });
    const { kernel: k } = machine;
    function* job(tsk: Task): Flow<void> {
      const file = yield* tryOpen(machine, tsk);
      if (typeof file === 'number') world.reach(`${tsk.name} is refused`);
      else world.reach(`${tsk.name}: ${yield* k.user_enqcmd(tsk, file)}`);
      yield* k.do_exit(tsk);
    }
    const children = [1, 2].map((cpu) => machine.child(`child ${cpu}`, cpu, job));
    machine.task('parent', 0, machine.process('mm parent'), function* (tsk) {
      for (const child of children) yield* k.syscall(tsk, k.copy_process(tsk, child, false));
    });
    return { threads: machine.threads(), reachable: ['child 1: accepted', 'child 2: accepted'] };
  },
};
