/** The first bind of a process while the CPU of its other thread switches: to another process, to a sibling, to a kernel thread. */
import type { Flow } from '../../../base/index.ts';
import type { Task } from '../../../kernel/index.ts';
import { Machine, type Process } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { SharedFile } from '../steps.ts';

type Other = 'another process' | 'a sibling' | 'a kernel thread';

export function switchingTo(other: Other, memory: 'sc' | 'tso' = 'sc'): Scenario {
  return {
    name: `switch to ${other}${memory === 'tso' ? ', TSO' : ''}`,
    source: 'mail of 3 Aug 2020: protected by mm_cpumask',
    about: `T1 opens while the CPU of T2 switches to ${other} and back; then T2 works through the file.`,
    bounds: 'two CPUs, one of which switches once to each of its tasks; one device with one engine',
    memory,
    program: (world, kernel) => {
      const machine = new Machine(world, kernel);
      const process = machine.process('mm A');
      const file = new SharedFile(world);
      machine.task('T1', 0, process, function* (tsk) {
        yield* file.open(machine, tsk);
      });
      function* works(tsk: Task): Flow<void> {
        world.reach(`${tsk.name}: ${yield* machine.kernel.user_enqcmd(tsk, yield* file.whenOpen())}`);
      }
      const T2 = machine.task('T2', 1, process, works);
      machine.switching(1, 1, T2, second(machine, other, process, works));
      return { threads: machine.threads(), reachable: ['T2: accepted'] };
    },
  };
}

/** A step of its own: whoever has the CPU does something. */
function* runs(): Flow<void> {
  yield;
}

function second(machine: Machine, other: Other, process: Process, works: (tsk: Task) => Flow<void>): Task {
  if (other === 'a sibling') return machine.waiting('T3', 1, process, works);
  if (other === 'a kernel thread') return machine.kthread('kthread', 1, runs);
  return machine.waiting('B', 1, machine.process('mm B'), runs);
}

export const SWITCHING: readonly Scenario[] = [
  switchingTo('another process'),
  switchingTo('a sibling'),
  switchingTo('a kernel thread'),
  switchingTo('another process', 'tso'),
];
