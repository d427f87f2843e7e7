/**
 * The shortest counterexamples of random small programs: those that are reported have as few preemptions as any, and with so many as
 * few steps, by a look at every interleaving.
 */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/base/random.ts';
import { Execution } from '../../../src/check/execution.ts';
import { type CheckTest, check, type Decision, type MemoryModel } from '../../../src/check/index.ts';
import { EXTRA_RUNS } from '../../support/domain-arbitraries.ts';
import { type Observed, testOf } from './as-program.ts';
import { generate } from './generate.ts';
import { interpret } from './interpreter.ts';
import { printSpec } from './spec.ts';

const PROGRAMS = { sc: 60, tso: 40 };
const MOST_STATES = 1000;
const MOST_SCHEDULES = 3000;

interface Cost {
  readonly preemptions: number;
  readonly steps: number;
}

const isLess = (a: Cost, b: Cost) =>
  a.preemptions < b.preemptions || (a.preemptions === b.preemptions && a.steps < b.steps);

/** A thread of the program was left that could have gone on. Store buffers let go of stores beside it. */
class Preemptions {
  private running = -1;
  count = 0;

  step(run: Execution, { thread, path }: Decision): void {
    const isProgram = !run.isBuffer(thread);
    if (isProgram && this.running !== -1 && this.running !== thread && run.enabled(this.running)) this.count++;
    run.step(thread, path);
    if (isProgram) this.running = thread;
  }
}

function costOf(test: CheckTest, schedule: readonly Decision[]): Cost {
  const run = new Execution(test);
  const preemptions = new Preemptions();
  for (const step of schedule) preemptions.step(run, step);
  return { preemptions: preemptions.count, steps: schedule.length };
}

/** The least that any interleaving costs up to where memory has the contents; null: too many to look at. */
function leastCost(test: CheckTest, contents: readonly number[]): Cost | null {
  let least: Cost = { preemptions: Number.POSITIVE_INFINITY, steps: 0 };
  let seen = 0;
  for (const open: (readonly Decision[])[] = [[]]; open.length > 0; ) {
    const schedule = open.pop()!;
    if (++seen > MOST_SCHEDULES) return null;
    const run = new Execution(test);
    const preemptions = new Preemptions();
    for (const step of schedule) preemptions.step(run, step);
    const cost = { preemptions: preemptions.count, steps: schedule.length };
    if ((run.program as Observed).outcome().memory.join() === contents.join()) {
      if (isLess(cost, least)) least = cost;
      continue;
    }
    for (let thread = 0; thread < run.threadCount; thread++) {
      if (run.enabled(thread)) open.push([...schedule, { thread, path: null }]);
    }
  }
  return least;
}

describe('a counterexample', () => {
  for (const memory of ['sc', 'tso'] satisfies MemoryModel[]) {
    it(`has the fewest preemptions, and then the fewest steps: ${memory}`, () => {
      const wanted = Math.round(PROGRAMS[memory] * EXTRA_RUNS);
      for (let seed = 0, done = 0; done < wanted; seed++) {
        const spec = generate(memory, seed);
        const possible = JSON.stringify(spec).match(/choose|whichever/) ? null : interpret(spec, MOST_STATES);
        if (possible === null) continue;
        const neverHolds = createRandom(seed)
          .pick([...possible.contents])
          .split(',')
          .map(Number);
        const test = testOf(spec, { neverHolds, daemons: true });
        const least = leastCost(test, neverHolds);
        if (least === null) continue;
        done++;
        const { violation } = check(test);
        expect(costOf(test, violation!.schedule), `${printSpec(spec)}\nnever holds ${neverHolds}`).toEqual(least);
      }
    });
  }
});
