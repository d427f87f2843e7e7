/** A file that is sent to another process (SCM_RIGHTS) outlives who bound it, and is released by the other, which may have a bind of its own. */
import { Cell, until } from '../../../base/index.ts';
import type { DeviceFile } from '../../../kernel/index.ts';
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { opened } from '../steps.ts';

export const sentFile: Scenario = {
  name: 'sent file',
  source: 'docs/designs.md, common ground: SCM_RIGHTS',
  about:
    'A opens and works; B has the file from it, opens the device too, works, and closes the file of A, which exits meanwhile.',
  bounds: 'two CPUs, two processes of one thread, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel);
    const { kernel: k } = machine;
    const stage = new Cell(world, 'stage', 0);
    const files: DeviceFile[] = [];
    machine.task('A', 0, machine.process('mm A'), function* (tsk) {
      files.push(yield* opened(machine, tsk));
      world.reach(`A: ${yield* k.user_enqcmd(tsk, files[0]!)}`);
      yield;
      stage.store(1);
      yield until(world, 'B has the file', () => stage.peek() === 2);
      yield* k.do_exit(tsk);
    });
    machine.task('B', 1, machine.process('mm B'), function* (tsk) {
      yield until(world, 'A sends the file', () => stage.peek() === 1);
      yield* k.syscall(tsk, k.receive_fd(tsk, files[0]!));
      yield;
      stage.store(2);
      const own = yield* opened(machine, tsk);
      world.reach(`B: ${yield* k.user_enqcmd(tsk, own)}`);
      yield* k.syscall(tsk, k.filp_close(tsk.files!, files[0]!));
      world.reach(`B, later: ${yield* k.user_enqcmd(tsk, own)}`);
    });
    return { threads: machine.threads(), reachable: ['A: accepted', 'B, later: accepted'] };
  },
};
