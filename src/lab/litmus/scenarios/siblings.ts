/** One thread does open, ENQCMD, close, exit while its sibling lives on and uses a device later; another process may get the number in between. */
import { Cell, until } from '../../../base/index.ts';
import type { DeviceFile } from '../../../kernel/index.ts';
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { closed, opened } from '../steps.ts';

export const siblings: Scenario = {
  name: 'siblings',
  source: 'thread 2021 (Fenghua Yu): open, ENQCMD, close, exit while siblings run',
  about:
    'T1 opens, both threads work through its file, T1 closes and exits; then T2 opens a file of its own and works. B comes when it likes.',
  bounds: 'three CPUs, a process of two threads and one of one, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel, { cpus: 3 });
    const process = machine.process('mm A');
    const stage = new Cell(world, 'stage', 0);
    const files: DeviceFile[] = [];
    const wait = (n: number) => until(world, `stage ${n}`, () => stage.peek() >= n);
    machine.task('T1', 0, process, function* (tsk) {
      files.push(yield* opened(machine, tsk));
      yield* machine.kernel.user_enqcmd(tsk, files[0]!);
      yield;
      stage.store(1);
      yield wait(2);
      yield* closed(machine, tsk, files[0]!);
      yield* machine.kernel.do_exit(tsk);
      yield;
      stage.store(3);
    });
    machine.task('T2', 1, process, function* (tsk) {
      yield wait(1);
      yield* machine.kernel.user_enqcmd(tsk, files[0]!);
      yield;
      stage.store(2);
      yield wait(3);
      const own = yield* opened(machine, tsk);
      world.reach(`T2: ${yield* machine.kernel.user_enqcmd(tsk, own)}`);
    });
    machine.task('B', 2, machine.process('mm B'), function* (tsk) {
      const own = yield* opened(machine, tsk);
      world.reach(`B: ${yield* machine.kernel.user_enqcmd(tsk, own)}`);
    });
    return { threads: machine.threads(), reachable: ['T2: accepted', 'B: accepted'] };
  },
};
