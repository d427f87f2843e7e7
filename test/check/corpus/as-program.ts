/** A program of the corpus as its author would write it for the checker: generator functions over shared objects. */
import {
  ATOMIC,
  atEnd,
  Cell,
  type CheckTest,
  cpuRelax,
  type Daemon,
  type Flow,
  LOCKED,
  MFENCE,
  Mutex,
  type Program,
  Queue,
  RwLock,
  SpinLock,
  UseAfterFree,
  until,
  type World,
} from '../../../src/check/index.ts';
import { FREED, LOCKS, type Op, type Outcome, printOutcome, type Spec } from './spec.ts';

type Properties = NonNullable<Program['always']>;

interface Objects {
  readonly world: World;
  readonly cells: readonly Cell<number>[];
  readonly spin: readonly SpinLock[];
  readonly mutex: readonly Mutex[];
  readonly rw: RwLock;
  readonly queue: Queue<number>;
}

interface Registers {
  seen: number;
  readonly reads: (number | typeof FREED)[];
  state: 'goes on' | 'retries' | 'ended';
}

/** A program with what its execution came to, once nothing can run. */
export interface Observed extends Program {
  readonly outcome: () => Outcome;
}

export interface Expectations {
  /** The outcome that no execution may have, as printed. */
  readonly neverEndsWith?: string;
  /** Values of the first cells that may never be there at one time. */
  readonly neverHolds?: readonly number[];
  /** A use after free is thrown, not only noted. */
  readonly throwsFreed?: boolean;
  /** Nothing is a violation: each thread may wait for ever. */
  readonly daemons?: boolean;
}

export function testOf(spec: Spec, expectations: Expectations = {}): CheckTest {
  return {
    name: spec.name,
    expect: 'holds',
    memory: spec.memory,
    program: (world) => observe(spec, world, expectations),
  };
}

function observe(spec: Spec, world: World, expectations: Expectations): Observed {
  const { throwsFreed = false, daemons = false } = expectations;
  const objects = makeObjects(spec, world);
  const registers = spec.threads.map((): Registers => ({ seen: 0, reads: [], state: 'goes on' }));
  const threads: Record<string, Flow<void> | Daemon> = {};
  for (const [i, ops] of spec.threads.entries()) {
    const flow = body(objects, registers[i]!, ops, throwsFreed);
    threads[`t${i}`] = daemons ? { daemon: flow } : flow;
  }
  const outcome = (): Outcome => ({
    end: endOf(registers),
    memory: objects.cells.map((cell) => cell.peek()),
    reads: registers.map(({ reads }) => [...reads]),
  });
  return { threads, outcome, always: properties(outcome, expectations) };
}

function endOf(registers: readonly Registers[]): Outcome['end'] {
  const left = registers.filter(({ state }) => state !== 'ended');
  if (left.length === 0) return 'ended';
  return left.some(({ state }) => state === 'retries') ? 'livelock' : 'deadlock';
}

function properties(outcome: () => Outcome, { neverEndsWith, neverHolds }: Expectations): Properties {
  const always: Record<string, Properties[string]> = {};
  if (neverEndsWith !== undefined) {
    always['another outcome'] = atEnd(() => printOutcome(outcome()) !== neverEndsWith);
  }
  if (neverHolds !== undefined) {
    always['other values'] = () => {
      const { memory } = outcome();
      return !neverHolds.every((value, i) => memory[i] === value);
    };
  }
  return always;
}

function makeObjects({ cells, freeable }: Spec, world: World): Objects {
  const list = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
  return {
    world,
    cells: list(cells, (i) => new Cell(world, `x${i}`, 0, { freeable })),
    spin: list(LOCKS, (i) => new SpinLock(world, `spin ${i}`)),
    mutex: list(LOCKS, (i) => new Mutex(world, `mutex ${i}`)),
    rw: new RwLock(world, 'rw', 4),
    queue: new Queue<number>(world, 'queue'),
  };
}

function* body(objects: Objects, registers: Registers, ops: readonly Op[], throwsFreed: boolean): Flow<void> {
  try {
    yield* run(objects, registers, ops);
    registers.state = 'ended';
  } catch (error) {
    if (throwsFreed || !(error instanceof UseAfterFree)) throw error;
    registers.reads.push(FREED);
    registers.state = 'ended';
  }
}

function* run(objects: Objects, registers: Registers, ops: readonly Op[]): Flow<void> {
  for (const op of ops) yield* perform(objects, registers, op);
}

function sees(registers: Registers, value: number): void {
  registers.seen = value;
  registers.reads.push(value);
}

function* perform(objects: Objects, registers: Registers, op: Op): Flow<void> {
  const { world, queue } = objects;
  switch (op.kind) {
    case 'ifEqual':
      yield;
      sees(registers, objects.cells[op.cell]!.load());
      if (registers.seen === op.value) yield* run(objects, registers, op.inner);
      return;
    case 'whichever': {
      yield;
      const chosen = world.choose(2);
      sees(registers, chosen);
      return yield* run(objects, registers, chosen === 1 ? op.inner : op.other);
    }
    case 'choose':
      yield;
      return sees(registers, world.choose(2));
    case 'put':
      yield LOCKED;
      return queue.put(op.value);
    case 'take':
      yield MFENCE;
      yield queue.notEmpty();
      return sees(registers, queue.take());
    case 'fence':
      yield MFENCE;
      return;
    case 'retry':
      return yield* retry(world, registers, objects.cells[op.cell]!, op.value);
    case 'locked':
      return yield* locked(objects, registers, op);
    case 'until':
    case 'untilBoth':
    case 'atomic':
      return yield* looksAtSeveral(objects, op);
    case 'load':
    case 'store':
    case 'storeSeen':
      yield;
      return plain(registers, objects.cells[op.cell]!, op);
    default:
      yield LOCKED;
      return modify(registers, objects.cells[op.cell]!, op);
  }
}

function plain(registers: Registers, cell: Cell<number>, op: Op): void {
  if (op.kind === 'load') sees(registers, cell.load());
  else if (op.kind === 'store') cell.store(op.value);
  else if (op.kind === 'storeSeen') cell.store(registers.seen + 1);
}

function modify(registers: Registers, cell: Cell<number>, op: Op): void {
  if (op.kind === 'free') cell.free();
  else if (op.kind === 'exchange') sees(registers, cell.exchange(op.value));
  else if (op.kind === 'compareExchange') sees(registers, Number(cell.compareExchange(op.expected, op.value)));
  else if (op.kind === 'add') sees(registers, cell.add(1));
}

function* looksAtSeveral({ world, cells }: Objects, op: Op): Flow<void> {
  if (op.kind === 'until') {
    yield until(world, 'until', () => cells[op.cell]!.peek() === op.value);
  } else if (op.kind === 'untilBoth') {
    const [[a, b], [x, y]] = [op.cells, op.values];
    yield until(world, 'until both', () => cells[a]!.peek() === x && cells[b]!.peek() === y);
  } else if (op.kind === 'atomic') {
    yield ATOMIC;
    if (cells[op.cell]!.load() === op.value) cells[op.other]!.store(op.value + 1);
  }
}

function* retry(world: World, registers: Registers, cell: Cell<number>, value: number): Flow<void> {
  registers.state = 'retries';
  for (;;) {
    yield;
    if (cell.load() === value) break;
    yield cpuRelax(world);
  }
  registers.state = 'goes on';
}

function* locked(objects: Objects, registers: Registers, op: Op & { kind: 'locked' }): Flow<void> {
  const { rw } = objects;
  const { inner, index } = op;
  if (op.lock === 'read') {
    yield rw.readLock();
    yield* run(objects, registers, inner);
    yield rw.readUnlock();
  } else if (op.lock === 'write') {
    yield rw.writeLock();
    yield* run(objects, registers, inner);
    yield rw.writeUnlock();
  } else {
    const lock = objects[op.lock][index]!;
    yield lock.acquire();
    yield* run(objects, registers, inner);
    yield lock.release();
  }
}
