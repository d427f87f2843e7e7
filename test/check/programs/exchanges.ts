/** Compare-exchange and add. A failed compare-exchange is a read: counted as a write, casw(4) would be 2,520 and casrot(7) 5,040. */
import { Cell, type Flow, Words, type World } from '../../../src/check/index.ts';
import { type Counted, times } from './counted.ts';

const zero = (world: World, name: string): Cell<number> => new Cell(world, name, 0);

function* exchangesThenStores(x: Cell<number>, thread: number): Flow<void> {
  yield;
  x.compareExchange(0, 1);
  yield;
  x.store(thread + 3);
}

function* exchanges(x: Cell<number>, from: number, to: number): Flow<void> {
  yield;
  x.compareExchange(from, to);
}

function* addsToEach(cells: readonly Cell<number>[]): Flow<void> {
  for (const cell of cells) {
    yield;
    cell.add(1);
  }
}

const INDEXER_SIZE = 128;
const INDEXER_MAX = 4;

function* insertsByExchange(table: Words<number>, thread: number): Flow<void> {
  for (let m = 1; m <= INDEXER_MAX; m++) {
    const w = m * 11 + thread;
    let h = (w * 7) % INDEXER_SIZE;
    for (;;) {
      yield;
      if (table.compareExchange(h, 0, w)) break;
      h = (h + 1) % INDEXER_SIZE;
    }
  }
}

function increments(name: string, words: number, counts: Counted['counts']): Counted {
  return {
    name,
    origin: words === 3 ? 'GenMC synthetic/cinc' : `from_RCMC/${name}.c`,
    size: `threads that add to ${words} variables, one after the other: (N!)^${words}`,
    counts,
    program: (world, n) => {
      const cells = times(words, (i) => zero(world, `x${i}`));
      return { threads: times(n, () => addsToEach(cells)) };
    },
  };
}

export const EXCHANGES: readonly Counted[] = [
  {
    name: 'casw',
    origin: 'from_RCMC/casw.c',
    size: 'threads that compare and exchange 0 for 1, then store',
    counts: [
      [2, 6],
      [3, 66],
      [4, 1200],
      [5, 32880],
    ],
    program: (world, n) => {
      const x = zero(world, 'x');
      return { threads: times(n, (i) => exchangesThenStores(x, i)) };
    },
  },
  {
    name: 'casrot',
    origin: 'from_RCMC/casrot.c',
    size: 'threads of which the i-th compares and exchanges i - 1 for i',
    counts: [
      [2, 2],
      [3, 5],
      [4, 14],
      [5, 43],
      [6, 144],
      [7, 523],
      [8, 2048],
      [9, 8597],
      [10, 38486],
    ],
    program: (world, n) => {
      const x = zero(world, 'x');
      return { threads: times(n, (i) => exchanges(x, i, i + 1)) };
    },
  },
  {
    name: 'cas',
    origin: 'GenMC synthetic/cas',
    size: 'threads that exchange 0 for their number: one succeeds, N',
    counts: [
      [2, 2],
      [3, 3],
      [5, 5],
    ],
    program: (world, n) => {
      const x = zero(world, 'x');
      return { threads: times(n, (i) => exchanges(x, 0, i + 1)) };
    },
  },
  increments('ainc', 1, [
    [3, 6],
    [6, 720],
  ]),
  increments('binc', 2, [
    [3, 36],
    [4, 576],
  ]),
  increments('cinc', 3, [
    [2, 8],
    [3, 216],
    [4, 13824],
  ]),
  {
    name: 'indexer',
    origin: 'SV-COMP/indexer.c, with one compare-exchange for its mutex',
    size: 'threads that insert into a hash table: 8^(T-11), since three insertions of each thread beyond 11 collide with another',
    counts: [
      [11, 1],
      [12, 8],
      [13, 64],
      [14, 512],
      [15, 4096],
      [16, 32768],
    ],
    program: (world, n) => {
      const table = new Words(world, 'table', new Array<number>(INDEXER_SIZE).fill(0));
      return { threads: times(n, (thread) => insertsByExchange(table, thread)) };
    },
  },
];
