import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/support/domain-arbitraries.ts';
import {
  Cell,
  check,
  type Decision,
  type Flow,
  type Program,
  parseSchedule,
  printSchedule,
  type World,
} from './index.ts';

const THREADS = 3;

/** Of threads and store buffers, with and without choices; often the same step several times. */
const decision: fc.Arbitrary<Decision> = fc.record({
  thread: fc.nat({ max: 2 * THREADS - 1 }),
  path: fc.option(fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 3 })),
});
const schedule = fc
  .array(fc.tuple(decision, fc.integer({ min: 1, max: 12 })), { maxLength: 20 })
  .map((rows) => rows.flatMap(([step, times]) => new Array<Decision>(times).fill(step)));

describe('a schedule', () => {
  it('is printed as threads with counts, buffers, and choices', () => {
    const step = (thread: number, path: readonly number[] | null = null): Decision => ({ thread, path });
    const steps = [step(0), step(0), step(0), step(1), step(2, [1, 0]), step(2, [1, 0]), step(2), step(4)];
    expect(printSchedule(steps, THREADS)).toBe('0:3.1.2c1-0:2.2.b1');
  });

  it('that goes round up to its end has the round once', () => {
    const order = (text: string): Decision[] => [...text].map((thread) => ({ thread: Number(thread), path: null }));
    expect(printSchedule(order(`221${'0112'.repeat(100)}01`), THREADS)).toBe('2:2.1.0_1_1_2:100.0.1');
    expect(printSchedule(order('0'.repeat(100)), THREADS)).toBe('0:100');
    expect(printSchedule(order('010101'), THREADS)).toBe('0.1.0.1.0.1');
  });

  it('comes back from its text as it was', () => {
    const round = fc.tuple(fc.array(decision, { minLength: 1, maxLength: 8 }), fc.nat({ max: 100 }));
    const goingRound = fc
      .tuple(schedule, round, fc.nat({ max: 7 }))
      .map(([before, [once, times], more]) => [
        ...before,
        ...new Array<Decision[]>(times).fill(once).flat(),
        ...once.slice(0, more),
      ]);
    fc.assert(
      fc.property(fc.oneof(schedule, goingRound), (steps) => {
        const parsed = parseSchedule(printSchedule(steps, THREADS), THREADS);
        expect(parsed).toEqual({ ok: true, value: steps });
      }),
      runs(300),
    );
  });

  it('has no characters that a shell or a URL would take for its own', () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        expect(printSchedule(steps, THREADS)).toMatch(/^[\w.:-]*$/);
      }),
      runs(100),
    );
  });

  it('may stand among blanks', () => {
    expect(parseSchedule(' 0.1:2\n', THREADS)).toEqual(parseSchedule('0.1:2', THREADS));
  });
});

describe('a text that is no schedule', () => {
  const refusal = (text: string) => {
    const parsed = parseSchedule(text, THREADS);
    return parsed.ok ? 'taken' : `${parsed.error.place}: ${parsed.error.message}`;
  };

  it('is refused with the place and the reason', () => {
    expect(refusal('0.x.1')).toBe("part 2 of the schedule: 'x' is no step");
    expect(refusal('0.3')).toBe('part 2 of the schedule: there is no thread 3: the test has 3');
    expect(refusal('b3')).toBe('part 1 of the schedule: there is no thread 3: the test has 3');
    expect(refusal('0_1:999999')).toBe('part 1 of the schedule: the schedule is too long');
    expect(refusal('0:999999.0:999999')).toBe('part 2 of the schedule: the schedule is too long');
  });

  it('is refused whatever is wrong with it', () => {
    const hostile = ['.', '0..1', '0:', '0:-1', '0:1e9', '-1', '0c', '0c1-', '0c-1', 'b', 'bb0', '0 1', '٣', '0x1'];
    const more = [
      '0:1:2',
      '0c1c2',
      '__proto__',
      '\u0000',
      '0\n1',
      '9'.repeat(400),
      `0c${'1-'.repeat(50)}`,
      '0:0000001',
      '0_',
      '_0',
      '0__1',
      '0:2_1',
    ];
    for (const text of [...hostile, ...more]) expect(refusal(text), JSON.stringify(text)).not.toBe('taken');
  });

  it('is not repeated at length in the message', () => {
    expect(refusal('z'.repeat(10_000)).length).toBeLessThan(120);
  });

  it('never throws, and is quick to refuse', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789b.:c-_ x'), maxLength: 400 }), (text) => {
        const parsed = parseSchedule(text, THREADS);
        if (!parsed.ok) return;
        // What is taken means something: it can be printed, and read again as the same.
        expect(parseSchedule(printSchedule(parsed.value, THREADS), THREADS)).toEqual(parsed);
      }),
      runs(500),
    );
  });
});

describe('a schedule that was found', () => {
  function* increments(world: World, counter: Cell<number>): Flow<void> {
    yield;
    const by = 1 + world.choose(2);
    yield;
    const seen = counter.load();
    yield;
    counter.store(seen + by);
  }
  const program = (world: World): Program => {
    const counter = new Cell(world, 'counter', 0);
    return {
      threads: [increments(world, counter), increments(world, counter)],
      always: { 'less than 4': () => counter.peek() < 4 },
      never: [],
    };
  };
  const test = { name: 'test', expect: 'violated', program } as const;

  it('breaks the same property when it is replayed, choices and store buffers included', () => {
    for (const memory of ['sc', 'tso'] as const) {
      for (const strategy of ['dpor', 'minimal', 'random', 'pct'] as const) {
        const { violation } = check(test, { strategy, memory });
        const text = printSchedule(violation!.schedule, 2);
        const parsed = parseSchedule(text, 2);
        const again = check(test, { strategy: 'replay', memory, schedule: parsed.ok ? parsed.value : [] });
        expect(again.violation, `${strategy} ${memory} ${text}`).toEqual(violation);
        expect(again.executions).toBe(1);
      }
    }
  });

  it('goes on where the text ends, and without a violation proves nothing', () => {
    const { verdict, message } = check(test, { strategy: 'replay', schedule: [{ thread: 0, path: null }] });
    expect([verdict, message]).toEqual(['bounded', 'one schedule was replayed']);
  });

  it('of another test is refused with the step that cannot be made', () => {
    const steps = new Array<Decision>(9).fill({ thread: 1, path: null });
    expect(() => check(test, { strategy: 'replay', schedule: steps })).toThrow(
      /^step 4 of the schedule runs 1, which cannot run there: is it a schedule of this test\?$/,
    );
  });

  it('that chooses what there is not to choose is refused too', () => {
    const steps: Decision[] = [{ thread: 0, path: [7] }];
    expect(() => check(test, { strategy: 'replay', schedule: steps })).toThrow(/choice 7 of 2/);
  });
});
