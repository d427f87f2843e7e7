import { describe, expect, it } from 'vitest';
import { explore } from '../../test/support/toy-scheduler.ts';
import { Cell } from './cell.ts';
import { ATOMIC, cpuRelax, type Flow, LOCKED, MFENCE, runAlone, until } from './flow.ts';
import { SpinLock } from './locks.ts';
import { World } from './world.ts';

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

function* incrementInAtomicStep(cell: Cell<number>, times: number): Flow<void> {
  for (let i = 0; i < times; i++) {
    yield ATOMIC;
    cell.store(cell.load() + 1);
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

  it('loses none with an atomic add, or in one step that is announced as atomic', () => {
    expect(counterOutcomes(incrementAtOnce, 2).outcomes).toEqual([4]);
    expect(counterOutcomes(incrementInAtomicStep, 2)).toEqual({ executions: binomial(4, 2), outcomes: [4] });
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

describe('until', () => {
  it('runs when its condition holds and not before', () => {
    const orders = new Set<string>();
    explore((world) => {
      const flag = new Cell(world, 'flag', 0);
      const said: string[] = [];
      function* waits(): Flow<void> {
        yield until(world, 'flag set', () => flag.peek() === 1);
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
        yield until(world, 'flag set', () => flag.peek() === 1);
      }
      return { threads: [waits()] };
    });
    expect(runs.map(({ deadlock }) => deadlock)).toEqual([[{ thread: 0, label: 'flag set', waitsFor: [] }]]);
  });

  it('logs a read of each word that its condition peeks at', () => {
    const world = new World();
    const [a, b] = [new Cell(world, 'a', 1), new Cell(world, 'b', 1)];
    until(world, 'both', () => a.peek() === 1 && b.peek() === 1).perform(0);
    expect([...world.log.slice(0, world.logged)]).toEqual([2 * a.object.base, 2 * b.object.base]);
    until(world, 'short', () => a.peek() === 0 && b.peek() === 1).perform(0);
    expect([...world.log.slice(2, world.logged)]).toEqual([2 * a.object.base]);
  });

  it('with a condition that loads or stores is refused', () => {
    const world = new World();
    const flag = new Cell(world, 'flag', 0);
    expect(() => until(world, 'flag set', () => flag.load() === 1).enabled(0)).toThrow(/may only peek/);
  });
});

describe('announced steps', () => {
  it('say by their role what a scheduler may conclude', () => {
    const world = new World();
    expect([ATOMIC, LOCKED, MFENCE, cpuRelax(world), until(world, 'now', () => true)].map(({ role }) => role)).toEqual([
      'atomic',
      'locked',
      'locked',
      'relax',
      'wait',
    ]);
    expect(MFENCE.label).toBe('mfence');
  });

  it('of one world share one cpuRelax', () => {
    const [one, other] = [new World(), new World()];
    expect(cpuRelax(one)).toBe(cpuRelax(one));
    expect(cpuRelax(one)).not.toBe(cpuRelax(other));
  });

  it('touch nothing by themselves', () => {
    const world = new World();
    for (const step of [ATOMIC, LOCKED, MFENCE, cpuRelax(world)]) step.perform(0);
    expect(world.logged).toBe(0);
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

  it('performs what is announced', () => {
    const lock = new SpinLock(new World(), 'lock');
    function* take(): Flow<number> {
      yield lock.acquire();
      return lock.owner;
    }
    expect(runAlone(take(), 3)).toBe(3);
  });

  it('says so when the flow waits for what nobody will do', () => {
    const lock = new SpinLock(new World(), 'lock');
    function* twice(): Flow<void> {
      yield lock.acquire();
      yield lock.acquire();
    }
    expect(() => runAlone(twice())).toThrow(/lock.acquire waits for ever/);
  });
});
