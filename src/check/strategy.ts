/** What a strategy is: it decides the schedules of executions that the harness runs. One file each in strategies/. */
import type { Decision, Limit } from './verdicts.ts';

export interface Strategy {
  /** Complete executions so far. */
  readonly executions: number;
  /** Executions given up because others cover them. */
  readonly blocked: number;
  /** Why what was explored is not all, once it has ended; null: it is all. */
  readonly limit: Limit | null;
  /** Runs one execution. False: there is none left, or the harness found what ends the exploration. */
  next(): boolean;
  /** The schedule of the last execution. */
  schedule(): readonly Decision[];
  /** How much of the exploration is done, 0 .. 1, as far as can be told. */
  progress(): number;
}
