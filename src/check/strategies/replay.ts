/** One given schedule; where it ends, each thread goes on for as long as it can. */

import { TestMistake } from '../../base/mistake.ts';
import type { Harness } from '../harness.ts';
import type { Strategy } from '../strategy.ts';
import type { Decision, Limit } from '../verdicts.ts';
import { steer } from './steered.ts';

/** The schedule is not one of this test. */
export class ScheduleMismatch extends TestMistake {
  override readonly name = 'ScheduleMismatch';
}

export class Replay implements Strategy {
  executions = 0;
  readonly blocked = 0;
  readonly limit: Limit = { name: 'runs', message: 'one schedule was replayed' };
  private readonly harness: Harness;
  private readonly given: readonly Decision[];
  private readonly last: Decision[] = [];

  constructor(harness: Harness, given: readonly Decision[]) {
    this.harness = harness;
    this.given = given;
  }

  next(): boolean {
    const { harness, given, last } = this;
    const run = harness.begin();
    const ending = steer(harness, run, last, (enabled) => {
      const step = given[last.length];
      if (step === undefined) {
        const before = last.at(-1)?.thread ?? -1;
        return { thread: enabled.includes(before) ? before : enabled[0]!, path: null };
      }
      if (!enabled.includes(step.thread)) {
        const name = step.thread < run.threadCount ? run.nameOf(step.thread) : `thread ${step.thread}`;
        throw new ScheduleMismatch(
          `step ${last.length + 1} of the schedule runs ${name}, which cannot run there: is it a schedule of this test?`,
        );
      }
      return step;
    });
    this.executions++;
    harness.endOfExecution(run, ending, () => this.last);
    return false;
  }

  schedule(): readonly Decision[] {
    return [...this.last];
  }

  progress(): number {
    return this.executions;
  }
}
