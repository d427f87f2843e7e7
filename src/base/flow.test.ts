import { describe, expect, it } from 'vitest';
import { type Execution, explore, type Program } from '../../test/support/toy-scheduler.ts';
import { Cell, type Flow, Lock, RwLock, runAlone, until, type World } from './flow.ts';

function* incrementInTwoSteps(cell: Cell<number>, times: number): Flow<void> {
  for (let i = 0; i < times; i++) {
    yield;
    const seen = cell.load();
    yield;
    cell.store(seen + 1);
  }
}

function* incrementAtOnce(cell: Cell<number>, times: number): Flow<void> {
  for (let i = 0; i < times; i++) {
    yield;
    cell.add(1);
  }
}

/** Every execution of two threads that run `body`, and the values that the counter may end with. */
function counterOutcomes(body: (cell: Cell<number>, times: number) => Flow<void>, times: number) {
  const outcomes = new Set<number>();
  const runs = explore((world) => {
    const cell = new Cell(world, 'counter', 0);
    return { threads: [body(cell, times), body(cell, times)], end: () => outcomes.add(cell.peek()) };
  });
  return { executions: runs.length, outcomes: [...outcomes].sort() };
}

function binomial(n: number, k: number): number {
  let value = 1;
  for (let i = 1; i <= k; i++) value = (value * (n - k + i)) / i;
  return value;
}

function deadlocks(runs: readonly Execution[]) {
  return runs.filter((run) => run.deadlock !== null);
}

describe('interleaving', () => {
  it('has as many orders as two rows of steps can be merged', () => {
    expect(counterOutcomes(incrementAtOnce, 2).executions).toBe(binomial(4, 2));
    expect(counterOutcomes(incrementInTwoSteps, 1).executions).toBe(binomial(4, 2));
    expect(counterOutcomes(incrementInTwoSteps, 2).executions).toBe(binomial(8, 4));
  });

  it('has a multinomial number of orders with three threads', () => {
    const runs = explore((world) => {
      const cell = new Cell(world, 'counter', 0);
      return { threads: [2, 2, 2].map((times) => incrementAtOnce(cell, times)) };
    });
    expect(runs).toHaveLength(90);
    expect(new Set(runs.map((run) => run.schedule.join(''))).size).toBe(90);
  });

  it('loses an update between a load and a store', () => {
    expect(counterOutcomes(incrementInTwoSteps, 1).outcomes).toEqual([1, 2]);
    expect(counterOutcomes(incrementInTwoSteps, 2).outcomes).toEqual([2, 3, 4]);
  });

  it('loses none with an atomic add', () => {
    expect(counterOutcomes(incrementAtOnce, 2).outcomes).toEqual([4]);
  });

  it('loses none when a compare-exchange is tried again', () => {
    function* retrying(cell: Cell<number>): Flow<void> {
      for (;;) {
        yield;
        const seen = cell.load();
        yield;
        if (cell.compareExchange(seen, seen + 1)) return;
      }
    }
    expect(counterOutcomes(retrying, 1).outcomes).toEqual([2]);
  });
});

describe('the access log', () => {
  it('says what each method did: a failed compare-exchange is a read', () => {
    let log: string[] = [];
    explore((world) => {
      const cell = new Cell(world, 'x', 1);
      function* body(): Flow<void> {
        yield;
        cell.load();
        yield;
        cell.compareExchange(7, 8);
        yield;
        cell.compareExchange(1, 2);
        yield;
        cell.store(3);
        yield;
        cell.add(1);
        cell.peek();
      }
      return { threads: [body()], end: () => (log = world.accesses.map((a) => `${a.object.name} ${a.kind}`)) };
    });
    expect(log).toEqual(['x read', 'x read', 'x write', 'x write', 'x write']);
  });
});

describe('choose', () => {
  it('is explored like the schedule', () => {
    const seen: string[] = [];
    const runs = explore((world) => {
      const picked: number[] = [];
      function* body(): Flow<void> {
        yield;
        picked.push(world.choose(3));
        yield;
        picked.push(world.choose(2));
      }
      return { threads: [body()], end: () => seen.push(picked.join('')) };
    });
    expect(runs).toHaveLength(6);
    expect(seen).toEqual(['00', '01', '10', '11', '20', '21']);
  });

  it('multiplies with the schedule', () => {
    const runs = explore((world) => {
      function* body(): Flow<void> {
        yield;
        world.choose(2);
      }
      return { threads: [body(), body()] };
    });
    // Two orders, and two choices of two in each.
    expect(runs).toHaveLength(8);
  });
});

describe('Lock', () => {
  it('keeps others out: two critical sections have two orders', () => {
    const ends = new Set<number>();
    const runs = explore((world) => {
      const lock = new Lock(world, 'lock');
      const cell = new Cell(world, 'counter', 0);
      function* body(): Flow<void> {
        yield lock.acquire();
        yield* incrementInTwoSteps(cell, 1);
        yield lock.release();
      }
      return { threads: [body(), body()], end: () => ends.add(cell.peek()) };
    });
    expect(runs).toHaveLength(2);
    expect([...ends]).toEqual([2]);
  });

  it('taken in opposite orders deadlocks, and the report says who waits for whom', () => {
    const runs = explore((world) => {
      const [a, b] = [new Lock(world, 'a'), new Lock(world, 'b')];
      return { threads: [takeBoth(a, b), takeBoth(b, a)] };
    });
    const stuck = deadlocks(runs);
    expect(stuck.length).toBeGreaterThan(0);
    for (const { deadlock } of stuck) {
      expect(deadlock).toEqual([
        { thread: 0, label: 'b.acquire', waitsFor: [1] },
        { thread: 1, label: 'a.acquire', waitsFor: [0] },
      ]);
    }
  });

  it('taken in one order does not deadlock', () => {
    const runs = explore((world) => {
      const [a, b] = [new Lock(world, 'a'), new Lock(world, 'b')];
      return { threads: [takeBoth(a, b), takeBoth(a, b)] };
    });
    expect(deadlocks(runs)).toEqual([]);
  });

  it('released by another than its owner is our bug', () => {
    const program = (world: World): Program => {
      const lock = new Lock(world, 'lock');
      function* release(): Flow<void> {
        yield lock.release();
      }
      return { threads: [release()] };
    };
    expect(() => explore(program)).toThrow(/lock is released by thread 0 and held by -1/);
  });
});

describe('RwLock', () => {
  it('lets readers in together and a writer alone', () => {
    const runs = explore((world) => {
      const lock = new RwLock(world, 'lock');
      let [readers, writers, together] = [0, 0, 0];
      function* read(): Flow<void> {
        yield lock.readLock();
        readers++;
        if (readers === 2) together++;
        expect(writers).toBe(0);
        yield lock.readUnlock();
        readers--;
      }
      function* write(): Flow<void> {
        yield lock.writeLock();
        writers++;
        expect([readers, writers]).toEqual([0, 1]);
        yield lock.writeUnlock();
        writers--;
      }
      return { threads: [read(), read(), write()], end: () => (sometimesTogether ||= together > 0) };
    });
    expect(deadlocks(runs)).toEqual([]);
    expect(sometimesTogether).toBe(true);
  });
  let sometimesTogether = false;

  it('cannot be upgraded: two readers that both want to write wait for each other', () => {
    const runs = explore((world) => {
      const lock = new RwLock(world, 'lock');
      function* upgrade(): Flow<void> {
        yield lock.readLock();
        yield lock.writeLock();
      }
      return { threads: [upgrade(), upgrade()] };
    });
    const both = deadlocks(runs).find(({ deadlock }) => deadlock?.every(({ waitsFor }) => waitsFor.length === 2));
    expect(both?.deadlock?.map(({ label }) => label)).toEqual(['lock.writeLock', 'lock.writeLock']);
  });
});

describe('until', () => {
  it('runs when its condition holds and not before', () => {
    const orders = new Set<string>();
    explore((world) => {
      const flag = new Cell(world, 'flag', 0);
      const said: string[] = [];
      function* waits(): Flow<void> {
        yield until(world, 'flag set', flag.object, () => flag.peek() === 1);
        said.push('seen');
      }
      function* sets(): Flow<void> {
        yield;
        said.push('set');
        flag.store(1);
      }
      return { threads: [waits(), sets()], end: () => orders.add(said.join(' ')) };
    });
    expect([...orders]).toEqual(['set seen']);
  });

  it('that nobody makes true is a deadlock', () => {
    const runs = explore((world) => {
      const flag = new Cell(world, 'flag', 0);
      function* waits(): Flow<void> {
        yield until(world, 'flag set', flag.object, () => flag.peek() === 1);
      }
      return { threads: [waits()] };
    });
    expect(runs.map(({ deadlock }) => deadlock)).toEqual([[{ thread: 0, label: 'flag set', waitsFor: [] }]]);
  });
});

describe('runAlone', () => {
  it('returns what the flow returns', () => {
    function* inner(): Flow<number> {
      yield;
      return 20;
    }
    function* outer(): Flow<number> {
      return (yield* inner()) + 1;
    }
    expect(runAlone(outer())).toBe(21);
  });

  it('says so when the flow waits for what nobody will do', () => {
    let lock: Lock | undefined;
    explore((world) => {
      lock = new Lock(world, 'lock');
      return { threads: [] };
    });
    function* twice(held: Lock): Flow<void> {
      yield held.acquire();
      yield held.acquire();
    }
    expect(() => runAlone(twice(lock as Lock))).toThrow(/lock.acquire waits for ever/);
  });
});

function* takeBoth(first: Lock, second: Lock): Flow<void> {
  yield first.acquire();
  yield second.acquire();
  yield second.release();
  yield first.release();
}
