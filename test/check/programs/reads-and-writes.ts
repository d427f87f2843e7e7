/** Straight rows of loads and stores: what is counted is orders of writes, and of reads among them. */
import { Cell, type Flow, until, Words, type World } from '../../../src/check/index.ts';
import { type Counted, times } from './counted.ts';

const zero = (world: World, name: string): Cell<number> => new Cell(world, name, 0);

function* stores(x: Cell<number>, value: number, count = 1): Flow<void> {
  for (let i = 0; i < count; i++) {
    yield;
    x.store(value);
  }
}

function* loads(x: Cell<number>, count = 1): Flow<void> {
  for (let i = 0; i < count; i++) {
    yield;
    x.load();
  }
}

function* storesThenLoads(x: Cell<number>, value: number): Flow<void> {
  yield;
  x.store(value);
  yield;
  x.load();
}

function* adds(x: Cell<number>, delta: number): Flow<void> {
  yield;
  const seen = x.load();
  yield;
  x.store(seen + delta);
}

interface Sigma {
  readonly world: World;
  readonly created: readonly Cell<number>[];
  readonly index: Cell<number>;
  readonly array: Words<number>;
}

function* fillsSlot({ world, created, index, array }: Sigma, thread: number): Flow<void> {
  yield until(world, `thread ${thread} created`, () => created[thread]!.peek() === 1);
  yield;
  const slot = index.load();
  yield;
  array.store(slot, 1);
}

function* createsThreads({ created, index }: Sigma): Flow<void> {
  for (const flag of created) {
    yield;
    const seen = index.load();
    yield;
    index.store(seen + 1);
    yield;
    flag.store(1);
  }
}

function* coherenceWriter(x: Cell<number>, value: number, other: Cell<number>): Flow<void> {
  yield;
  x.store(value);
  yield;
  other.load();
  yield;
  x.load();
}

export const READS_AND_WRITES: readonly Counted[] = [
  {
    name: 'readers',
    origin: 'from_RCMC/readers.c',
    size: 'readers beside one writer: each reads before or after, 2^N',
    counts: [
      [2, 4],
      [10, 1024],
      [15, 32768],
    ],
    program: (world, n) => {
      const x = zero(world, 'x');
      return { threads: [stores(x, 42), ...times(n, () => loads(x))] };
    },
  },
  {
    name: 'lastwrite',
    origin: 'from_OBSERVERS/lastwrite.c',
    size: 'writers of one variable: N!',
    counts: [
      [3, 6],
      [6, 720],
      [8, 40320],
    ],
    program: (world, n) => {
      const x = zero(world, 'var');
      return { threads: times(n, (i) => stores(x, i + 1)) };
    },
  },
  {
    name: 'floating_read',
    origin: 'from_OBSERVERS/floating_read.c',
    size: 'writers of one variable, and main reads it before it joins them: (N+1)!',
    counts: [
      [3, 24],
      [5, 720],
      [7, 40320],
      [8, 362880],
    ],
    program: (world, n) => {
      const x = zero(world, 'x');
      return { threads: [loads(x), ...times(n, (i) => stores(x, i + 1))] };
    },
  },
  {
    name: 'n_writers_a_reader',
    origin: 'from_TRACER/n_writers_a_reader.c',
    size: 'writers beside one reader: (N+1)!',
    counts: [[5, 720]],
    program: (world, n) => {
      const x = zero(world, 'x');
      return { threads: [...times(n, (i) => stores(x, i + 1)), loads(x)] };
    },
  },
  {
    name: 'redundant_co',
    origin: 'from_TRACER/redundant_co.c',
    size: 'writes by each of two threads, beside two reads by a third',
    counts: [
      [1, 12],
      [2, 90],
      [3, 560],
      [4, 3150],
    ],
    program: (world, n) => {
      const x = zero(world, 'x');
      return { threads: [stores(x, 1, n), stores(x, 2, n), loads(x, 2)] };
    },
  },
  {
    name: 'CO-2+2W',
    origin: 'from_TRACER/CO-2+2W.c',
    size: 'threads that write twice: (2N)! / 2^N',
    counts: [
      [2, 6],
      [4, 2520],
      [5, 113400],
    ],
    program: (world, n) => {
      const x = zero(world, 'v');
      return { threads: times(n, (i) => stores(x, i + 1, 2)) };
    },
  },
  {
    name: 'myexample',
    origin: 'from_TRACER/myexample.c',
    size: 'threads that write and read: (N!)^2',
    counts: [
      [2, 4],
      [4, 576],
      [5, 14400],
    ],
    program: (world, n) => {
      const x = zero(world, 'x');
      return { threads: times(n, (i) => storesThenLoads(x, i + 1)) };
    },
  },
  {
    name: 'account',
    origin: 'SWSC_experiment/benchmarks/noasserts/from_MCR/account.c',
    size: 'deposits beside a withdrawal, load and store each: ((N+1)!)^2',
    counts: [
      [1, 4],
      [2, 36],
      [3, 576],
      [4, 14400],
    ],
    program: (world, n) => {
      const amount = zero(world, 'amount');
      return { threads: times(n + 1, (i) => adds(amount, i === n ? -1 : 1)) };
    },
  },
  {
    name: 'sigma',
    origin: 'SV-COMP/sigma.c',
    size: 'threads, each created between writes that it reads: (2N-1)!!',
    counts: [
      [1, 1],
      [4, 105],
      [5, 945],
      [6, 10395],
    ],
    program: (world, n) => {
      const index = new Cell(world, 'array_index', -1);
      const created = times(n, (i) => zero(world, `created ${i}`));
      const array = new Words(world, 'array', new Array<number>(n).fill(0));
      const vars = { world, created, index, array };
      return { threads: [createsThreads(vars), ...times(n, (i) => fillsSlot(vars, i))] };
    },
  },
  {
    name: 'CoA',
    origin: 'GenMC synthetic/CoA',
    size: 'threads beside two that write one variable and read it again',
    counts: [
      [1, 4],
      [2, 15],
      [3, 130],
      [4, 2028],
      [5, 49776],
    ],
    program: (world, n) => {
      const [x, y, z] = [zero(world, 'x'), zero(world, 'y'), zero(world, 'z')];
      const others = times(n - 1, (i) => storesTwo(y, z, i));
      return { threads: [coherenceWriter(x, 1, y), coherenceWriter(x, 2, z), ...others] };
    },
  },
];

function* storesTwo(y: Cell<number>, z: Cell<number>, value: number): Flow<void> {
  yield;
  y.store(value);
  yield;
  z.store(value);
}
