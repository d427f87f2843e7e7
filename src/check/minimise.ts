/**
 * A shorter counterexample: the fewest preemptions that break the same property, and with so many the fewest steps, as far as the
 * given number of executions goes. What is found is never worse than what was given.
 */
import { Harness } from './harness.ts';
import type { CheckTest } from './program.ts';
import { Minimal } from './strategies/minimal.ts';
import type { Violation } from './verdicts.ts';

export function minimise(test: CheckTest, violation: Violation, budget: number): Violation {
  let best = violation;
  let left = budget;
  let bound: number | undefined;
  // First by preemptions, counted up from none; then, with as many, by steps.
  for (let shorterThan: number | undefined; left > 0; shorterThan = best.schedule.length) {
    const harness = new Harness(test, false);
    const strategy = new Minimal(harness, {
      ...(bound === undefined ? {} : { bound }),
      ...(shorterThan === undefined ? {} : { shorterThan }),
      cache: true,
    });
    const found = search(harness, strategy, violation, left);
    left -= strategy.executions + strategy.blocked;
    if (found === null) break;
    best = found;
    bound = strategy.bound;
  }
  return best;
}

/** The first violation of the same property, or null. */
function search(harness: Harness, strategy: Minimal, like: Violation, budget: number): Violation | null {
  for (let i = 0; i < budget; i++) {
    const goesOn = strategy.next();
    const { finding } = harness;
    if (finding !== null && finding.kind === like.kind && finding.property === like.property) {
      return { ...finding, schedule: strategy.schedule() };
    }
    if (finding !== null ? !strategy.resume() : !goesOn) return null;
  }
  return null;
}
