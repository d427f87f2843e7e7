/**
 * A shorter counterexample: the fewest preemptions that break the same property, and with so many the fewest steps, as far as the
 * given number of steps goes. What is found is never worse than what was given.
 */
import { Execution } from './execution.ts';
import { Harness } from './harness.ts';
import type { CheckTest } from './program.ts';
import { Minimal } from './strategies/minimal.ts';
import type { Violation } from './verdicts.ts';

const DEFAULT_STEPS = 1_000_000;
/** Of these, for fewer steps with as few preemptions, since the last that were found: what comes soon is most of what comes. */
const FOR_FEWER_STEPS = 200_000;
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
    // First by preemptions, counted up from none to as many as there are; then, with as many, by steps.
    const most = preemptionsOf(test, violation.schedule);
    this.harness = new Harness(test, false);
    this.strategy = this.search(0, most, violation.schedule.length + 1);
  }

  /** Schedules of `from` to `most` preemptions; with so many, of fewer than `steps` steps. */
  private search(from: number, most: number, steps: number): Minimal {
    const meetings = this.test.memory !== 'tso';
    return new Minimal(this.harness, { from, bound: most, shorterThan: { steps, from: most }, cache: true, meetings });
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
      const steps = this.best.schedule.length;
      this.left = Math.min(this.left, FOR_FEWER_STEPS);
      this.strategy = this.search(strategy.bound, strategy.bound, steps);
      return steps > 0 && this.left > 0;
    }
    return (finding === null ? goesOn : strategy.resume()) && this.left > 0;
  }
}

/** How often a schedule leaves a thread that could have gone on. */
function preemptionsOf(test: CheckTest, schedule: Violation['schedule']): number {
  const run = new Execution(test);
  let running = -1;
  let count = 0;
  for (const { thread, path } of schedule) {
    const isBuffer = run.isBuffer(thread);
    if (!isBuffer && running !== -1 && running !== thread && run.enabled(running)) count++;
    run.step(thread, path);
    if (!isBuffer) running = thread;
  }
  return count;
}
