/** A pool of threads that get jobs: each opens, works and closes, whenever it has one. */

import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { closed, opened } from '../steps.ts';

export const pool: Scenario = {
  name: 'pool',
  source: 'thread 2021 (Thomas Gleixner): thread pools',
  about: 'Two threads of one process open, work and close by turns, one of them twice.',
  bounds: 'two CPUs, one process of two threads, one device with one engine, three jobs',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel);
    const process = machine.process('mm A');
    for (const [cpu, jobs] of [2, 1].entries()) {
      machine.task(`T${cpu + 1}`, cpu, process, function* (tsk) {
        for (let job = 1; job <= jobs; job++) {
          const file = yield* opened(machine, tsk, machine.device(), `${tsk.name}'s file ${job}`);
          const result = yield* machine.kernel.user_enqcmd(tsk, file);
          world.reach(`${tsk.name}, job ${job}: ${result}`);
          yield* closed(machine, tsk, file);
        }
      });
    }
    return { threads: machine.threads(), reachable: ['T1, job 2: accepted', 'T2, job 1: accepted'] };
  },
};
