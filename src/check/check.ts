/**
 * A check: one test explored by one strategy, as far at a time as its driver asks, so that the driver can show progress, stop, or
 * let a browser breathe. `check` runs one to its end.
 */
import type { Flow } from '../base/flow.ts';
import { createRandom } from '../base/random.ts';
import type { MemoryModel } from '../base/world.ts';
import { Harness } from './harness.ts';
import { Minimiser } from './minimise.ts';
import type { Order } from './orders.ts';
import type { SavedExploration } from './portable.ts';
import type { CheckTest } from './program.ts';
import { resultOf } from './result.ts';
import { Dpor } from './strategies/dpor.ts';
import { Minimal } from './strategies/minimal.ts';
import { Pct } from './strategies/pct.ts';
import { RandomWalk } from './strategies/random.ts';
import { Replay } from './strategies/replay.ts';
import { RoundRobin } from './strategies/round-robin.ts';
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
  /** Steps to spend on a shorter counterexample (default 1,000,000; 0: it stays as found). */
  readonly minimise?: number;
  /** `dpor`: only executions that keep these orders (partition.ts). */
  readonly orders?: readonly Order[];
  /** `dpor`: goes on where an earlier check was left. */
  readonly resume?: SavedCheck;
}

/** A check that was left, to be gone on with: plain data. */
export interface SavedCheck {
  readonly exploration: SavedExploration;
  readonly steps: number;
  readonly unreached: readonly string[];
}

const DEFAULT_RUNS = 1000;
const DEFAULT_DEPTH = 3;
/** Steps of a turn, in the fair schedules that are tried first. */
const FAIR_TURNS = [1, 2, 3];

export class Check {
  readonly test: CheckTest;
  private readonly options: CheckOptions;
  private harness: Harness;
  private strategy: Strategy;
  private ended = false;
  private stoppedBy: Limit | null = null;
  private violation: Violation | null = null;
  private minimiser: Minimiser | null = null;
  private triedFairly = false;
  /** Schedules tried before the exploration, if one of them was enough. */
  private fairExecutions = 0;
  private fairSteps = 0;
  private readonly stepsBefore: number;

  constructor(test: CheckTest, options: CheckOptions = {}) {
    this.test = options.memory === undefined ? test : { ...test, memory: options.memory };
    this.options = options;
    this.stepsBefore = options.resume?.steps ?? 0;
    const { skip } = test;
    // A test that is skipped may not be able to run at all.
    const runnable = skip === undefined ? this.test : { ...this.test, program: () => ({ threads: [nothing()] }) };
    this.harness = new Harness(runnable, (options.strategy ?? 'dpor') === 'dpor', options.orders);
    this.strategy = this.newStrategy();
    if (options.resume !== undefined) this.harness.reachedAllBut(options.resume.unreached);
    this.ended = skip !== undefined;
  }

  private newStrategy(): Strategy {
    const { harness, options } = this;
    const runs = options.runs ?? DEFAULT_RUNS;
    const random = createRandom(options.seed ?? 1);
    switch (options.strategy ?? 'dpor') {
      case 'dpor':
        return new Dpor(harness, options.resume?.exploration);
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
    return this.fairExecutions + this.strategy.executions;
  }

  get steps(): number {
    return this.stepsBefore + this.fairSteps + this.harness.steps;
  }

  /** Whether a violation was found, and what is going on is only to shorten it. */
  get isMinimising(): boolean {
    return this.minimiser !== null;
  }

  /** What has not been reached so far of what must be. */
  get unreached(): readonly string[] {
    return this.harness.unreachedNames;
  }

  /** Other parts of the same test have reached all but these. */
  reachedAllBut(names: readonly string[]): void {
    this.harness.reachedAllBut(names);
  }

  /** What is left to do, or null: nothing, or the strategy cannot be gone on with. */
  save(): SavedCheck | null {
    if (!(this.strategy instanceof Dpor) || this.violation !== null || (this.ended && this.stoppedBy === null))
      return null;
    return { exploration: this.strategy.save(), steps: this.steps, unreached: this.unreached };
  }

  /** How much is done, 0 .. 1, as far as can be told. */
  get progress(): number {
    return this.ended ? 1 : this.strategy.progress();
  }

  /** Runs up to `executions` more. False when the check has ended. */
  advance(executions: number): boolean {
    for (let i = 0; i < executions && !this.ended; i++) {
      if (this.minimiser === null) this.one();
      else this.shorten(this.minimiser);
    }
    return !this.ended;
  }

  /** A livelock that shows where threads take turns. Anything else the exploration finds by itself. */
  private tryFairly(): void {
    this.triedFairly = true;
    const { strategy = 'dpor', resume, orders } = this.options;
    if ((strategy !== 'dpor' && strategy !== 'minimal') || resume !== undefined || orders !== undefined) return;
    let steps = 0;
    for (const turn of FAIR_TURNS) {
      const harness = new Harness(this.test, false);
      const fair = new RoundRobin(harness, turn);
      fair.next();
      steps += harness.steps;
      if (harness.finding?.kind !== 'livelock' || harness.finding.tells === undefined) continue;
      this.fairExecutions = turn;
      this.fairSteps = steps;
      this.found({ ...harness.finding, schedule: fair.schedule() });
      return;
    }
  }

  private one(): void {
    if (!this.triedFairly) {
      this.tryFairly();
      if (this.ended) return;
    }
    const goesOn = this.strategy.next();
    if (this.harness.finding !== null) {
      this.found({ ...this.harness.finding, schedule: this.strategy.schedule() });
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

  private found(violation: Violation): void {
    this.violation = violation;
    const steps = this.options.minimise;
    // A round that was seen many times is told once, and is as short as it can be.
    const isShort = violation.schedule.length === 0 || violation.tells !== undefined;
    if (steps === 0 || this.options.strategy === 'replay' || isShort) this.ended = true;
    else this.minimiser = new Minimiser(this.test, violation, steps);
  }

  private shorten(minimiser: Minimiser): void {
    if (!minimiser.next()) this.ended = true;
    this.violation = minimiser.best;
  }

  /** Ends the check before it is done. */
  stop(limit: Limit): void {
    if (this.ended) return;
    this.stoppedBy = limit;
    this.ended = true;
  }

  /** What is known so far. */
  result(): CheckResult {
    const { test, violation } = this;
    return resultOf(test, {
      executions: this.executions,
      blocked: this.strategy.blocked,
      steps: this.steps,
      unreached: this.unreached,
      violation,
      limit: violation === null ? this.limit : null,
    });
  }

  private get limit(): Limit | null {
    if (!this.ended) return { name: 'interrupted', message: 'the check was not finished' };
    return this.stoppedBy ?? this.harness.limit ?? this.strategy.limit;
  }
}

/** Explores a test to its end. */
export function check(test: CheckTest, options: CheckOptions = {}): CheckResult {
  const running = new Check(test, options);
  while (running.advance(1000));
  return running.result();
}

/** A thread that does nothing. */
function* nothing(): Flow<void> {
  yield;
}
