/**
 * What every strategy runs its executions through: it makes them, looks at the properties after each step and at the end, and
 * keeps what was found. Strategies decide the schedule and nothing else.
 *
 * A property that is looked at in every state is only as good as the states that are seen: steps that write a word which the
 * property peeks at are made dependent on each other, so that the reduction keeps every order of them. Which words these are
 * is learnt while properties are evaluated; a new one starts the exploration again (`outdated`).
 */

import { LockMisuse } from '../base/locks.ts';
import { TestMistake } from '../base/mistake.ts';
import { LocationTable, UseAfterFree } from '../base/world.ts';
import { explainEnd } from './deadlock.ts';
import { Execution } from './execution.ts';
import { findRoundabout } from './livelock.ts';
import type { Order } from './orders.ts';
import { Translator } from './portable.ts';
import type { CheckTest, Predicate, Properties } from './program.ts';
import type { Decision, Limit, ViolationKind } from './verdicts.ts';

/**
 * How an execution ended: `blocked`: what could run is asleep; `cut`: the harness ended it; `elsewhere`: it goes on in another part
 * of a partition.
 */
export type Ending = 'ended' | 'blocked' | 'cut' | 'elsewhere';

export interface Finding {
  readonly kind: ViolationKind;
  readonly property: string;
  readonly message: string;
  /** How many steps of the schedule tell all: what comes after repeats itself. */
  readonly tells?: number;
}

export const DEFAULT_MAX_STEPS = 2000;
/** Executions that are looked at for livelock, of those that became too long. */
const MOST_CUTS_EXAMINED = 20;

/** What JavaScript throws of itself is a slip of who wrote the thread, and no verdict on what it models: threads assert by `throw new Error(…)`. */
const SLIPS = [TypeError, ReferenceError, RangeError, SyntaxError];

class SlipInThread extends TestMistake {
  override readonly name = 'SlipInThread';

  constructor(error: Error) {
    super(`a thread fails with ${error.name}: ${error.message}`);
    // Its place is where it was thrown.
    this.stack = `${this.name}: ${this.message}\n${(error.stack ?? '').split('\n').slice(1).join('\n')}`;
  }
}

/** A property looked at in every state, with the pseudo location that orders the writes it sees. */
interface Watched {
  readonly group: 'always' | 'sometimes' | 'eventually';
  readonly name: string;
  readonly location: number;
}

export class Harness {
  readonly test: CheckTest;
  readonly locations = new LocationTable();
  readonly threadCount: number;
  readonly maxSteps: number;
  steps = 0;
  /** What the execution under way broke. */
  finding: Finding | null = null;
  /** Limits that were hit, by name. */
  limit: Limit | null = null;
  /** A property looks at a word that it did not look at before: what was explored may lack orders. */
  outdated = false;
  readonly orders: readonly Order[];
  private readonly choiceThreads: boolean;
  private readonly watched: Watched[] = [];
  /** By location: pseudo locations of the properties that look at it. */
  private readonly watchers: number[][] = [];
  /** `sometimes` and `reachable` not seen yet. */
  private readonly missing = new Set<string>();
  private readonly happened = new Set<string>();
  private marksSeen = 0;
  private cuts = 0;
  private run: Execution | null = null;
  private probing: Execution | null = null;

  /** `orders`: only executions that keep them are looked at. */
  constructor(test: CheckTest, choiceThreads: boolean, orders: readonly Order[] = []) {
    this.orders = orders;
    this.test = test;
    this.choiceThreads = choiceThreads;
    this.maxSteps = test.maxSteps ?? DEFAULT_MAX_STEPS;
    const first = this.newExecution();
    this.threadCount = first.threadCount;
    const { always, sometimes, eventually, reachable } = first.program;
    for (const name of [...Object.keys(sometimes ?? {}), ...(reachable ?? [])]) this.missing.add(name);
    this.watchAll('always', always, first);
    this.watchAll('sometimes', sometimes, first);
    this.watchAll('eventually', eventually, first);
  }

  private watchAll(group: Watched['group'], properties: Properties | undefined, first: Execution): void {
    for (const [name, property] of Object.entries(properties ?? {})) {
      if (typeof property !== 'function') continue;
      const { base } = this.locations.objectNamed(`property ${name}`, 1, first.world.stride);
      this.watched.push({ group, name, location: base });
    }
  }

  private newExecution(): Execution {
    const { locations, choiceThreads, watchers, orders } = this;
    return new Execution(this.test, { locations, choiceThreads, watchers, orders });
  }

  /** For what is told to other explorers of the same test. */
  translator(): Translator {
    const { programThreads, world } = this.probe();
    const firstChoice = world.memory === 'tso' ? 2 * programThreads : programThreads;
    return new Translator(this.locations, world.stride, firstChoice);
  }

  /** A new execution, looked at from its first state on. */
  begin(): Execution {
    this.run = this.run?.restart() ?? this.newExecution();
    this.finding = null;
    this.happened.clear();
    this.marksSeen = 0;
    if (this.run.error !== null) this.judgeError(this.run.error);
    if (this.watched.length > 0) this.evaluateAll(this.run);
    return this.run;
  }

  /** An execution beside the one under way, at which no property is looked. */
  probe(): Execution {
    this.probing = this.probing?.restart() ?? this.newExecution();
    return this.probing;
  }

  /** After each step. True: the execution is over. */
  afterStep(run: Execution): boolean {
    this.steps++;
    if (run.error !== null) this.judgeError(run.error);
    if (run.sawWatched) this.evaluateAll(run);
    if (run.world.reached.length > this.marksSeen) this.passMarks(run);
    return this.finding !== null || run.length >= this.maxSteps;
  }

  /** At the end of an execution. True: something was found that ends the exploration. */
  endOfExecution(run: Execution, ending: Ending, schedule: () => readonly Decision[]): boolean {
    if (this.finding !== null) return true;
    if (ending === 'ended') this.judgeEnd(run);
    else if (ending === 'cut') this.judgeCut(schedule);
    return this.finding !== null;
  }

  /** An execution that became too long: does it go round for ever? */
  private judgeCut(schedule: () => readonly Decision[]): void {
    if (this.cuts++ >= MOST_CUTS_EXAMINED) return;
    const round = findRoundabout(this.test, schedule());
    this.finding = round?.finding ?? null;
    const how = round === null ? '' : `; ${round.description}: put \`yield cpuRelax(world);\` into a loop that waits`;
    this.limit ??= { name: 'steps', message: `an execution was cut after ${this.maxSteps} steps (maxSteps)${how}` };
  }

  private judgeError(error: unknown): void {
    if (error instanceof TestMistake) throw error;
    if (this.finding !== null) return;
    if (SLIPS.some((slip) => error instanceof slip)) throw new SlipInThread(error as Error);
    const message = error instanceof Error ? error.message || error.name : String(error);
    if (error instanceof UseAfterFree) this.finding = { kind: 'use-after-free', property: 'use after free', message };
    else if (error instanceof LockMisuse) this.finding = { kind: 'lock-misuse', property: 'lock misuse', message };
    else this.finding = { kind: 'assertion', property: 'assertion', message };
  }

  private passMarks(run: Execution): void {
    const { reached } = run.world;
    for (; this.marksSeen < reached.length; this.marksSeen++) {
      const mark = reached[this.marksSeen]!;
      this.missing.delete(mark);
      if (run.program.never?.includes(mark) && this.finding === null) {
        this.finding = { kind: 'never', property: mark, message: `'${mark}' is reached` };
      }
    }
  }

  private evaluateAll(run: Execution): void {
    for (const property of this.watched) {
      const { group, name } = property;
      if (group === 'sometimes' && !this.missing.has(name)) continue;
      if (group === 'eventually' && this.happened.has(name)) continue;
      const holds = evaluate(run, name, run.program[group]![name] as Predicate);
      for (const location of run.world.peeked) this.watch(location, property.location);
      if (group === 'always' && !holds) this.broke('always', name, `'${name}' does not hold`);
      else if (group === 'sometimes' && holds) this.missing.delete(name);
      else if (group === 'eventually' && holds) this.happened.add(name);
    }
  }

  private watch(location: number, property: number): void {
    const watchers = this.watchers[location];
    if (watchers?.includes(property)) return;
    if (watchers === undefined) this.watchers[location] = [property];
    else watchers.push(property);
    if (this.steps > 0) this.outdated = true;
  }

  private broke(kind: ViolationKind, property: string, message: string): void {
    this.finding ??= { kind, property, message };
  }

  private judgeEnd(run: Execution): void {
    const stuck = explainEnd(run);
    if (stuck !== null) {
      this.finding = stuck;
      return;
    }
    const { always, sometimes, eventually } = run.program;
    for (const [name, holds] of atEnds(always, run))
      if (!holds) this.broke('always', name, `'${name}' does not hold at the end`);
    for (const [name, holds] of atEnds(sometimes, run)) if (holds) this.missing.delete(name);
    for (const [name, holds] of atEnds(eventually, run))
      if (!holds) this.broke('eventually', name, `'${name}' has not happened`);
    for (const { group, name } of this.watched) {
      if (group === 'eventually' && !this.happened.has(name)) this.broke('eventually', name, `'${name}' never happens`);
    }
  }

  /** What the properties that are looked at at the end come out as. */
  endValues(run: Execution): readonly (readonly [string, boolean])[] {
    const { always, sometimes, eventually } = run.program;
    return [...atEnds(always, run), ...atEnds(sometimes, run), ...atEnds(eventually, run)];
  }

  /** A `sometimes` or `reachable` that has not happened so far, or null. */
  get unreached(): string | null {
    for (const name of this.missing) return name;
    return null;
  }

  /** Names of all that has not happened so far, for checkpoints and for merging. */
  get unreachedNames(): readonly string[] {
    return [...this.missing];
  }

  /** Another exploration of the same test, or an earlier part of this one, has reached all but these. */
  reachedAllBut(names: readonly string[]): void {
    for (const name of this.missing) if (!names.includes(name)) this.missing.delete(name);
  }

  /** Starts anew, knowing more of what properties look at. */
  forgetOutdated(): void {
    this.outdated = false;
  }
}

/** A property's value; what its author did wrong is said with its name. */
function evaluate(run: Execution, name: string, predicate: Predicate): boolean {
  try {
    const holds: unknown = run.world.evaluate(predicate);
    if (typeof holds === 'object' && holds !== null)
      throw new TestMistake('it returns an object, not whether it holds');
    return Boolean(holds);
  } catch (error) {
    throw new TestMistake(`property '${name}': ${error instanceof Error ? error.message : String(error)}`);
  }
}

function atEnds(properties: Properties | undefined, run: Execution): [string, boolean][] {
  if (properties === undefined) return [];
  const found: [string, boolean][] = [];
  for (const [name, property] of Object.entries(properties)) {
    if (typeof property === 'object') found.push([name, evaluate(run, name, property.atEnd)]);
  }
  return found;
}
