/** The last number of 2^20: who has it, and who gets it when. Being refused is no fault of safety: the mark says who was. */
import { Cell, until } from '../../../base/index.ts';
import type { Program } from '../../../check/index.ts';
import { PASID_MAX } from '../../../kernel/index.ts';
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { closed, tryOpen } from '../steps.ts';

const LAST = PASID_MAX - 2;

export const exhaustion: Scenario = {
  name: 'exhaustion',
  source: 'thread 2021: pressure on 2^20 numbers',
  about: 'One number is left. A opens, closes and lives on; then B opens, and must not be refused.',
  bounds: 'two CPUs, two processes of one thread, 2^20 - 3 numbers in use',
  program: (world, kernel) => oneLeft(new Machine(world, kernel, { pasids: { first: LAST, last: LAST } })),
};

/** Numbers are left, and one that the device knows. */
export const narrowDevice: Scenario = {
  name: 'exhaustion, narrow device',
  source: 'thread 2021: pressure on numbers; max_pasids',
  about:
    'One number is left below the 2^16 that the device knows, and more above. A opens, closes and lives on; then B opens, and must not be refused.',
  bounds: 'two CPUs, two processes of one thread, a device of 16 bits, 65,534 numbers in use',
  program: (world, kernel) =>
    oneLeft(
      new Machine(world, kernel, {
        devices: [{ name: 'narrow', max_pasids: 65_536 }],
        pasids: { first: 65_535, last: 65_538 },
      }),
    ),
};

function oneLeft(machine: Machine): Program {
  const { kernel: k, world } = machine;
  const stage = new Cell(world, 'stage', 0);
  machine.task('A', 0, machine.process('mm A'), function* (tsk) {
    const file = yield* tryOpen(machine, tsk);
    if (typeof file !== 'number') {
      yield* k.user_enqcmd(tsk, file);
      yield* closed(machine, tsk, file);
    }
    yield;
    stage.store(1);
  });
  machine.task('B', 1, machine.process('mm B'), function* (tsk) {
    yield until(world, 'A has closed', () => stage.peek() === 1);
    const file = yield* tryOpen(machine, tsk);
    world.reach(typeof file === 'number' ? 'B is refused, and nobody is bound' : 'B opens');
  });
  return { threads: machine.threads(), never: ['B is refused, and nobody is bound'], reachable: ['B opens'] };
}

export const afterExit: Scenario = {
  name: 'exhaustion, after exit',
  source: 'thread 2021: pressure on 2^20 numbers',
  about: 'One number is left. A opens, works, closes and exits; then B opens, and must not be refused: nothing leaks.',
  bounds: 'two CPUs, two processes of one thread, 2^20 - 3 numbers in use',
  program: (world, kernel) => {
    const machine = new Machine(world, kernel, { pasids: { first: LAST - 1, last: LAST } });
    const { kernel: k } = machine;
    const stage = new Cell(world, 'A is gone', 0);
    machine.task('A', 0, machine.process('mm A'), function* (tsk) {
      for (const round of [1, 2, 3]) {
        const file = yield* tryOpen(machine, tsk, machine.device(), `A's file ${round}`);
        if (typeof file === 'number') break;
        yield* k.user_enqcmd(tsk, file);
        yield* closed(machine, tsk, file);
      }
      yield* k.do_exit(tsk);
      yield;
      stage.store(1);
    });
    machine.task('B', 1, machine.process('mm B'), function* (tsk) {
      yield until(world, 'A is gone', () => stage.peek() === 1);
      const file = yield* tryOpen(machine, tsk);
      world.reach(typeof file === 'number' ? 'B is refused, and A is gone' : 'B opens');
    });
    return { threads: machine.threads(), never: ['B is refused, and A is gone'], reachable: ['B opens'] };
  },
};
