/** Random schedules: each step by a thread drawn from those that can run. Finds what is common; proves nothing. */
import type { Random } from '../../base/random.ts';
import type { Harness } from '../harness.ts';
import type { Strategy } from '../strategy.ts';
import type { Decision, Limit } from '../verdicts.ts';
import { steer } from './steered.ts';

export class RandomWalk implements Strategy {
  executions = 0;
  readonly blocked = 0;
  private readonly harness: Harness;
  private readonly random: Random;
  private readonly runs: number;
  private readonly last: Decision[] = [];

  constructor(harness: Harness, random: Random, runs: number) {
    this.harness = harness;
    this.random = random;
    this.runs = runs;
  }

  get limit(): Limit {
    return { name: 'runs', message: `${this.executions} random schedules are not all` };
  }

  next(): boolean {
    const { harness, random } = this;
    const run = harness.begin();
    run.chooser = (options) => random.below(options);
    const ending = steer(harness, run, this.last, (enabled) => ({
      thread: enabled[random.below(enabled.length)]!,
      path: null,
    }));
    this.executions++;
    return !harness.endOfExecution(run, ending, () => this.last) && this.executions < this.runs;
  }

  schedule(): readonly Decision[] {
    return [...this.last];
  }

  progress(): number {
    return this.executions / this.runs;
  }
}
