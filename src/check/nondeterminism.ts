/**
 * A program must do the same whenever it is run by the same schedule, and must not care about the order of steps that touch
 * nothing in common. Now and then both are tried out: what breaks them is a variable that outlives an execution, a clock, or
 * state that threads share without a shared object.
 */

import { TestMistake } from '../base/mistake.ts';
import type { Execution } from './execution.ts';
import type { History } from './history.ts';

export class Nondeterminism extends TestMistake {
  override readonly name = 'Nondeterminism';
}

/** The replayed prefix must have touched what it touched before. Context: `run` has made the history's steps, and no more. */
export function checkReplay(run: Execution, history: History): void {
  const { log, logged } = run.world;
  const end = history.codeStart[history.length]!;
  if (logged === end && sameCodes(log, history.codes, end)) return;
  let event = 0;
  while (event < history.length && sameCodes(log, history.codes, history.codeStart[event + 1]!)) event++;
  const thread = run.nameOf(history.thread[Math.min(event, history.length - 1)]!);
  throw new Nondeterminism(
    `step ${event + 1} of one schedule, of thread '${thread}', touches ${touched(run, log, history.codeStart[event]!, logged)} and touched ${touched(run, history.codes, history.codeStart[event]!, history.codeStart[event + 1] ?? end)} when it was run before: something besides the schedule decides (a variable that outlives an execution, a clock, Math.random)`,
  );
}

/** Properties must come out the same at the end of two orders of one class. */
export function checkEndValues(
  before: readonly (readonly [string, boolean])[],
  after: readonly (readonly [string, boolean])[],
): void {
  for (const [i, [name, value]] of before.entries()) {
    if (after[i]![1] === value) continue;
    throw new Nondeterminism(
      `property '${name}' comes out ${value}, and ${after[i]![1]} in another order of steps that have nothing in common: it looks at a plain variable that more than one thread changes`,
    );
  }
}

/** A step that was foreseen from another order of independent steps must touch what it touched there. */
export function checkForeseen(run: Execution, history: History, event: number, codes: ArrayLike<number>): void {
  const start = history.codeStart[event]!;
  const end = history.codeStart[event + 1]!;
  let same = end - start === codes.length;
  for (let i = 0; same && i < codes.length; i++) same = history.codes[start + i] === codes[i];
  if (same) return;
  const foreseen = Int32Array.from(codes);
  const now = touched(run, history.codes, start, end);
  throw otherOrder(run, history, event, `touches ${now}`, touched(run, foreseen, 0, foreseen.length));
}

function sameCodes(a: Int32Array, b: Int32Array, end: number): boolean {
  for (let i = 0; i < end; i++) if (a[i] !== b[i]) return false;
  return true;
}

function touched(run: Execution, codes: Int32Array, from: number, to: number): string {
  if (from >= to) return 'nothing';
  const found = run.world.locations.find(codes[from]! >> 1, run.world.stride);
  return found === undefined ? 'an unknown object' : `'${found.object.name}'`;
}

/**
 * Runs the steps of the history in another order that keeps happens-before: each must touch what it touched. `below`: random
 * numbers. Context: `run` is a new execution.
 */
export function checkReordered(run: Execution, history: History, below: (bound: number) => number): void {
  const order = new Reordering(history);
  for (let event = order.next(below); event !== -1; event = order.next(below)) {
    const thread = history.thread[event]!;
    if (!run.isChoice(thread) && !run.enabled(thread)) throw unlike(run, history, event, 'has to wait');
    run.step(thread);
    const codes = run.stepCodes();
    const before = history.codesOf(event);
    if (codes.length !== before.length || codes.some((code, i) => code !== before[i])) {
      throw unlike(run, history, event, `touches ${touched(run, run.world.log, run.stepStart, run.world.logged)}`);
    }
    if (run.error !== null && event !== history.length - 1)
      throw unlike(run, history, event, `fails: ${String(run.error)}`);
    if (run.error !== null) return;
  }
}

/** Events one by one, each behind those that happen before it. */
class Reordering {
  private readonly history: History;
  /** Events of each thread, in order, and how many of them have been given. */
  private readonly byThread: number[][] = [];
  private readonly given: number[] = [];

  constructor(history: History) {
    this.history = history;
    for (let t = 0; t < history.threadCount; t++) {
      this.byThread.push([]);
      this.given.push(0);
    }
    for (let event = 0; event < history.length; event++) this.byThread[history.thread[event]!]!.push(event);
  }

  /** A random one of those that may come next; -1: all have been given. */
  next(below: (bound: number) => number): number {
    const ready: number[] = [];
    for (const [t, events] of this.byThread.entries()) {
      const event = events[this.given[t]!];
      if (event !== undefined && this.mayCome(event, t)) ready.push(event);
    }
    if (ready.length === 0) return -1;
    const event = ready[below(ready.length)]!;
    this.given[this.history.thread[event]!]!++;
    return event;
  }

  private mayCome(event: number, own: number): boolean {
    const { clock, threadCount } = this.history;
    for (let t = 0; t < threadCount; t++) {
      if (t !== own && clock[event * threadCount + t]! > this.given[t]!) return false;
    }
    return true;
  }
}

function unlike(run: Execution, history: History, event: number, what: string): Nondeterminism {
  const before = touched(run, history.codes, history.codeStart[event]!, history.codeStart[event + 1]!);
  return otherOrder(run, history, event, what, before);
}

function otherOrder(run: Execution, history: History, event: number, what: string, before: string): Nondeterminism {
  const name = run.nameOf(history.thread[event]!);
  return new Nondeterminism(
    `step ${history.seq[event]} of thread '${name}' ${what} and touched ${before} in another order of steps that have nothing in common: threads share state outside of the shared objects (a plain variable of the program)`,
  );
}
