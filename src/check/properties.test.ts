import { describe, expect, it } from 'vitest';
import {
  ATOMIC,
  atEnd,
  Cell,
  type CheckOptions,
  type CheckResult,
  check,
  type Flow,
  LOCKED,
  type Program,
  Queue,
  SpinLock,
  type World,
} from './index.ts';

const EXHAUSTIVE: readonly CheckOptions[] = [
  { strategy: 'dpor' },
  { strategy: 'minimal' },
  { strategy: 'minimal', cache: true },
];

function resultsOf(program: (world: World) => Program, options: CheckOptions = {}): CheckResult[] {
  return EXHAUSTIVE.map((strategy) => check({ name: 'test', expect: 'holds', program }, { ...strategy, ...options }));
}

/** Verdict, property and kind, which all exhaustive strategies agree on. */
function verdictOf(program: (world: World) => Program, options: CheckOptions = {}): string {
  const said = resultsOf(program, options).map(({ verdict, property, violation }) =>
    [verdict, property, violation?.kind].filter((part) => part !== null && part !== undefined).join(' '),
  );
  expect(new Set(said).size, said.join(' / ')).toBe(1);
  return said[0]!;
}

function* raises(flag: Cell<number>): Flow<void> {
  yield;
  flag.store(1);
}

function* raisesForAMoment(flag: Cell<number>): Flow<void> {
  yield;
  flag.store(1);
  yield;
  flag.store(0);
}

function flags(world: World): readonly [Cell<number>, Cell<number>] {
  return [new Cell(world, 'a', 0), new Cell(world, 'b', 0)];
}

describe('always', () => {
  it('holds of every state between steps, also where the steps have nothing to do with each other', () => {
    const program = (world: World): Program => {
      const [a, b] = flags(world);
      return {
        threads: { left: raisesForAMoment(a), right: raisesForAMoment(b) },
        always: { 'not both': () => a.peek() + b.peek() < 2 },
      };
    };
    expect(verdictOf(program)).toBe('violated not both always');
    const [result] = resultsOf(program);
    expect(result!.message).toBe("'not both' does not hold");
  });

  it('is not looked at within an atomic step', () => {
    function* swaps(a: Cell<number>, b: Cell<number>): Flow<void> {
      yield ATOMIC;
      a.store(0);
      b.store(1);
    }
    const program = (world: World): Program => {
      const [a, b] = [new Cell(world, 'a', 1), new Cell(world, 'b', 0)];
      return { threads: [swaps(a, b)], always: { 'one of them': () => a.peek() + b.peek() === 1 } };
    };
    expect(verdictOf(program)).toBe('holds');
  });

  it('holds of the first state too', () => {
    const program = (world: World): Program => {
      const [a] = flags(world);
      return { threads: [raises(a)], always: { raised: () => a.peek() === 1 } };
    };
    expect(verdictOf(program)).toBe('violated raised always');
    expect(resultsOf(program)[0]!.violation!.schedule).toEqual([]);
  });

  it('may look at words that it comes to look at only later', () => {
    const program = (world: World): Program => {
      const [a, b] = flags(world);
      const c = new Cell(world, 'c', 0);
      return {
        threads: [raises(a), raisesForAMoment(b), raisesForAMoment(c)],
        always: { 'not all': () => !(a.peek() === 1 && b.peek() === 1 && c.peek() === 1) },
      };
    };
    expect(verdictOf(program)).toBe('violated not all always');
  });

  it('sees who holds a lock, and how long a queue is', () => {
    function* uses(lock: SpinLock, queue: Queue<number>): Flow<void> {
      yield lock.acquire();
      yield LOCKED;
      queue.put(1);
      yield lock.release();
      yield queue.notEmpty();
      queue.take();
    }
    const program =
      (property: (lock: SpinLock, queue: Queue<number>) => boolean) =>
      (world: World): Program => {
        const [lock, queue] = [new SpinLock(world, 'lock'), new Queue<number>(world, 'queue')];
        return { threads: [uses(lock, queue), uses(lock, queue)], always: { asked: () => property(lock, queue) } };
      };
    expect(verdictOf(program((lock) => lock.owner !== 1))).toBe('violated asked always');
    expect(verdictOf(program((lock) => lock.owner < 2))).toBe('holds');
    expect(verdictOf(program((_lock, queue) => queue.peekLength() < 2))).toBe('violated asked always');
    expect(verdictOf(program((lock, queue) => !(lock.owner === 1 && queue.peekLength() === 2)))).toBe(
      'violated asked always',
    );
    expect(verdictOf(program((_lock, queue) => queue.peekLength() < 3))).toBe('holds');
  });

  it('looks at memory under TSO, which stores reach late and in any order between threads', () => {
    const program = (world: World): Program => {
      const [a, b] = flags(world);
      return { threads: [raisesForAMoment(a), raises(b)], always: { 'not both': () => a.peek() + b.peek() < 2 } };
    };
    expect(verdictOf(program, { memory: 'tso' })).toBe('violated not both always');
  });

  it('costs no executions where it is looked at at the end', () => {
    const threads = (world: World) => flags(world).map((flag) => raisesForAMoment(flag));
    const program = (world: World): Program => ({ threads: threads(world), always: { fine: atEnd(() => true) } });
    expect(check({ name: 'test', expect: 'holds', program }).executions).toBe(1);
  });
});

describe('at the end', () => {
  function* increments(counter: Cell<number>): Flow<void> {
    yield;
    const seen = counter.load();
    yield;
    counter.store(seen + 1);
  }
  const counting =
    (property: (value: number) => boolean, group: 'always' | 'sometimes' | 'eventually') =>
    (world: World): Program => {
      const counter = new Cell(world, 'counter', 0);
      return {
        threads: [increments(counter), increments(counter)],
        [group]: { asked: atEnd(() => property(counter.peek())) },
      };
    };

  it('an always property is looked at when all threads have ended, and not before', () => {
    expect(verdictOf(counting((value) => value >= 1, 'always'))).toBe('holds');
    expect(verdictOf(counting((value) => value === 2, 'always'))).toBe('violated asked always');
  });

  it('a sometimes property needs one execution, an eventually property all', () => {
    expect(verdictOf(counting((value) => value === 1, 'sometimes'))).toBe('holds');
    expect(verdictOf(counting((value) => value === 3, 'sometimes'))).toBe('unreachable asked');
    expect(verdictOf(counting((value) => value >= 1, 'eventually'))).toBe('holds');
    expect(verdictOf(counting((value) => value === 1, 'eventually'))).toBe('violated asked eventually');
  });
});

describe('sometimes', () => {
  const program =
    (property: (a: number, b: number) => boolean) =>
    (world: World): Program => {
      const [a, b] = flags(world);
      return {
        threads: [raisesForAMoment(a), raisesForAMoment(b)],
        sometimes: { asked: () => property(a.peek(), b.peek()) },
      };
    };

  it('is satisfied by one state of one execution', () => {
    expect(verdictOf(program((a, b) => a === 1 && b === 1))).toBe('holds');
  });

  it('that never happens makes the test vacuous: unreachable, with its name', () => {
    const [result] = resultsOf(program((a) => a === 2));
    expect(verdictOf(program((a) => a === 2))).toBe('unreachable asked');
    expect(result!.message).toBe("'asked' never happens in any execution: what the test says of it is vacuous");
    expect(result!.violation).toBeNull();
  });
});

describe('eventually', () => {
  const program =
    (property: (a: number, b: number) => boolean) =>
    (world: World): Program => {
      const [a, b] = flags(world);
      return {
        threads: [raisesForAMoment(a), raisesForAMoment(b)],
        eventually: { asked: () => property(a.peek(), b.peek()) },
      };
    };

  it('is satisfied when it happens at some time in every execution, although not for good', () => {
    expect(verdictOf(program((a) => a === 1))).toBe('holds');
  });

  it('is violated by an execution in which it never happens', () => {
    expect(verdictOf(program((a, b) => a === 1 && b === 1))).toBe('violated asked eventually');
    expect(resultsOf(program((a, b) => a === 1 && b === 1))[0]!.message).toBe("'asked' never happens");
  });
});

describe('marks', () => {
  function* reaches(world: World, flag: Cell<number>): Flow<void> {
    yield;
    if (flag.load() === 1) world.reach('seen raised');
  }
  const program =
    (marks: Pick<Program, 'never' | 'reachable'>, isRaised = true) =>
    (world: World): Program => {
      const [flag, other] = flags(world);
      return { threads: [raises(isRaised ? flag : other), reaches(world, flag)], ...marks };
    };

  it('that are never to be passed are violated by passing them', () => {
    expect(verdictOf(program({ never: ['seen raised'] }))).toBe('violated seen raised never');
    expect(resultsOf(program({ never: ['seen raised'] }))[0]!.message).toBe("'seen raised' is reached");
    expect(verdictOf(program({ never: ['seen raised'] }, false))).toBe('holds');
  });

  it('that must be reachable are, or the verdict is unreachable', () => {
    expect(verdictOf(program({ reachable: ['seen raised'] }))).toBe('holds');
    expect(verdictOf(program({ reachable: ['seen raised'] }, false))).toBe('unreachable seen raised');
  });

  it('that nothing is said of are free to pass', () => {
    expect(verdictOf(program({}))).toBe('holds');
  });
});
