/** Short-lived processes: open, work, exit without closing. The address space goes before the file does. */

import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { opened } from '../steps.ts';

export const exit: Scenario = {
  name: 'exit',
  source: 'thread 2021: short-lived processes; L01',
  about: 'Two processes open a device, give it work and exit; their files are released after their address spaces.',
  bounds: 'two CPUs, two processes of one thread, one device with one engine',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel);
    for (const [cpu, name] of ['A', 'B'].entries()) {
      machine.task(name, cpu, machine.process(`mm ${name}`), function* (tsk) {
        const file = yield* opened(machine, tsk);
        const result = yield* machine.kernel.user_enqcmd(tsk, file);
        world.reach(`${name}: ${result}`);
        yield* machine.kernel.do_exit(tsk);
      });
    }
    return { threads: machine.threads(), reachable: ['A: accepted', 'B: accepted'] };
  },
};
