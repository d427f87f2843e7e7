/** Every order of what a program can do: at each turn it chooses among what makes sense then. One test has all of them. */
import type { Flow } from '../../../base/index.ts';
import type { DeviceFile, Task } from '../../../kernel/index.ts';
import { Machine } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { closed, tryOpen } from '../steps.ts';

type Operation = 'open' | 'open the other' | 'work' | 'close' | 'exec' | 'fork' | 'clone' | 'exit';

/** What a task can do, and what it has. */
interface Program {
  readonly machine: Machine;
  readonly tsk: Task;
  readonly operations: readonly Operation[];
  /** Turns, at most. */
  readonly turns: number;
  readonly child: Task | null;
  file: DeviceFile | null;
  forked: boolean;
}

function makesSense(operation: Operation, { file, forked }: Program): boolean {
  if (operation === 'work' || operation === 'close') return file !== null;
  if (operation === 'open' || operation === 'open the other') return file === null;
  return !forked || operation === 'exit';
}

function* anyOrder(own: Program): Flow<void> {
  const { world } = own.machine;
  for (let turn = 0; turn < own.turns; turn++) {
    const possible = own.operations.filter((operation) => makesSense(operation, own));
    yield;
    const operation = possible[world.choose(possible.length)]!;
    yield* perform(operation, own, turn);
    if (operation === 'exit') return;
  }
}

function* perform(operation: Operation, own: Program, turn: number): Flow<void> {
  const { child, machine, tsk } = own;
  const { kernel: k, world } = machine;
  if (operation === 'open' || operation === 'open the other') {
    const dev = k.devices[operation === 'open' ? 0 : 1]!;
    const file = yield* tryOpen(machine, tsk, dev, `${tsk.name}'s file ${turn}`);
    own.file = typeof file === 'number' ? null : file;
  } else if (operation === 'work') {
    const result = yield* k.user_enqcmd(tsk, own.file!);
    if (result === 'accepted' && turn >= 3) world.reach('works, late');
  } else if (operation === 'close') {
    const { file } = own;
    own.file = null;
    yield* closed(machine, tsk, file!);
  } else if (operation === 'exec') {
    yield* k.syscall(tsk, k.begin_new_exec(tsk, `mm after turn ${turn}`));
    // The new program does not know of the old one's file.
    own.file = null;
  } else if (operation === 'exit') yield* k.do_exit(tsk);
  else {
    own.forked = true;
    yield* k.syscall(tsk, k.copy_process(tsk, child!, operation === 'clone'));
  }
}

function orders(
  name: string,
  about: string,
  bounds: string,
  threads: (machine: Machine) => void,
  cpus: number,
): Scenario {
  return {
    name: `any order${name}`,
    source: 'fork, clone, exec, exit, unbind in each order with bind and ENQCMD',
    about,
    bounds,
    program: (world, kernel) => {
      const machine = new Machine(world, kernel, { cpus, devices: ['dsa0', 'dsa1'], pasids: { last: 4 } });
      threads(machine);
      return { threads: machine.threads(), reachable: ['works, late'] };
    },
  };
}

function taskOf(machine: Machine, operations: readonly Operation[], turns: number, child: Task | null = null): void {
  machine.task('A', 0, machine.process('mm A'), (tsk) =>
    anyOrder({ machine, tsk, operations, turns, child, file: null, forked: false }),
  );
}

const ALONE: readonly Operation[] = ['open', 'open the other', 'work', 'close', 'exit'];
const EXEC: readonly Operation[] = ['open', 'work', 'close', 'exec', 'exit'];
const BESIDE: readonly Operation[] = ['open', 'work', 'close', 'exec', 'exit'];
const PARENT: readonly Operation[] = ['open', 'work', 'close', 'fork', 'clone', 'exit'];

export const ORDERS: readonly Scenario[] = [
  orders(
    '',
    'A process does six things in any order: opens one of two devices, works, closes, exits.',
    'one CPU, one process of one thread, two devices, six turns',
    (machine) => taskOf(machine, ALONE, 6),
    1,
  ),
  orders(
    ' with exec',
    'A process does five things in any order: opens a device, works, closes, execs, exits.',
    'one CPU, one process of one thread, one device, five turns',
    (machine) => taskOf(machine, EXEC, 5),
    1,
  ),
  orders(
    ', two processes',
    'A does four things in any order, and B opens the same device and works.',
    'two CPUs, two processes of one thread, four turns of one of them',
    (machine) => {
      taskOf(machine, BESIDE, 4);
      machine.task('B', 1, machine.process('mm B'), function* (tsk) {
        const file = yield* tryOpen(machine, tsk);
        if (typeof file !== 'number') yield* machine.kernel.user_enqcmd(tsk, file);
      });
    },
    2,
  ),
  orders(
    ', with a child',
    'A does four things in any order, among them fork and clone; the child opens the device and works.',
    'two CPUs, a process and its child or its second thread, four turns of the first',
    (machine) => {
      function* body(tsk: Task): Flow<void> {
        const file = yield* tryOpen(machine, tsk);
        if (typeof file !== 'number') yield* machine.kernel.user_enqcmd(tsk, file);
      }
      const child = machine.child('child', 1, body, { isSure: false });
      taskOf(machine, PARENT, 4, child);
    },
    2,
  ),
];
