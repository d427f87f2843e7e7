/** What comes out of a check. */
import type { Path } from './choices.ts';
import type { CheckTest, Verdict } from './program.ts';

/** One step of a schedule: which thread (or store buffer) runs, and what it chooses. */
export interface Decision {
  readonly thread: number;
  readonly path: Path;
}

export type ViolationKind =
  | 'always'
  | 'never'
  | 'eventually'
  | 'deadlock'
  | 'livelock'
  | 'assertion'
  | 'use-after-free'
  | 'lock-misuse';

/** A property that an execution broke, and the schedule that does it. */
export interface Violation {
  readonly kind: ViolationKind;
  /** The property's name, or the kind where it has none of its own. */
  readonly property: string;
  readonly message: string;
  readonly schedule: readonly Decision[];
  /** How many of its steps tell all: what comes after repeats itself. */
  readonly tells?: number;
}

/** Why a check is not exhaustive. */
export interface Limit {
  readonly name: 'steps' | 'executions' | 'runs' | 'bound' | 'time' | 'interrupted';
  readonly message: string;
}

export interface CheckResult {
  readonly name: string;
  readonly design: string | null;
  readonly expect: CheckTest['expect'];
  readonly verdict: Verdict;
  /** Name of the property that was violated, or was never reached; null otherwise. */
  readonly property: string | null;
  /** What is to be said about the verdict, in a sentence. */
  readonly message: string;
  /** Complete executions, each of another class under `dpor`. */
  readonly executions: number;
  /** Executions given up because others cover them: 0 under `dpor`. */
  readonly blocked: number;
  /** Steps made, replayed ones included. */
  readonly steps: number;
  readonly violation: Violation | null;
  readonly limit: Limit | null;
}
