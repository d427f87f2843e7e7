import { describe, expect, it } from 'vitest';
import {
  ATOMIC,
  Cell,
  type CheckOptions,
  check,
  defineTest,
  type Flow,
  LOCKED,
  MFENCE,
  type Program,
  Queue,
  SpinLock,
  TestMistake,
  until,
  type World,
} from './index.ts';

/** What an author gets to read. */
function complaint(program: (world: World) => Program, options: CheckOptions = {}): string {
  try {
    check({ name: 'test', expect: 'holds', program }, options);
  } catch (error) {
    expect(error).toBeInstanceOf(TestMistake);
    return (error as Error).message;
  }
  return 'no complaint';
}

function alone(body: (x: Cell<number>, y: Cell<number>, world: World) => Flow<void>) {
  return (world: World): Program => {
    const [x, y] = [new Cell(world, 'x', 0), new Cell(world, 'y', 0)];
    return { threads: { worker: body(x, y, world) } };
  };
}

describe('a forgotten yield', () => {
  const HINT =
    'put a `yield;` before each access to a shared object (or `yield ATOMIC;` before a step that is to make several)';

  it('between two accesses is told', () => {
    function* copies(x: Cell<number>, y: Cell<number>): Flow<void> {
      yield;
      y.store(x.load());
    }
    expect(complaint(alone(copies))).toBe(`thread 'worker' makes 2 accesses in one step: ${HINT}`);
  });

  it('between two accesses to one object is told: it would be an atomic update', () => {
    function* increments(x: Cell<number>): Flow<void> {
      yield;
      x.store(x.load() + 1);
    }
    expect(complaint(alone(increments))).toMatch(/^thread 'worker' makes 2 accesses in one step/);
  });

  it('before the first access is told', () => {
    function* loads(x: Cell<number>): Flow<void> {
      x.load();
      yield;
    }
    expect(complaint(alone(loads))).toBe(`thread 'worker' makes an access before its first yield: ${HINT}`);
  });

  it('behind a lock is told', () => {
    function* locks(x: Cell<number>, _y: Cell<number>, world: World): Flow<void> {
      const lock = new SpinLock(world, 'lock');
      yield lock.acquire();
      x.load();
      yield lock.release();
    }
    expect(complaint(alone(locks))).toBe(`thread 'worker' makes an access in the step of lock.acquire: ${HINT}`);
  });

  it('behind a wait and behind a fence is told', () => {
    function* waits(x: Cell<number>, _y: Cell<number>, world: World): Flow<void> {
      yield until(world, 'x is 0', () => x.peek() === 0);
      x.store(1);
    }
    function* fences(x: Cell<number>, y: Cell<number>): Flow<void> {
      yield MFENCE;
      x.load();
      y.load();
    }
    expect(complaint(alone(waits))).toMatch(/in the step of x is 0/);
    expect(complaint(alone(fences))).toMatch(/^thread 'worker' makes/);
  });

  it('is not what an atomic step, a locked operation, or a peek is', () => {
    function* fine(x: Cell<number>, y: Cell<number>, world: World): Flow<void> {
      yield ATOMIC;
      y.store(x.load() + 1);
      yield LOCKED;
      x.add(y.peek());
      const queue = new Queue<number>(world, 'queue');
      yield;
      queue.put(1);
      yield queue.notEmpty();
      queue.take();
    }
    expect(complaint(alone(fine))).toBe('no complaint');
  });

  it('is told whichever strategy runs the test', () => {
    function* copies(x: Cell<number>, y: Cell<number>): Flow<void> {
      yield;
      y.store(x.load());
    }
    for (const strategy of ['dpor', 'minimal', 'random', 'pct', 'replay'] as const) {
      expect(complaint(alone(copies), { strategy })).toMatch(/makes 2 accesses/);
    }
  });
});

describe('a choice', () => {
  it('in the step of an access is told', () => {
    function* mixes(x: Cell<number>, _y: Cell<number>, world: World): Flow<void> {
      yield;
      x.store(world.choose(2));
    }
    const message =
      "thread 'worker' chooses and touches a shared object in one step: put a `yield;` between choose() and the access";
    expect(complaint(alone(mixes))).toBe(message);
    expect(complaint(alone(mixes), { strategy: 'minimal' })).toBe(message);
  });

  it('of nothing is told', () => {
    function* chooses(_x: Cell<number>, _y: Cell<number>, world: World): Flow<void> {
      yield;
      world.choose(0);
    }
    expect(complaint(alone(chooses))).toMatch(/how many options there are is a whole number from 1/);
  });
});

describe('under TSO', () => {
  it('a locked operation that was not announced is told where it would have to wait', () => {
    function* stores(x: Cell<number>, y: Cell<number>): Flow<void> {
      yield;
      x.store(1);
      yield;
      y.add(1);
    }
    expect(complaint(alone(stores), { memory: 'tso' })).toMatch(
      /^y\.add is a locked operation.*`yield LOCKED;` before it$/,
    );
    expect(complaint(alone(stores))).toBe('no complaint');
  });
});

describe('what a thread yields', () => {
  it('is nothing, or a step', () => {
    function* yieldsANumber(): Generator<unknown, void, undefined> {
      yield 7;
    }
    const program = (): Program => ({ threads: { worker: yieldsANumber() as unknown as Flow<void> } });
    expect(complaint(program)).toMatch(/^thread 'worker' yields 7: a thread yields nothing/);
  });

  it('is asked of a generator, already called', () => {
    function* body(): Flow<void> {
      yield;
    }
    const program = (): Program => ({ threads: { worker: body as unknown as Flow<void> } });
    expect(complaint(program)).toMatch(/^thread 'worker' is a function: call it/);
  });
});

describe('a property', () => {
  it('that loads is told by its name', () => {
    const program = (world: World): Program => {
      const x = new Cell(world, 'x', 0);
      function* stores(): Flow<void> {
        yield;
        x.store(1);
      }
      return { threads: [stores()], always: { small: () => x.load() < 2 } };
    };
    expect(complaint(program)).toMatch(/^property 'small': .*may only peek/);
  });
});

describe('state outside of the shared objects', () => {
  it('that outlives an execution is told', () => {
    let runs = 0;
    const program = (world: World): Program => {
      const [x, y] = [new Cell(world, 'x', 0), new Cell(world, 'y', 0)];
      function* body(): Flow<void> {
        yield;
        (runs++ % 3 === 0 ? x : y).store(1);
      }
      return { threads: [body(), body()] };
    };
    expect(complaint(program)).toMatch(/something besides the schedule decides/);
  });

  it('that threads share is told', () => {
    const program = (world: World): Program => {
      const [x, y] = [new Cell(world, 'x', 0), new Cell(world, 'y', 0)];
      let shared = 0;
      function* writes(): Flow<void> {
        yield;
        shared = 1;
        x.store(1);
      }
      function* reads(): Flow<void> {
        yield;
        y.store(0);
        if (shared === 1) {
          yield;
          y.load();
        }
      }
      return { threads: [writes(), reads()] };
    };
    expect(complaint(program)).toMatch(/share state outside of the shared objects|something besides the schedule/);
  });
});

describe('defineTest', () => {
  const base = { name: 'test', expect: 'holds', program: () => ({ threads: {} }) } as const;

  it('refuses a test that cannot be one, by its name', () => {
    const define = (changes: object) => () => defineTest({ ...base, ...changes });
    expect(define({})).not.toThrow();
    expect(define({ name: '' })).toThrow(/a test needs a name/);
    expect(define({ expect: 'bounded' })).toThrow(/^test 'test': expect is 'bounded', and is one of holds, violated/);
    expect(define({ memory: 'arm' })).toThrow(/memory is 'arm', and is sc or tso/);
    expect(define({ maxSteps: 0 })).toThrow(/maxSteps is a whole number from 1/);
    expect(define({ program: 7 })).toThrow(/program is to be a function/);
  });
});
