/** Critical sections: what is counted is their orders, and nothing of what is inside. */
import { Cell, type Flow, Mutex, Words, type World } from '../../../src/check/index.ts';
import { type Counted, times } from './counted.ts';

const zero = (world: World, name: string): Cell<number> => new Cell(world, name, 0);
const zeros = (world: World, name: string, count: number) => new Words(world, name, new Array<number>(count).fill(0));

const INDEXER_SIZE = 128;
const INDEXER_MAX = 4;

function* insertsLocked(table: Words<number>, mutexes: readonly Mutex[], thread: number): Flow<void> {
  for (let m = 1; m <= INDEXER_MAX; m++) {
    const w = m * 11 + thread;
    let h = (w * 7) % INDEXER_SIZE;
    for (let inserted = false; !inserted; h = (h + 1) % INDEXER_SIZE) {
      yield mutexes[h]!.acquire();
      yield;
      if (table.load(h) === 0) {
        yield;
        table.store(h, w);
        inserted = true;
      }
      yield mutexes[h]!.release();
    }
  }
}

function* pushes(mutex: Mutex, top: Cell<number>, stack: Words<number>, size: number): Flow<void> {
  for (let i = 0; i < size; i++) {
    yield mutex.acquire();
    yield;
    top.load();
    yield;
    top.load();
    yield;
    const slot = top.load();
    yield;
    stack.store(slot, i);
    yield;
    const now = top.load();
    yield;
    top.store(now + 1);
    yield mutex.release();
  }
}

function* pops(mutex: Mutex, top: Cell<number>, stack: Words<number>, size: number): Flow<void> {
  for (let i = 0; i < size; i++) {
    yield mutex.acquire();
    yield;
    if (top.load() > 0) {
      yield;
      top.load();
      yield;
      const now = top.load();
      yield;
      top.store(now - 1);
      yield;
      const slot = top.load();
      yield;
      stack.load(slot);
    }
    yield mutex.release();
  }
}

function* sections(mutex: Mutex, counter: Cell<number>, count: number): Flow<void> {
  for (let i = 0; i < count; i++) {
    yield mutex.acquire();
    yield;
    const seen = counter.load();
    yield;
    counter.store(seen + 1);
    yield mutex.release();
  }
}

/** Skeleton of programs all of whose accesses are under one mutex: orders of sections. */
function underOneMutex(name: string, origin: string, size: string, more: Pick<Counted, 'counts'> & Shape): Counted {
  const { counts, threads, each } = more;
  return {
    name,
    origin,
    size,
    counts,
    program: (world, n) => {
      const [mutex, counter] = [new Mutex(world, 'mutex'), zero(world, 'counter')];
      return { threads: times(threads(n), () => sections(mutex, counter, each(n))) };
    },
  };
}

interface Shape {
  readonly threads: (size: number) => number;
  readonly each: (size: number) => number;
}

const NUM_BLOCKS = 26;
const NUM_INODES = 32;

interface FileSystem {
  readonly inodeLocks: readonly Mutex[];
  readonly blockLocks: readonly Mutex[];
  readonly inodes: Words<number>;
  readonly busy: Words<number>;
}

function* createsFile({ inodeLocks, blockLocks, inodes, busy }: FileSystem, thread: number): Flow<void> {
  const i = thread % NUM_INODES;
  yield inodeLocks[i]!.acquire();
  yield;
  if (inodes.load(i) === 0) {
    let b = (i * 2) % NUM_BLOCKS;
    for (let tries = 0; tries < 10; tries++) {
      yield blockLocks[b]!.acquire();
      yield;
      if (busy.load(b) === 0) {
        yield;
        busy.store(b, 1);
        yield;
        inodes.store(i, b + 1);
        yield blockLocks[b]!.release();
        break;
      }
      yield blockLocks[b]!.release();
      b = (b + 1) % NUM_BLOCKS;
    }
  }
  yield inodeLocks[i]!.release();
}

const RW_LOCK_BIAS = 0x100000;

/** write_trylock and write_unlock of linux's rwlock: both branches add back. */
function* triesToWrite(lock: Cell<number>, shared: Cell<number>, id: number, count: number): Flow<void> {
  for (let i = 0; i < count; i++) {
    yield;
    const left = lock.add(-RW_LOCK_BIAS);
    if (left === 0) {
      yield;
      shared.store(id);
      yield;
      shared.load();
    }
    yield;
    lock.add(RW_LOCK_BIAS);
  }
}

export const CRITICAL_SECTIONS: readonly Counted[] = [
  {
    name: 'indexer, mutexes',
    origin: 'SV-COMP/indexer.c',
    size: 'threads that insert into a hash table: 8^(T-11)',
    counts: [
      [11, 1],
      [12, 8],
      [13, 64],
      [14, 512],
      [15, 4096],
    ],
    program: (world, n) => {
      const table = zeros(world, 'table', INDEXER_SIZE);
      const mutexes = times(INDEXER_SIZE, (h) => new Mutex(world, `cas_mutex[${h}]`));
      return { threads: times(n, (thread) => insertsLocked(table, mutexes, thread)) };
    },
  },
  {
    name: 'stack_true',
    origin: 'SV-COMP/stack_true.c',
    size: 'pushes beside as many pops: C(2S, S)',
    counts: [
      [4, 70],
      [6, 924],
    ],
    program: (world, n) => {
      const [mutex, top, stack] = [new Mutex(world, 'm'), zero(world, 'top'), zeros(world, 'stack', n)];
      return { threads: [pushes(mutex, top, stack, n), pops(mutex, top, stack, n)] };
    },
  },
  underOneMutex('queue_ok', 'SV-COMP/queue_ok.c', 'threads of one section: N!', {
    counts: [[6, 720]],
    threads: (n) => n,
    each: () => 1,
  }),
  underOneMutex('pthread_demo', 'SV-COMP/pthread_demo.c', 'sections of each of two threads: C(2N, N)', {
    counts: [[5, 252]],
    threads: () => 2,
    each: (n) => n,
  }),
  underOneMutex('circular_buffer', 'from_SCTBench/circular_buffer.c', 'sections of each of two threads: C(2N, N)', {
    counts: [
      [4, 70],
      [7, 3432],
      [8, 12870],
      [9, 48620],
    ],
    threads: () => 2,
    each: (n) => n,
  }),
  {
    name: 'filesystem',
    origin: 'from_TRACER/filesystem.c',
    size: 'threads that take a lock each and others within',
    counts: [
      [12, 1],
      [14, 2],
      [16, 8],
      [18, 32],
    ],
    program: (world, n) => {
      const inodeLocks = times(NUM_INODES, (i) => new Mutex(world, `locki[${i}]`));
      const blockLocks = times(NUM_BLOCKS, (b) => new Mutex(world, `lockb[${b}]`));
      const [inodes, busy] = [zeros(world, 'inode', NUM_INODES), zeros(world, 'busy', NUM_BLOCKS)];
      return { threads: times(n, (t) => createsFile({ inodeLocks, blockLocks, inodes, busy }, t)) };
    },
  },
  {
    name: 'linuxrwlocks',
    origin: 'SWSC_experiment/benchmarks/noasserts/linuxrwlock/linuxrwlocks.cc',
    size: 'tries to write by each of two threads: C(4N, 2N)',
    counts: [
      [1, 6],
      [2, 70],
      [3, 924],
      [4, 12870],
    ],
    program: (world, n) => {
      const [lock, shared] = [new Cell(world, 'lock', RW_LOCK_BIAS), zero(world, 'var')];
      return { threads: [triesToWrite(lock, shared, 1, n), triesToWrite(lock, shared, 2, n)] };
    },
  },
];
