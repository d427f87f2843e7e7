/**
 * A shorter counterexample: the fewest preemptions that break the same property, and with so many the fewest steps, as far as the
 * given number of steps goes. What is found is never worse than what was given.
 */
import { Harness } from './harness.ts';
import type { CheckTest } from './program.ts';
import { Minimal } from './strategies/minimal.ts';
import type { Violation } from './verdicts.ts';

const DEFAULT_STEPS = 1_000_000;
/** What an execution costs besides its steps, in steps. */
const EXECUTION = 20;

export class Minimiser {
  /** The best so far. */
  best: Violation;
  private readonly test: CheckTest;
  private left: number;
  private harness: Harness;
  private strategy: Minimal;

  /** `steps`: how many may be spent. Default: 1,000,000. */
  constructor(test: CheckTest, violation: Violation, steps = DEFAULT_STEPS) {
    this.test = test;
    this.best = violation;
    this.left = steps;
    // First by preemptions, counted up from none; then, with as many, by steps.
    this.harness = new Harness(test, false);
    this.strategy = new Minimal(this.harness, { cache: true });
  }

  /** Runs one more execution. False: there is nothing better, or no more may be spent. */
  next(): boolean {
    const { harness, strategy, best } = this;
    const before = harness.steps;
    const goesOn = strategy.next();
    this.left -= EXECUTION + harness.steps - before;
    const { finding } = harness;
    if (finding !== null && finding.kind === best.kind && finding.property === best.property) {
      this.best = { ...finding, schedule: strategy.schedule() };
      this.harness = new Harness(this.test, false);
      const shorterThan = this.best.schedule.length;
      this.strategy = new Minimal(this.harness, { bound: strategy.bound, shorterThan, cache: true });
      return shorterThan > 0 && this.left > 0;
    }
    return (finding === null ? goesOn : strategy.resume()) && this.left > 0;
  }
}
