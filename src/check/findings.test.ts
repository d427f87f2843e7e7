import { describe, expect, it } from 'vitest';
import {
  Cell,
  type CheckOptions,
  type CheckResult,
  check,
  cpuRelax,
  defineTest,
  explain,
  type Flow,
  Mutex,
  type Program,
  parseSchedule,
  Queue,
  RwLock,
  SpinLock,
  until,
  type ViolationKind,
  type World,
} from './index.ts';

const STRATEGIES: readonly CheckOptions[] = [
  { strategy: 'dpor' },
  { strategy: 'minimal' },
  { strategy: 'minimal', cache: true },
  { strategy: 'random' },
  { strategy: 'pct' },
];

/** What `dpor` says; the other strategies find a violation of the same kind. */
function finding(
  program: (world: World) => Program,
  kind: ViolationKind,
  more: { maxSteps?: number } = {},
): CheckResult {
  const test = { name: 'test', expect: 'violated', program, ...more } as const;
  const results = STRATEGIES.map((options) => check(test, options));
  for (const [i, { verdict, violation }] of results.entries()) {
    expect([verdict, violation?.kind], JSON.stringify(STRATEGIES[i])).toEqual(['violated', kind]);
  }
  return results[0]!;
}

function holds(program: (world: World) => Program): void {
  const { verdict, message } = check({ name: 'test', expect: 'holds', program });
  expect(verdict, message).toBe('holds');
}

type AnyLock = SpinLock | Mutex;

function* nests(...locks: readonly AnyLock[]): Flow<void> {
  for (const lock of locks) yield lock.acquire();
  for (const lock of [...locks].reverse()) yield lock.release();
}

describe('a deadlock', () => {
  it('is told with the circle of who waits for whom', () => {
    const { message, property } = finding((world) => {
      const [a, b] = [new SpinLock(world, 'a'), new SpinLock(world, 'b')];
      return { threads: { left: nests(a, b), right: nests(b, a) } };
    }, 'deadlock');
    expect(property).toBe('deadlock');
    expect(message).toMatch(/^left waits in b\.acquire for right, right waits in a\.acquire for left: a circle$/);
  });

  it('of three has a circle of three', () => {
    const { message } = finding((world) => {
      const [a, b, c] = [new Mutex(world, 'a'), new Mutex(world, 'b'), new Mutex(world, 'c')];
      return { threads: { one: nests(a, b), two: nests(b, c), three: nests(c, a) } };
    }, 'deadlock');
    expect(message).toMatch(/one waits in b\.acquire.*two waits in c\.acquire.*three waits in a\.acquire/);
  });

  it('of one waits for itself', () => {
    const { message } = finding((world) => {
      const lock = new SpinLock(world, 'lock');
      return { threads: { alone: nests(lock, lock) } };
    }, 'deadlock');
    expect(message).toBe('alone waits in lock.acquire, for itself: it holds the lock already');
  });

  it('between readers that both want to write is found', () => {
    function* upgrades(lock: RwLock): Flow<void> {
      yield lock.readLock();
      yield lock.writeLock();
    }
    const { message } = finding((world) => {
      const lock = new RwLock(world, 'rw');
      return { threads: { left: upgrades(lock), right: upgrades(lock) } };
    }, 'deadlock');
    expect(message).toMatch(
      /^(left|right) waits in rw\.writeLock, for itself: it holds the lock for reading and asks for it for writing$/,
    );
  });

  it('of a reader that wants to write is its own, whoever else reads', () => {
    type Way = 'readLock' | 'writeLock';
    function* reads(lock: RwLock): Flow<void> {
      yield lock.readLock();
    }
    function* asks(lock: RwLock, first: Way, then: Way): Flow<void> {
      yield lock[first]();
      yield lock[then]();
    }
    const messageOf = (first: Way, then: Way) =>
      finding((world) => {
        const lock = new RwLock(world, 'rw');
        const other = first === 'readLock' ? { other: { daemon: reads(lock) } } : {};
        return { threads: { ...other, alone: asks(lock, first, then) } };
      }, 'deadlock').message;
    const itself = 'for itself: it holds the lock for';
    expect([
      messageOf('readLock', 'writeLock'),
      messageOf('writeLock', 'readLock'),
      messageOf('writeLock', 'writeLock'),
    ]).toEqual([
      `alone waits in rw.writeLock, ${itself} reading and asks for it for writing`,
      `alone waits in rw.readLock, ${itself} writing and asks for it for reading`,
      `alone waits in rw.writeLock, ${itself} writing and asks for it for writing`,
    ]);
  });

  it('by a lock that nobody gives back names its holder', () => {
    function* keeps(lock: SpinLock): Flow<void> {
      yield lock.acquire();
    }
    const { message } = finding((world) => {
      const lock = new SpinLock(world, 'lock');
      return { threads: { left: keeps(lock), right: keeps(lock) } };
    }, 'deadlock');
    expect(message).toMatch(/^(left|right) waits in lock\.acquire, held by (left|right); nothing can run$/);
  });

  it('by a condition that nobody makes true has no holder', () => {
    const { message } = finding((world) => {
      const flag = new Cell(world, 'flag', 0);
      function* waits(): Flow<void> {
        yield until(world, 'flag raised', () => flag.peek() === 1);
      }
      return { threads: { waiter: waits() } };
    }, 'deadlock');
    expect(message).toBe('waiter waits in flag raised; nothing can run');
  });

  it('is not what a daemon comes to that waits for work', () => {
    function* serves(queue: Queue<number>): Flow<void> {
      for (;;) {
        yield queue.notEmpty();
        queue.take();
      }
    }
    function* asks(queue: Queue<number>): Flow<void> {
      yield;
      queue.put(1);
    }
    holds((world) => {
      const queue = new Queue<number>(world, 'queue');
      return { threads: { worker: { daemon: serves(queue) }, user: asks(queue) } };
    });
    finding((world) => {
      const queue = new Queue<number>(world, 'queue');
      return { threads: { worker: serves(queue), user: asks(queue) } };
    }, 'deadlock');
  });
});

describe('a livelock', () => {
  function* retries(world: World, flag: Cell<number>, value: number): Flow<void> {
    for (;;) {
      yield;
      if (flag.load() === value) return;
      yield cpuRelax(world);
    }
  }
  function* stores(flag: Cell<number>, ...values: readonly number[]): Flow<void> {
    for (const value of values) {
      yield;
      flag.store(value);
    }
  }
  const retrying =
    (wanted: number, ...values: readonly number[]) =>
    (world: World): Program => {
      const flag = new Cell(world, 'flag', 0);
      return { threads: { retrier: retries(world, flag, wanted), writer: stores(flag, ...values) } };
    };

  it('is a thread left in cpuRelax that nobody will wake', () => {
    const { message } = finding(retrying(1, 2), 'livelock');
    expect(message).toBe('retrier retries for ever: nobody is left to write what it reads');
  });

  it('is there too when the thread may come too late to see what it waits for', () => {
    finding(retrying(1, 1, 2), 'livelock');
  });

  it('is not where every turn that comes to nothing is followed by another', () => {
    holds(retrying(1, 1));
    holds(retrying(2, 1, 2));
  });

  it('is two threads that give way to each other for ever', () => {
    function* givesWay(me: Cell<number>, other: Cell<number>): Flow<void> {
      for (;;) {
        yield;
        me.store(1);
        yield;
        if (other.load() === 0) break;
        yield;
        me.store(0);
      }
      yield;
      me.store(0);
    }
    const test = defineTest({
      name: 'test',
      expect: 'violated',
      program: (world) => {
        const [a, b] = [new Cell(world, 'a', 0), new Cell(world, 'b', 0)];
        return { threads: { left: givesWay(a, b), right: givesWay(b, a) } };
      },
    });
    const result = check(test);
    expect(result.violation?.kind, result.message).toBe('livelock');
    expect(result.message).toMatch(/^left and right go round for ever: the last \d+ steps repeat/);
    expect([result.executions, result.steps]).toEqual([1, 2000]);
    // Its schedule is printed in short, and shows the same again.
    const printed = explain(test, result.violation!).schedule;
    expect(printed).toBe('0_1:1000');
    const parsed = parseSchedule(printed, 2);
    const again = check(test, { strategy: 'replay', schedule: parsed.ok ? parsed.value : [] });
    expect(again.violation).toEqual(result.violation);
  });

  it('is a thread that loops alone and changes nothing', () => {
    const { message } = finding(
      (world) => {
        const flag = new Cell(world, 'flag', 0);
        function* spins(): Flow<void> {
          do yield;
          while (flag.load() === 0);
        }
        return { threads: { spinner: spins() } };
      },
      'livelock',
      { maxSteps: 400 },
    );
    expect(message).toMatch(/^spinner goes round for ever: the last 1 step repeats/);
  });
});

describe('a thread that throws', () => {
  it('breaks its assertion: the message is what it says', () => {
    function* asserts(flag: Cell<number>): Flow<void> {
      yield;
      if (flag.load() === 1) throw new Error('the flag is up');
    }
    function* raises(flag: Cell<number>): Flow<void> {
      yield;
      flag.store(1);
    }
    const { message, property } = finding((world) => {
      const flag = new Cell(world, 'flag', 0);
      return { threads: [asserts(flag), raises(flag)] };
    }, 'assertion');
    expect([property, message]).toEqual(['assertion', 'the flag is up']);
  });

  it('may throw what is no Error', () => {
    function* throws(): Flow<void> {
      yield;
      throw 'a string';
    }
    expect(finding(() => ({ threads: [throws()] }), 'assertion').message).toBe('a string');
  });

  it('before its first yield is found as well', () => {
    function* throws(): Flow<void> {
      throw new Error('at once');
    }
    expect(finding(() => ({ threads: [throws()] }), 'assertion').message).toBe('at once');
  });
});

describe('use of a freed object', () => {
  function* uses(object: Cell<number>): Flow<void> {
    yield;
    object.load();
  }
  function* frees(object: Cell<number>): Flow<void> {
    yield;
    object.free();
  }

  it('is found when some order allows it', () => {
    const { message, property } = finding((world) => {
      const object = new Cell(world, 'page', 0, { freeable: true });
      return { threads: [uses(object), frees(object)] };
    }, 'use-after-free');
    expect([property, message]).toEqual(['use after free', 'page is read after it was freed']);
  });

  it('is found of a second free', () => {
    finding((world) => {
      const object = new Cell(world, 'page', 0, { freeable: true });
      return { threads: [frees(object), frees(object)] };
    }, 'use-after-free');
  });

  it('is not where the free waits for the use', () => {
    function* usesAndSays(object: Cell<number>, done: Cell<number>): Flow<void> {
      yield* uses(object);
      yield;
      done.store(1);
    }
    function* waitsAndFrees(world: World, object: Cell<number>, done: Cell<number>): Flow<void> {
      yield until(world, 'done', () => done.peek() === 1);
      yield* frees(object);
    }
    holds((world) => {
      const object = new Cell(world, 'page', 0, { freeable: true });
      const done = new Cell(world, 'done', 0);
      return { threads: [usesAndSays(object, done), waitsAndFrees(world, object, done)] };
    });
  });
});

describe('misuse of a lock', () => {
  it('is a release by who does not hold it', () => {
    function* releases(lock: SpinLock): Flow<void> {
      yield lock.release();
    }
    const { message, property } = finding((world) => {
      const lock = new SpinLock(world, 'lock');
      return { threads: { left: nests(lock), right: releases(lock) } };
    }, 'lock-misuse');
    expect(property).toBe('lock misuse');
    expect(message).toBe('lock is released by right, which does not hold it');
  });

  it('calls a thread that has no name by its number', () => {
    function* unlocks(lock: RwLock): Flow<void> {
      yield lock.readUnlock();
    }
    const { message } = finding((world) => ({ threads: [unlocks(new RwLock(world, 'rw'))] }), 'lock-misuse');
    expect(message).toBe('rw is read-unlocked by thread 0, which does not hold it');
  });

  it('is a mutex taken under a spinlock', () => {
    const { message } = finding((world) => {
      const [spin, mutex] = [new SpinLock(world, 'spin'), new Mutex(world, 'mutex')];
      return { threads: [nests(spin, mutex)] };
    }, 'lock-misuse');
    expect(message).toBe(
      'mutex may sleep and is taken by thread 0 while it holds a spinlock (scheduling while atomic)',
    );
  });
});
