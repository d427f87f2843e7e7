/** What an exploration sees of a program of the corpus: each execution's class and outcome. */

import { Execution } from '../../../src/check/execution.ts';
import { type Ending, Harness } from '../../../src/check/harness.ts';
import type { CheckTest } from '../../../src/check/index.ts';
import { Dpor } from '../../../src/check/strategies/dpor.ts';
import type { Strategy } from '../../../src/check/strategy.ts';
import { type Observed, testOf } from './as-program.ts';
import { classOf, enumerateClasses } from './classes.ts';
import { interpret } from './interpreter.ts';
import { printOutcome, printSpec, type Spec } from './spec.ts';

export type MakeStrategy = (harness: Harness) => Strategy;

const optimal: MakeStrategy = (harness) => new Dpor(harness);

/** Programs with more beginnings or states than this are left out. */
const MOST_BEGINNINGS = 3000;
const MOST_STATES = 20_000;
/** An explorer with a bug may not come to an end. */
const MOST_EXECUTIONS = 20_000;

interface Explored {
  readonly executions: number;
  readonly blocked: number;
  readonly classes: ReadonlySet<string>;
  readonly outcomes: ReadonlySet<string>;
}

/** Says when an execution is over, while its schedule is still known. */
class WatchedHarness extends Harness {
  atEnd: (ending: Ending) => void = () => {};

  override endOfExecution(...args: Parameters<Harness['endOfExecution']>): boolean {
    this.atEnd(args[1]);
    return super.endOfExecution(...args);
  }
}

export function exploreAll(test: CheckTest, makeStrategy: MakeStrategy = optimal): Explored {
  const harness = new WatchedHarness(test, true);
  const strategy = makeStrategy(harness);
  const run = new Execution(test);
  const classes = new Set<string>();
  const outcomes = new Set<string>();
  harness.atEnd = (ending) => {
    if (ending !== 'ended') return;
    classes.add(classOf(run, strategy.schedule()));
    outcomes.add(printOutcome((run.program as Observed).outcome()));
  };
  while (strategy.next() && strategy.executions < MOST_EXECUTIONS);
  const { executions, blocked } = strategy;
  return { executions, blocked, classes, outcomes };
}

/** Why the exploration of a program is not what brute force says; '' if it is, null for a program that is too large. */
export function compareWithBruteForce(spec: Spec, makeStrategy: MakeStrategy = optimal): string | null {
  const test = testOf(spec, { daemons: true });
  const possible = interpret(spec, MOST_STATES);
  const classes = possible === null ? null : enumerateClasses(test, MOST_BEGINNINGS);
  if (possible === null || classes === null) return null;
  let explored: Explored;
  try {
    explored = exploreAll(test, makeStrategy);
  } catch (error) {
    return `${printSpec(spec)}\nthe explorer throws ${error}`;
  }
  const complaints = [
    ...difference('outcome', possible.outcomes.keys(), explored.outcomes),
    ...difference('class', classes.keys(), explored.classes),
    ...(explored.executions === classes.size ? [] : [`${explored.executions} executions of ${classes.size} classes`]),
    ...(explored.blocked === 0 ? [] : [`${explored.blocked} blocked`]),
  ];
  return complaints.length === 0 ? '' : [printSpec(spec), ...complaints].join('\n');
}

function difference(what: string, expected: Iterable<string>, seen: ReadonlySet<string>): string[] {
  const all = new Set(expected);
  const missing = [...all].filter((one) => !seen.has(one));
  const extra = [...seen].filter((one) => !all.has(one));
  return [
    ...(missing.length === 0 ? [] : [`${missing.length} of ${all.size} missing, one ${what}: ${missing[0]}`]),
    ...(extra.length === 0 ? [] : [`${extra.length} that cannot be, one ${what}: ${extra[0]}`]),
  ];
}
