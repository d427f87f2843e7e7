import { describe, expect, it } from 'vitest';
import {
  Cell,
  Check,
  type CheckOptions,
  check,
  defineTest,
  type Flow,
  isTest,
  type Program,
  type World,
} from './index.ts';

function* stores(x: Cell<number>, value: number): Flow<void> {
  yield;
  x.store(value);
}

/** As many executions as there are orders of the writers. */
const writers =
  (count: number) =>
  (world: World): Program => {
    const x = new Cell(world, 'x', 0);
    return {
      threads: Array.from({ length: count }, (_, i) => stores(x, i + 1)),
      sometimes: { 'the last wins': () => x.peek() === count },
    };
  };

const test = (count: number) => ({ name: 'writers', expect: 'holds', program: writers(count) }) as const;

describe('a check', () => {
  it('says what it looked at', () => {
    const result = check(test(4));
    expect(result).toEqual({
      name: 'writers',
      design: null,
      expect: 'holds',
      verdict: 'holds',
      property: null,
      message: 'in every execution',
      executions: 24,
      blocked: 0,
      steps: result.steps,
      violation: null,
      limit: null,
    });
    expect(result.steps).toBeGreaterThanOrEqual(24 * 4);
  });

  it('can be driven a little at a time, with the same result', () => {
    const running = new Check(test(5));
    let turns = 0;
    const progress: number[] = [];
    while (running.advance(7)) {
      turns++;
      progress.push(running.progress);
    }
    expect(turns).toBeGreaterThan(10);
    expect(progress.every((share) => share >= 0 && share <= 1)).toBe(true);
    expect(running.progress).toBe(1);
    expect(running.result()).toEqual(check(test(5)));
  });

  it('that is asked before its end is bounded, and says so', () => {
    const running = new Check(test(5));
    running.advance(10);
    expect(running.result()).toMatchObject({ verdict: 'bounded', message: 'the check was not finished' });
    expect(running.result().limit?.name).toBe('interrupted');
  });

  it('that is stopped keeps the reason, also if it is stopped again', () => {
    const running = new Check(test(5));
    running.advance(10);
    running.stop({ name: 'time', message: 'one second is over' });
    running.stop({ name: 'interrupted', message: 'too late' });
    expect(running.advance(1)).toBe(false);
    expect(running.result()).toMatchObject({ verdict: 'bounded', message: 'one second is over' });
  });

  it('of at most some executions is bounded, unless these are all', () => {
    expect(check(test(5), { maxExecutions: 50 })).toMatchObject({ verdict: 'bounded', executions: 50 });
    expect(check(test(5), { maxExecutions: 50 }).limit?.name).toBe('executions');
    expect(check(test(5), { maxExecutions: 500 }).verdict).toBe('holds');
  });

  it('of a program that never ends is bounded by its steps, and says what to do', () => {
    const counting = (world: World): Program => {
      const x = new Cell(world, 'x', 0);
      function* counts(): Flow<void> {
        for (;;) {
          yield;
          x.add(1);
        }
      }
      return { threads: { counter: counts() } };
    };
    const { verdict, message, limit } = check({ name: 'test', expect: 'holds', maxSteps: 500, program: counting });
    expect([verdict, limit?.name]).toEqual(['bounded', 'steps']);
    expect(message).toMatch(/^an execution was cut after 500 steps \(maxSteps\)/);
  });

  it('of a loop that waits without saying so is bounded, and the message has the loop and cpuRelax', () => {
    const waiting = (world: World): Program => {
      const x = new Cell(world, 'x', 0);
      function* waits(): Flow<void> {
        do yield;
        while (x.load() === 0);
      }
      return { threads: { waiter: waits(), writer: stores(x, 1) } };
    };
    const { verdict, message } = check({ name: 'test', expect: 'holds', maxSteps: 400, program: waiting });
    expect(verdict).toBe('bounded');
    expect(message).toMatch(/waiter.*x is 0.*put `yield cpuRelax\(world\);` into a loop that waits/);
  });

  it('that is skipped does not run the program, and gives the reason', () => {
    const skipped = { name: 'later', expect: 'skipped', skip: 'not written yet', program: () => fail() } as const;
    function fail(): never {
      throw new Error('was run');
    }
    expect(check(skipped)).toMatchObject({ verdict: 'skipped', message: 'not written yet', executions: 0 });
  });

  it('has the memory model that it is asked for, instead of the test’s own', () => {
    const loads: number[] = [];
    const program = (world: World): Program => {
      loads.push(world.memory === 'tso' ? 1 : 0);
      return writers(2)(world);
    };
    check({ name: 'test', expect: 'holds', memory: 'tso', program }, { memory: 'sc' });
    expect(loads).not.toContain(1);
    check({ name: 'test', expect: 'holds', program }, { memory: 'tso' });
    expect(loads).toContain(1);
  });
});

describe('random schedules', () => {
  const lost = (world: World): Program => {
    const counter = new Cell(world, 'counter', 0);
    function* increments(): Flow<void> {
      yield;
      const seen = counter.load();
      yield;
      counter.store(seen + 1);
    }
    const end = () => counter.peek() !== 1;
    return { threads: [increments(), increments()], always: { 'no increment is lost': { atEnd: end } } };
  };

  it('are the same for the same seed', () => {
    for (const strategy of ['random', 'pct'] as const) {
      const found = (seed: number) =>
        check({ name: 'test', expect: 'violated', program: lost }, { strategy, seed, minimise: 0 });
      expect(found(1)).toEqual(found(1));
      const schedules = [1, 2, 3, 4, 5, 6].map((seed) => JSON.stringify(found(seed).violation?.schedule));
      expect(new Set(schedules).size).toBeGreaterThan(1);
    }
  });

  it('prove nothing, however many', () => {
    for (const strategy of ['random', 'pct'] as const) {
      const options: CheckOptions = { strategy, runs: 50 };
      expect(check(test(2), options)).toMatchObject({ verdict: 'bounded', executions: 50 });
    }
  });
});

describe('a bound on preemptions', () => {
  /** Goes wrong only when each thread is left once in its middle. */
  const program = (world: World): Program => {
    const [x, y] = [new Cell(world, 'x', 0), new Cell(world, 'y', 0)];
    function* first(): Flow<void> {
      yield;
      x.store(1);
      yield;
      if (y.load() === 1) world.reach('between');
    }
    function* second(): Flow<void> {
      yield;
      if (x.load() !== 1) return;
      yield;
      y.store(1);
      yield;
      y.store(0);
    }
    return { threads: [first(), second()], never: ['between'] };
  };
  const bounded = { name: 'test', expect: 'violated', program } as const;

  it('leaves out what needs more, and says so', () => {
    const result = check(bounded, { strategy: 'minimal', bound: 1 });
    expect(result).toMatchObject({
      verdict: 'bounded',
      message: 'schedules with more than 1 preemptions were left out',
    });
    expect(check(bounded, { strategy: 'minimal', bound: 2 }).verdict).toBe('violated');
  });

  it('that cuts nothing off proves what it says', () => {
    expect(check(test(3), { strategy: 'minimal', bound: 50 }).verdict).toBe('holds');
    expect(check(test(3), { strategy: 'minimal' }).verdict).toBe('holds');
  });
});

describe('a test', () => {
  it('is one once it is declared', () => {
    expect(isTest(defineTest(test(2)))).toBe(true);
    for (const value of [test(2), null, 7, 'test', undefined]) expect(isTest(value)).toBe(false);
  });
});
