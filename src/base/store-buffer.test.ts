import { describe, expect, it } from 'vitest';
import { type Execution, explore } from '../../test/support/toy-scheduler.ts';
import { Cell } from './cell.ts';
import { ATOMIC, type Flow, LOCKED, MFENCE } from './flow.ts';
import { RwLock, SpinLock } from './locks.ts';
import { Queue } from './queue.ts';
import { type AccessEvent, type MemoryModel, World } from './world.ts';

/** A world of two threads under TSO. */
function tso(tracer?: (event: AccessEvent) => void): World {
  const world = new World(tracer === undefined ? { memory: 'tso' } : { memory: 'tso', tracer });
  world.makeBuffers(2);
  return world;
}

function as<T>(world: World, thread: number, act: () => T): T {
  world.thread = thread;
  const result = act();
  world.thread = -1;
  return result;
}

describe('under TSO a store', () => {
  it('is seen by its own thread at once, and by others when it leaves the buffer', () => {
    const world = tso();
    const x = new Cell(world, 'x', 0);
    as(world, 0, () => x.store(1));
    expect(as(world, 0, () => x.load())).toBe(1);
    expect(as(world, 1, () => x.load())).toBe(0);
    expect(x.peek()).toBe(0);
    world.bufferOf(0)!.flush();
    expect(as(world, 1, () => x.load())).toBe(1);
    expect(x.peek()).toBe(1);
  });

  it('leaves the buffer behind those that came before it, and the newest is what its thread reads', () => {
    const world = tso();
    const [x, y] = [new Cell(world, 'x', 0), new Cell(world, 'y', 0)];
    as(world, 0, () => x.store(1));
    as(world, 0, () => y.store(2));
    as(world, 0, () => x.store(3));
    expect(as(world, 0, () => [x.load(), y.load()])).toEqual([3, 2]);
    const seen = [1, 2, 3].map(() => {
      world.bufferOf(0)!.flush();
      return [x.peek(), y.peek()];
    });
    expect(seen).toEqual([
      [1, 0],
      [1, 2],
      [3, 2],
    ]);
    expect(world.bufferOf(0)!.length).toBe(0);
  });

  it('goes straight to memory during the setup, and under sequential consistency', () => {
    const before = new World({ memory: 'tso' });
    const x = new Cell(before, 'x', 0);
    x.store(1);
    expect(x.peek()).toBe(1);
    const sc = new World();
    sc.makeBuffers(2);
    const y = new Cell(sc, 'y', 0);
    as(sc, 0, () => y.store(1));
    expect([y.peek(), sc.bufferOf(0)]).toEqual([1, null]);
  });

  it('is told when it is buffered, when it is read from there, and when it reaches memory', () => {
    const told: AccessEvent[] = [];
    const world = tso((event) => told.push(event));
    const x = new Cell(world, 'x', 0);
    as(world, 0, () => x.store(1));
    as(world, 0, () => x.load());
    world.bufferOf(0)!.flush();
    expect(told.map(({ kind, before, after, note }) => [kind, before, after, note])).toEqual([
      ['write', undefined, 1, 'into the store buffer'],
      ['read', 1, 1, 'from the store buffer'],
      ['write', 0, 1, 'out of the store buffer'],
    ]);
  });
});

describe('a locked operation under TSO', () => {
  it('that would have to wait and was not announced is refused, and the message says what to write', () => {
    const world = tso();
    const [x, y] = [new Cell(world, 'x', 0), new Cell(world, 'y', 0)];
    const queue = new Queue<number>(world, 'queue');
    const freeable = new Cell(world, 'z', 0, { freeable: true });
    as(world, 0, () => x.store(1));
    const attempts: [string, () => unknown][] = [
      ['y.add', () => y.add(1)],
      ['y.exchange', () => y.exchange(1)],
      ['y.compareExchange', () => y.compareExchange(0, 1)],
      ['queue.put', () => queue.put(1)],
      ['z.free', () => freeable.free()],
    ];
    for (const [operation, attempt] of attempts) {
      expect(() => as(world, 0, attempt), operation).toThrow(
        `${operation} is a locked operation, which waits under TSO until the thread's stores have reached memory: \`yield LOCKED;\` before it`,
      );
    }
    world.bufferOf(0)!.flush();
    expect(as(world, 0, () => y.add(1))).toBe(1);
  });

  it('of another thread does not wait', () => {
    const world = tso();
    const [x, y] = [new Cell(world, 'x', 0), new Cell(world, 'y', 0)];
    as(world, 0, () => x.store(1));
    expect(as(world, 1, () => y.add(1))).toBe(1);
  });
});

/** The outcomes of all executions under a memory model: what `outcome` returns at the ends. */
function outcomes(
  memory: MemoryModel,
  make: (world: World) => { threads: Flow<unknown>[]; outcome: () => string },
): { seen: string[]; runs: Execution[] } {
  const seen = new Set<string>();
  const runs = explore(
    (world) => {
      const { threads, outcome } = make(world);
      return { threads, end: () => seen.add(outcome()) };
    },
    { memory },
  );
  return { seen: [...seen].sort(), runs };
}

function storeBuffering(fence: boolean) {
  return (world: World) => {
    const [x, y] = [new Cell(world, 'x', 0), new Cell(world, 'y', 0)];
    const registers = [-1, -1];
    function* body(me: number, mine: Cell<number>, other: Cell<number>): Flow<void> {
      yield;
      mine.store(1);
      if (fence) yield MFENCE;
      yield;
      registers[me] = other.load();
    }
    return { threads: [body(0, x, y), body(1, y, x)], outcome: () => registers.join('') };
  };
}

describe('two threads that store and then load what the other stored', () => {
  it('may both read the old values under TSO, and not under sequential consistency', () => {
    expect(outcomes('sc', storeBuffering(false)).seen).toEqual(['01', '10', '11']);
    expect(outcomes('tso', storeBuffering(false)).seen).toEqual(['00', '01', '10', '11']);
  });

  it('may not with a fence between, which waits for the buffer and never for ever', () => {
    const { seen, runs } = outcomes('tso', storeBuffering(true));
    expect(seen).toEqual(['01', '10', '11']);
    expect(runs.filter(({ deadlock }) => deadlock !== null)).toEqual([]);
  });
});

describe('locks under TSO', () => {
  function counting(
    take: (lock: SpinLock | RwLock) => [Flow<void>, Flow<void>],
    make: (world: World) => SpinLock | RwLock,
  ) {
    return (world: World) => {
      const lock = make(world);
      const x = new Cell(world, 'x', 0);
      function* body(): Flow<void> {
        const [acquire, release] = take(lock);
        yield* acquire;
        yield;
        const seen = x.load();
        yield;
        x.store(seen + 1);
        yield* release;
      }
      return { threads: [body(), body()], outcome: () => String(x.peek()) };
    };
  }
  function* one(step: () => ReturnType<SpinLock['acquire']>): Flow<void> {
    yield step();
  }

  it('release behind the stores of the critical section: nothing is lost', () => {
    const spin = counting(
      (lock) => [one(() => (lock as SpinLock).acquire()), one(() => (lock as SpinLock).release())],
      (world) => new SpinLock(world, 'lock'),
    );
    const { seen, runs } = outcomes('tso', spin);
    expect(seen).toEqual(['2']);
    expect(runs.filter(({ deadlock }) => deadlock !== null)).toEqual([]);
    const rw = counting(
      (lock) => [one(() => (lock as RwLock).writeLock()), one(() => (lock as RwLock).writeUnlock())],
      (world) => new RwLock(world, 'lock'),
    );
    expect(outcomes('tso', rw).seen).toEqual(['2']);
  });

  it('are still held until the release leaves the buffer', () => {
    const world = tso();
    const lock = new SpinLock(world, 'lock');
    as(world, 0, () => lock.acquire().perform(0));
    as(world, 0, () => lock.release().perform(0));
    expect([lock.owner, lock.acquire().enabled(1)]).toEqual([0, false]);
    world.bufferOf(0)!.flush();
    expect([lock.owner, lock.acquire().enabled(1)]).toEqual([-1, true]);
  });
});

describe('announced locked operations under TSO', () => {
  it('lose nothing, and drain the stores before them', () => {
    const { seen } = outcomes('tso', (world) => {
      const [x, flag] = [new Cell(world, 'x', 0), new Cell(world, 'flag', 0)];
      function* body(): Flow<void> {
        yield;
        flag.store(1);
        yield LOCKED;
        if (x.add(1) === 2) expect(flag.peek()).toBe(1);
      }
      return { threads: [body(), body()], outcome: () => `${x.peek()}` };
    });
    expect(seen).toEqual(['2']);
  });

  it('are more than an atomic step of plain accesses, whose store waits in the buffer: an update may be lost', () => {
    const { seen } = outcomes('tso', (world) => {
      const x = new Cell(world, 'x', 0);
      function* body(): Flow<void> {
        yield ATOMIC;
        x.store(x.load() + 1);
      }
      return { threads: [body(), body()], outcome: () => `${x.peek()}` };
    });
    expect(seen).toEqual(['1', '2']);
  });
});
