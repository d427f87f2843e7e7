/**
 * A check: one test explored by one strategy, as far at a time as its driver asks, so that the driver can show progress, stop, or
 * let a browser breathe. `check` runs one to its end.
 */
import { createRandom } from '../base/random.ts';
import type { MemoryModel } from '../base/world.ts';
import { Harness } from './harness.ts';
import { minimise } from './minimise.ts';
import type { CheckTest, Verdict } from './program.ts';
import { Dpor } from './strategies/dpor.ts';
import { Minimal } from './strategies/minimal.ts';
import { Pct } from './strategies/pct.ts';
import { RandomWalk } from './strategies/random.ts';
import { Replay } from './strategies/replay.ts';
import type { Strategy } from './strategy.ts';
import type { CheckResult, Decision, Limit, Violation } from './verdicts.ts';

export const STRATEGIES = ['dpor', 'minimal', 'pct', 'random', 'replay'] as const;
export type StrategyName = (typeof STRATEGIES)[number];

export interface CheckOptions {
  /** Default: `dpor`. */
  readonly strategy?: StrategyName;
  /** Instead of the test's own. */
  readonly memory?: MemoryModel;
  /** `minimal`: preemptions, at most. `pct`: the depth of bugs to look for (default 3). */
  readonly bound?: number;
  /** `random`, `pct`: schedules (default 1,000), and where they begin (default 1). */
  readonly runs?: number;
  readonly seed?: number;
  /** `minimal`: gives up executions of a class that was seen. */
  readonly cache?: boolean;
  /** `replay`: the schedule. */
  readonly schedule?: readonly Decision[];
  /** Executions, at most. */
  readonly maxExecutions?: number;
  /** Executions to spend on a shorter counterexample (default 20,000; 0: it stays as found). */
  readonly minimise?: number;
}

const DEFAULT_RUNS = 1000;
const DEFAULT_DEPTH = 3;
const DEFAULT_MINIMISE = 20_000;

export class Check {
  readonly test: CheckTest;
  private readonly options: CheckOptions;
  private harness: Harness;
  private strategy: Strategy;
  private ended = false;
  private stoppedBy: Limit | null = null;
  private violation: Violation | null = null;

  constructor(test: CheckTest, options: CheckOptions = {}) {
    this.test = options.memory === undefined ? test : { ...test, memory: options.memory };
    this.options = options;
    this.harness = this.newHarness();
    this.strategy = this.newStrategy();
    if (test.skip !== undefined) this.ended = true;
  }

  private newHarness(): Harness {
    return new Harness(this.test, (this.options.strategy ?? 'dpor') === 'dpor');
  }

  private newStrategy(): Strategy {
    const { harness, options } = this;
    const runs = options.runs ?? DEFAULT_RUNS;
    const random = createRandom(options.seed ?? 1);
    switch (options.strategy ?? 'dpor') {
      case 'dpor':
        return new Dpor(harness);
      case 'minimal': {
        const { bound, cache } = options;
        return new Minimal(harness, { ...(bound === undefined ? {} : { bound }), cache: cache ?? false });
      }
      case 'pct':
        return new Pct(harness, random, runs, options.bound ?? DEFAULT_DEPTH);
      case 'random':
        return new RandomWalk(harness, random, runs);
      case 'replay':
        return new Replay(harness, options.schedule ?? []);
    }
  }

  get executions(): number {
    return this.strategy.executions;
  }

  get steps(): number {
    return this.harness.steps;
  }

  /** How much is done, 0 .. 1, as far as can be told. */
  get progress(): number {
    return this.ended ? 1 : this.strategy.progress();
  }

  /** Runs up to `executions` more. False when the check has ended. */
  advance(executions: number): boolean {
    for (let i = 0; i < executions && !this.ended; i++) this.one();
    return !this.ended;
  }

  private one(): void {
    const goesOn = this.strategy.next();
    if (this.harness.finding !== null) {
      this.violation = { ...this.harness.finding, schedule: this.strategy.schedule() };
      this.ended = true;
    } else if (this.harness.outdated) {
      // A property looks at more than was known: from the beginning, with that made visible.
      this.harness.forgetOutdated();
      this.strategy = this.newStrategy();
    } else if (!goesOn) {
      this.ended = true;
    } else if (this.executions >= (this.options.maxExecutions ?? Number.POSITIVE_INFINITY)) {
      this.stop({ name: 'executions', message: `${this.executions} executions were looked at (maxExecutions)` });
    }
  }

  /** Ends the check before it is done. */
  stop(limit: Limit): void {
    if (this.ended) return;
    this.stoppedBy = limit;
    this.ended = true;
  }

  /** What is known so far. A counterexample is made short here, once. */
  result(): CheckResult {
    if (this.violation !== null && !this.isMinimal && this.test.skip === undefined) {
      this.violation = minimise(this.test, this.violation, this.options.minimise ?? DEFAULT_MINIMISE);
    }
    this.isMinimal = true;
    const { test, violation } = this;
    const limit = violation === null && test.skip === undefined ? this.limit : null;
    const unreached = this.harness.unreached;
    const verdict = this.verdict(limit);
    return {
      name: test.name,
      design: test.design ?? null,
      expect: test.expect,
      verdict,
      property: verdict === 'violated' ? violation!.property : verdict === 'unreachable' ? unreached : null,
      message: this.message(verdict, limit),
      executions: this.strategy.executions,
      blocked: this.strategy.blocked,
      steps: this.harness.steps,
      violation,
      limit,
    };
  }

  private isMinimal = false;

  private get limit(): Limit | null {
    if (!this.ended) return { name: 'interrupted', message: 'the check was not finished' };
    return this.stoppedBy ?? this.harness.limit ?? this.strategy.limit;
  }

  private verdict(limit: Limit | null): Verdict {
    if (this.test.skip !== undefined) return 'skipped';
    if (this.violation !== null) return 'violated';
    if (limit !== null) return 'bounded';
    return this.harness.unreached === null ? 'holds' : 'unreachable';
  }

  private message(verdict: Verdict, limit: Limit | null): string {
    switch (verdict) {
      case 'skipped':
        return this.test.skip!;
      case 'violated':
        return this.violation!.message;
      case 'bounded':
        return limit!.message;
      case 'unreachable':
        return `'${this.harness.unreached}' never happens in any execution: what the test says of it is vacuous`;
      case 'holds':
        return 'in every execution';
    }
  }
}

/** Explores a test to its end. */
export function check(test: CheckTest, options: CheckOptions = {}): CheckResult {
  const running = new Check(test, options);
  while (running.advance(1000));
  return running.result();
}
