/** Counterexamples are made as short as can be: held against a search that leaves nothing out. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain } from './explain.ts';
import { Harness } from './harness.ts';
import {
  atEnd,
  Cell,
  type CheckTest,
  check,
  type Flow,
  Minimiser,
  SpinLock,
  until,
  type Violation,
  type World,
} from './index.ts';
import { Minimal } from './strategies/minimal.ts';

/** What a thread does, one after the other: reads, writes or adds to one of three cells, works for itself, or takes the lock around it. */
type Action = readonly [what: 'read' | 'write' | 'add' | 'own' | 'wait' | 'locked', cell: number];

interface Shared {
  readonly world: World;
  readonly cells: readonly Cell<number>[];
  readonly lock: SpinLock;
}

function* thread({ world, cells, lock }: Shared, own: Cell<number>, actions: readonly Action[]): Flow<void> {
  for (const [what, at] of actions) {
    const cell = cells[at]!;
    if (what === 'wait') yield until(world, `cell ${at}`, () => cell.peek() !== 1);
    if (what === 'locked') yield lock.acquire();
    yield;
    if (what === 'own') own.store(at);
    else if (what === 'read') cell.load();
    else if (what === 'write') cell.store(at + 1);
    else cell.add(1);
    if (what === 'locked') yield lock.release();
  }
}

function testOf(
  threads: readonly (readonly Action[])[],
  sums: readonly [number, number],
  inEveryState: boolean,
): CheckTest {
  return {
    name: 'test',
    expect: 'violated',
    program: (world) => {
      const shared = {
        world,
        cells: [0, 1, 2].map((i) => new Cell(world, `c${i}`, 0)),
        lock: new SpinLock(world, 'lock'),
      };
      const holds = (): boolean =>
        shared.cells[0]!.peek() !== sums[0] || shared.cells[1]!.peek() + shared.cells[2]!.peek() !== sums[1];
      return {
        threads: threads.map((actions, i) => thread(shared, new Cell(world, `own ${i}`, 0), actions)),
        always: { property: inEveryState ? holds : atEnd(holds) },
      };
    },
  };
}

function lengthOf(test: CheckTest, violation: Violation): readonly [preemptions: number, steps: number] {
  const { steps } = explain(test, violation);
  return [steps.filter(({ preempts }) => preempts).length, steps.length];
}

/** By all schedules with so many preemptions. */
function shortest(test: CheckTest, given: Violation): readonly [preemptions: number, steps: number] {
  const [most, steps] = lengthOf(test, given);
  let best = [most, steps] as const;
  for (let bound = 0; bound <= best[0]; bound++) {
    const harness = new Harness(test, false);
    const all = new Minimal(harness, { from: bound, bound });
    for (let goesOn = true; goesOn; ) {
      goesOn = all.next();
      const { finding } = harness;
      if (finding === null) continue;
      if (finding.kind === given.kind && finding.property === given.property) {
        const length = lengthOf(test, { ...finding, schedule: all.schedule() });
        if (length[0] < best[0] || (length[0] === best[0] && length[1] < best[1])) best = length;
      }
      goesOn = all.resume();
    }
  }
  return best;
}

const action = fc.tuple(
  fc.constantFrom('read', 'write', 'add', 'own', 'own', 'wait', 'locked'),
  fc.nat(2),
) as fc.Arbitrary<Action>;

describe('a counterexample', () => {
  it('has as few preemptions as can be, and then as few steps', () => {
    let found = 0;
    const threads = fc.array(fc.array(action, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 3 });
    const sums = fc.tuple(fc.nat(2), fc.nat(4));
    fc.assert(
      fc.property(threads, sums, fc.boolean(), (actions, wanted, inEveryState) => {
        fc.pre(actions.flat().length <= 9);
        const test = testOf(actions, wanted, inEveryState);
        const { violation } = check(test, { minimise: 0 });
        if (violation === null) return;
        found++;
        const minimiser = new Minimiser(test, violation);
        while (minimiser.next());
        expect(lengthOf(test, minimiser.best)).toEqual(shortest(test, violation));
      }),
      { numRuns: 150, seed: 7 },
    );
    expect(found).toBeGreaterThan(20);
  });
});
