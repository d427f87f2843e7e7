/**
 * An execution that was cut because it became too long: does it go round for ever? It does if its last steps repeat, with the
 * same values, and every thread that can run takes part: going on like this is fair, and changes nothing. If a thread that can
 * run takes no part, the schedule was unfair to it, and nothing is shown.
 */
import type { AccessEvent } from '../base/world.ts';
import { Execution } from './execution.ts';
import { printValue } from './explain.ts';
import type { Finding } from './harness.ts';
import type { CheckTest } from './program.ts';
import type { Decision } from './verdicts.ts';

/** How often the round must have been made. */
const ROUNDS = 4;
/** Steps that these rounds must be at least, so that a loop of a few turns is none. */
const LEAST_STEPS = 200;
/** Steps before the cut that need not be part of the round. */
const MOST_LEFT_OUT = 100;

export interface Roundabout {
  /** Null: a thread that could run took no part. */
  readonly finding: Finding | null;
  /** The round, said in words. */
  readonly description: string;
}

/** Null: the execution does not repeat itself. */
export function findRoundabout(test: CheckTest, schedule: readonly Decision[]): Roundabout | null {
  const told: AccessEvent[] = [];
  const run = new Execution(test, { tracer: (event) => told.push(event) });
  const said: string[] = [];
  for (const { thread, path } of schedule) {
    told.length = 0;
    const operation = run.stepOf(thread)?.label ?? '';
    run.step(thread, path);
    said.push(`${run.nameOf(thread)}: ${[operation, ...told.map(describe)].filter((part) => part !== '').join(', ')}`);
  }
  // What repeats may have come to an end just before the cut: then there is no livelock, but something to tell.
  let end = said.length;
  let period = findPeriod(said, end);
  while (period === 0 && end > said.length - MOST_LEFT_OUT) period = findPeriod(said, --end);
  if (period === 0) return null;
  const round = schedule.slice(end - period, end);
  const takesPart = new Set(round.map(({ thread }) => thread));
  const names = [...takesPart].map((thread) => run.nameOf(thread));
  const steps = said.slice(end - period, end).slice(0, 4);
  const description = `the last ${period} ${period === 1 ? 'step repeats' : 'steps repeat'} (${steps.join('; ')}${period > 4 ? '; …' : ''})`;
  if (end < said.length) return { finding: null, description };
  for (let thread = 0; thread < run.threadCount; thread++) {
    if (run.enabled(thread) && !takesPart.has(thread)) {
      return {
        finding: null,
        description: `${names.join(' and ')}: ${description} while ${run.nameOf(thread)} could run`,
      };
    }
  }
  const verb = names.length === 1 ? 'goes' : 'go';
  const message = `${names.join(' and ')} ${verb} round for ever: ${description}`;
  const tells = beginningOf(said, end, period) + period;
  return { finding: { kind: 'livelock', property: 'livelock', message, tells }, description };
}

function describe({ object, word, kind, before, after }: AccessEvent): string {
  const name = object.words > 1 ? `${object.name}[${word}]` : object.name;
  return kind === 'read' ? `${name} is ${printValue(after)}` : `${name}: ${printValue(before)} -> ${printValue(after)}`;
}

/** Where the rounds that go up to `end` begin. */
function beginningOf(said: readonly string[], end: number, period: number): number {
  let at = end - period;
  while (at > 0 && said[at - 1] === said[at - 1 + period]) at--;
  return at;
}

/** The shortest period of the steps before `end`; 0: none. */
function findPeriod(said: readonly string[], end: number): number {
  for (let period = 1; period * ROUNDS <= end; period++) {
    const from = end - Math.max(period * (ROUNDS - 1), LEAST_STEPS);
    if (from - period < 0) return 0;
    let same = true;
    for (let i = end - 1; i >= from && same; i--) same = said[i] === said[i - period];
    if (same) return period;
  }
  return 0;
}
