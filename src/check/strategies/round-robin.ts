/**
 * One fair schedule: threads take turns of so many steps. Tried before an exploration, since a livelock shows best where everybody
 * runs, and an exploration of a program that has one may come to it late.
 */
import type { Harness } from '../harness.ts';
import type { Strategy } from '../strategy.ts';
import type { Decision, Limit } from '../verdicts.ts';
import { steer } from './steered.ts';

export class RoundRobin implements Strategy {
  executions = 0;
  readonly blocked = 0;
  readonly limit: Limit = { name: 'runs', message: 'one schedule was tried' };
  private readonly harness: Harness;
  private readonly turn: number;
  private readonly last: Decision[] = [];

  /** `turn`: steps of a thread before the next has its turn. */
  constructor(harness: Harness, turn: number) {
    this.harness = harness;
    this.turn = turn;
  }

  next(): boolean {
    const { harness, last, turn } = this;
    const run = harness.begin();
    let made = 0;
    const ending = steer(harness, run, last, (enabled) => {
      const before = last.at(-1)?.thread ?? -1;
      const stays = made < turn && enabled.includes(before);
      const thread = stays ? before : (enabled.find((other) => other > before) ?? enabled[0]!);
      made = stays ? made + 1 : 1;
      return { thread, path: null };
    });
    this.executions++;
    harness.endOfExecution(run, ending, () => last);
    return false;
  }

  schedule(): readonly Decision[] {
    return [...this.last];
  }

  progress(): number {
    return this.executions;
  }
}
