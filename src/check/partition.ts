/**
 * A test's executions in parts that can be explored apart, on several threads or machines, without a word between them.
 *
 * Take a step a of one thread and a step b of another that both come in every execution and always conflict. Then every class of
 * executions has either a before b or b before a, and the test in which one of them waits for the other is a test like any
 * other. With k such pairs there are 2^k parts, less those whose orders contradict each other. Pairs are guessed from random
 * executions; each part finds out, by exploring all of it, whether a pair does not fit (`UnfitOrder`): an execution that lacks one
 * of the two steps, or in which they do not conflict, keeps one of the two orders and is seen there. docs/adr/0006.
 */
import { createRandom } from '../base/random.ts';
import { Execution } from './execution.ts';
import { conflict, type History } from './history.ts';
import type { Order, Orders, StepName } from './orders.ts';
import type { CheckTest } from './program.ts';

/** The parts are none: the test is to be explored in one piece. */
export class UnfitOrder extends Error {
  override readonly name = 'UnfitOrder';
}

/**
 * Whether an execution that came to a stop goes on in another part: a step waits for one that cannot come here. Refuses a
 * partition that is none: a step that orders name did not come. Context: nothing can run.
 */
export function isElsewhere(run: Execution, orders: Orders): boolean {
  const { all } = orders;
  for (let i = 0; i < all.length; i++) {
    if (!orders.holds(all[i]!.second.thread)) continue;
    const never = all.some(({ first }) => !orders.isMade(first) && run.hasEnded(first.thread));
    if (never) throw new UnfitOrder();
    return true;
  }
  for (let i = 0; i < all.length; i++) {
    if (!orders.isMade(all[i]!.first) || !orders.isMade(all[i]!.second)) throw new UnfitOrder();
  }
  return false;
}

/** Refuses a partition that is none: the last event does not conflict with one that it is to come after. */
export function checkConflict(history: History, firsts: readonly StepName[]): void {
  for (let i = 0; i < firsts.length; i++) {
    const earlier = history.find(firsts[i]!.thread, firsts[i]!.nth);
    if (!history.inConflict(earlier, history.length - 1)) throw new UnfitOrder();
  }
}

/** A pair of steps, and how even the two orders are in random executions (0 .. 0.5). */
interface Pair {
  readonly a: StepName;
  readonly b: StepName;
  readonly balance: number;
}

interface Seen {
  readonly step: StepName;
  readonly codes: readonly number[];
  /** Where it came in each random execution. */
  readonly at: number[];
}

const SAMPLES = 60;
const MOST_STEPS = 400;
/** Pairs whose rarer order has a smaller share than this divide badly. */
const LEAST_BALANCE = 0.15;
/** Steps of a thread that are looked at: later ones seldom come in every execution. */
const MOST_STEPS_OF_A_THREAD = 8;

/** Orders of each part: at least one part, at most about `parts`. One part without orders where nothing divides the test. */
export function partition(test: CheckTest, parts: number): readonly (readonly Order[])[] {
  const pairs = findPairs(sample(test), Math.floor(Math.log2(parts)));
  let found: (readonly Order[])[] = [[]];
  for (const { a, b } of pairs) {
    found = found.flatMap((orders) => [
      [...orders, { first: a, second: b }],
      [...orders, { first: b, second: a }],
    ]);
    found = found.filter(isPossible);
  }
  return found;
}

/** Steps that came in each of some random executions, and touched the same each time. */
function sample(test: CheckTest): readonly Seen[] {
  const random = createRandom(1);
  const steps = new Map<string, Seen>();
  const run = new Execution(test);
  run.chooser = (options) => random.below(options);
  for (let round = 0; round < SAMPLES; round++) {
    if (round > 0) run.restart();
    const made: number[] = [];
    for (let length = 0; length < MOST_STEPS && run.error === null; length++) {
      const enabled = [...Array(run.threadCount).keys()].filter((thread) => run.enabled(thread));
      if (enabled.length === 0) break;
      const thread = random.pick(enabled);
      run.step(thread);
      made[thread] = (made[thread] ?? 0) + 1;
      if (made[thread]! > MOST_STEPS_OF_A_THREAD) continue;
      noteStep(steps, { thread, nth: made[thread]! }, run.stepCodes(), round, length);
    }
  }
  return [...steps.values()].filter(({ at }) => at.length === SAMPLES);
}

function noteStep(
  steps: Map<string, Seen>,
  step: StepName,
  codes: readonly number[],
  round: number,
  place: number,
): void {
  const key = `${step.thread}.${step.nth}`;
  const seen = steps.get(key);
  if (seen === undefined) {
    if (round === 0) steps.set(key, { step, codes, at: [place] });
  } else if (
    seen.at.length === round &&
    seen.codes.length === codes.length &&
    seen.codes.every((code, i) => code === codes[i])
  ) {
    seen.at.push(place);
  }
}

/** Pairs that divide evenly, and each of them other steps as long as there are any. */
function findPairs(seen: readonly Seen[], most: number): readonly Pair[] {
  const pairs: Pair[] = [];
  for (const [i, one] of seen.entries()) {
    for (const other of seen.slice(i + 1)) {
      if (one.step.thread === other.step.thread || !conflict(one.codes, other.codes)) continue;
      const before = one.at.filter((place, round) => place < other.at[round]!).length / SAMPLES;
      const balance = Math.min(before, 1 - before);
      if (balance >= LEAST_BALANCE) pairs.push({ a: one.step, b: other.step, balance });
    }
  }
  pairs.sort((x, y) => y.balance - x.balance);
  const chosen: Pair[] = [];
  const used = new Map<StepName, number>();
  while (chosen.length < most && pairs.length > 0) {
    const uses = ({ a, b }: Pair) => (used.get(a) ?? 0) + (used.get(b) ?? 0);
    const best = pairs.reduce((x, y) => (uses(y) < uses(x) ? y : x));
    pairs.splice(pairs.indexOf(best), 1);
    chosen.push(best);
    for (const step of [best.a, best.b]) used.set(step, (used.get(step) ?? 0) + 1);
  }
  return chosen;
}

/** Whether the orders, and that of each thread's own steps, do not run in a circle. */
function isPossible(orders: readonly Order[]): boolean {
  const steps = [...new Set(orders.flatMap(({ first, second }) => [first, second]))];
  const before = (a: StepName, b: StepName) =>
    (a.thread === b.thread && a.nth < b.nth) || orders.some(({ first, second }) => first === a && second === b);
  const left = new Set(steps);
  while (left.size > 0) {
    const free = [...left].find((step) => [...left].every((other) => !before(other, step)));
    if (free === undefined) return false;
    left.delete(free);
  }
  return true;
}
