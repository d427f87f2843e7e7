/** Programs in which what is read decides what is touched next. */
import { Cell, type Flow, type Program, type World } from '../../../src/check/index.ts';
import { type Counted, times } from './counted.ts';

const zero = (world: World, name: string): Cell<number> => new Cell(world, name, 0);

function* findsLastZero(array: readonly Cell<number>[]): Flow<void> {
  for (let i = array.length - 1; ; i--) {
    yield;
    if (array[i]!.load() === 0) return;
  }
}

function* copiesPlusOne(from: Cell<number>, to: Cell<number>): Flow<void> {
  yield;
  const seen = from.load();
  yield;
  to.store(seen + 1);
}

interface Sva {
  readonly pte: Cell<number>;
  readonly tlb: Cell<number>;
  readonly freed: Cell<number>;
}

/** Unmap: the entry, then the invalidation, then the page goes back. */
function* unmaps({ pte, tlb, freed }: Sva): Flow<void> {
  yield;
  pte.store(0);
  yield;
  tlb.store(0);
  yield;
  freed.store(1);
}

/** A device: through the TLB, filled by a walk, to the page. */
function* accesses({ pte, tlb, freed }: Sva): Flow<void> {
  yield;
  if (tlb.load() === 0) {
    yield;
    if (pte.load() === 0) return;
    yield;
    tlb.store(1);
  }
  yield;
  freed.load();
}

function* sums(i: Cell<number>, j: Cell<number>, target: Cell<number>, count: number): Flow<void> {
  for (let n = 0; n < count; n++) {
    yield;
    const a = i.load();
    yield;
    const b = j.load();
    yield;
    target.store(a + b);
  }
}

function* loadsBoth(i: Cell<number>, j: Cell<number>): Flow<void> {
  yield;
  i.load();
  yield;
  j.load();
}

function fibonacci(world: World, n: number, isOneVariable: boolean): Program {
  const i = new Cell(world, 'i', 1);
  const j = isOneVariable ? i : new Cell(world, 'j', 1);
  return { threads: [sums(i, j, i, n), sums(j, i, j, n), loadsBoth(i, j)] };
}

function* passesOn(latch: readonly Cell<number>[], flag: readonly Cell<number>[], t: number, loop: number): Flow<void> {
  const next = (t + 1) % latch.length;
  for (let i = 0; ; i++) {
    if (i === loop) return;
    yield;
    if (latch[t]!.load() === 1) break;
  }
  yield;
  if (latch[t]!.load() !== 0) {
    yield;
    flag[t]!.load();
  }
  yield;
  latch[t]!.store(0);
  yield;
  if (flag[t]!.load() !== 1) return;
  for (const [cell, value] of [
    [flag[t]!, 0],
    [flag[next]!, 1],
    [latch[next]!, 1],
  ] as const) {
    yield;
    cell.store(value);
  }
}

interface ControlFlow {
  readonly x: Cell<number>;
  readonly y: Cell<number>;
  readonly z: Cell<number>;
}

function* loads(cell: Cell<number>): Flow<void> {
  yield;
  cell.load();
}

function* setsOne(cell: Cell<number>): Flow<void> {
  yield;
  cell.store(1);
}

function* signals({ y, z }: ControlFlow): Flow<void> {
  yield;
  if (y.load() !== 0) return;
  yield;
  z.store(1);
}

function* follows({ x, y, z }: ControlFlow): Flow<void> {
  yield;
  if (z.load() !== 1) return;
  yield;
  if (y.load() !== 0) return;
  yield;
  x.store(1);
}

export const DATA_DEPENDENT: readonly Counted[] = [
  {
    name: 'lastzero',
    origin: 'from_CONCUERROR/lastzero.c',
    size: 'writers beside one that looks for the last zero: (N+3) * 2^(N-2). The standard case for optimal against source sets',
    counts: [
      [2, 5],
      [3, 12],
      [4, 28],
      [5, 64],
      [8, 704],
      [10, 3328],
      [12, 15360],
      [15, 147456],
    ],
    program: (world, n) => {
      const array = times(n + 1, (i) => zero(world, `array[${i}]`));
      return { threads: [findsLastZero(array), ...times(n, (i) => copiesPlusOne(array[i]!, array[i + 1]!))] };
    },
  },
  {
    name: 'sva',
    origin: 'none: a toy of unmap against devices that share a TLB; 60 by two counters that know nothing of reduction',
    size: 'devices',
    counts: [
      [1, 6],
      [2, 60],
      [3, 824],
    ],
    program: (world, n) => {
      const vars = { pte: new Cell(world, 'pte', 1), tlb: zero(world, 'tlb'), freed: zero(world, 'freed') };
      return { threads: [unmaps(vars), ...times(n, () => accesses(vars))] };
    },
  },
  {
    name: 'fib_bench',
    origin: 'from_OBSERVERS/fib_bench.c',
    size: 'turns of two threads that add each other up, and main reads both before it joins them',
    counts: [
      [1, 11],
      [2, 140],
      [3, 1698],
      [4, 19605],
      [5, 218243],
    ],
    program: (world, n) => fibonacci(world, n, false),
  },
  {
    name: 'fib_one_variable',
    origin: 'from_TRACER/fib_one_variable.c',
    size: 'turns, with one variable for both; sizes 1 and 2 by a counter of our own',
    counts: [
      [1, 36],
      [2, 1530],
      [3, 55496],
    ],
    program: (world, n) => fibonacci(world, n, true),
  },
  {
    name: 'pgsql',
    origin: 'from_TRACER/pgsql.c',
    size: 'threads in a ring, each with as many looks at its latch',
    counts: [[5, 781]],
    program: (world, n) => {
      const ring = (name: string) => times(n, (t) => new Cell(world, `${name}[${t}]`, t === 0 ? 1 : 0));
      const [latch, flag] = [ring('latch'), ring('flag')];
      return { threads: times(n, (t) => passesOn(latch, flag, t, n)) };
    },
  },
  {
    name: 'control_flow',
    origin: 'from_TRACER/control_flow.c',
    size: 'readers of x, and as many writers of y, beside two whose stores depend on what they load',
    counts: [
      [1, 5],
      [2, 18],
      [3, 90],
      [4, 600],
    ],
    program: (world, n) => {
      const vars = { x: zero(world, 'x'), y: zero(world, 'y'), z: zero(world, 'z') };
      const readers = times(n, () => loads(vars.x));
      const writers = times(n, () => setsOne(vars.y));
      return { threads: [...readers, ...writers, signals(vars), follows(vars)] };
    },
  },
];
