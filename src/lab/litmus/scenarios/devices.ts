/** One process and two devices: binds and unbinds in each order. */
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { closed, opened } from '../steps.ts';

export const twoDevices: Scenario = {
  name: 'two devices',
  source: 'docs/designs.md: first and last device of an mm',
  about: 'Two threads of one process open a device each, work and close.',
  bounds: 'two CPUs, one process of two threads, two devices with one engine each',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel, { devices: ['dsa0', 'dsa1'] });
    const process = machine.process('mm A');
    for (const cpu of [0, 1]) {
      machine.task(`T${cpu}`, cpu, process, function* (tsk) {
        const file = yield* opened(machine, tsk, machine.device(`dsa${cpu}`));
        world.reach(`${tsk.name}: ${yield* machine.kernel.user_enqcmd(tsk, file)}`);
        yield* closed(machine, tsk, file);
      });
    }
    return { threads: machine.threads(), reachable: ['T0: accepted', 'T1: accepted'] };
  },
};
