/**
 * Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010): threads get random priorities, the
 * highest that can run runs, and at depth - 1 random steps the running one falls to the bottom. A bug that needs `depth`
 * ordering constraints is found in a run with probability of at least 1 / (threads * steps^(depth - 1)).
 */
import type { Random } from '../../base/random.ts';
import type { Harness } from '../harness.ts';
import type { Strategy } from '../strategy.ts';
import type { Decision, Limit } from '../verdicts.ts';
import { steer } from './steered.ts';

export class Pct implements Strategy {
  executions = 0;
  readonly blocked = 0;
  private readonly harness: Harness;
  private readonly random: Random;
  private readonly runs: number;
  private readonly depth: number;
  private readonly last: Decision[] = [];
  /** Steps of the longest execution so far: where the changes are drawn from. */
  private longest = 16;

  constructor(harness: Harness, random: Random, runs: number, depth: number) {
    this.harness = harness;
    this.random = random;
    this.runs = runs;
    this.depth = depth;
  }

  get limit(): Limit {
    return { name: 'runs', message: `${this.executions} schedules by random priorities are not all` };
  }

  next(): boolean {
    const { harness, random } = this;
    const run = harness.begin();
    run.chooser = (options) => random.below(options);
    // Above 0 the priorities that threads begin with; below, those that they fall to.
    const priority: number[] = [];
    const changes = new Set<number>();
    for (let i = 1; i < this.depth; i++) changes.add(random.below(this.longest));
    let falls = 0;
    const ending = steer(harness, run, this.last, (enabled) => {
      for (const thread of enabled) priority[thread] ??= 1 + random.below(2 ** 30);
      let thread = highest(enabled, priority);
      if (changes.has(this.last.length)) {
        priority[thread] = -++falls;
        thread = highest(enabled, priority);
      }
      return { thread, path: null };
    });
    this.longest = Math.max(this.longest, this.last.length);
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

function highest(enabled: readonly number[], priority: readonly number[]): number {
  return enabled.reduce((best, thread) => (priority[thread]! > priority[best]! ? thread : best));
}
