/**
 * Schedules by how often they leave a thread that could go on (preemptions): all with none, then with one, and so on (Musuvathi,
 * Qadeer, PLDI 2007). What is found first has the fewest preemptions. When a bound cuts nothing off, all has been seen.
 *
 * `cache`: an execution is given up where it comes to a class of executions (by a hash of its happens-before order) that was
 * seen with the same thread running and no more preemptions. Two classes may have one hash of 104 bits; else nothing is lost.
 */
import type { Execution } from '../execution.ts';
import type { Harness } from '../harness.ts';
import { History } from '../history.ts';
import type { Strategy } from '../strategy.ts';
import type { Decision, Limit } from '../verdicts.ts';
import { Meetings } from './meeting.ts';
import { steer } from './steered.ts';

export interface MinimalOptions {
  /** Preemptions, at most. Default: as many as it takes. */
  readonly bound?: number;
  readonly cache?: boolean;
  /** Where to begin to count: fewer are known to break nothing. Default 0. */
  readonly from?: number;
  /** Gives up executions that come to as many steps, once so many preemptions are tried. */
  readonly shorterThan?: { readonly steps: number; readonly from: number };
  /** Preempts only where another thread can have to do with it (meeting.ts). Not for TSO, where stores have threads of their own. */
  readonly meetings?: boolean;
}

/** A point of the execution under way: who can run, and what has been tried. */
interface Point {
  readonly threads: readonly number[];
  next: number;
  /** What the step chooses: null for the first options. */
  path: readonly number[] | null;
  /** The thread that could go on, or -1. */
  readonly running: number;
  readonly preemptions: number;
  /** As the step was made. */
  chosen: readonly number[] | null;
  options: readonly number[] | null;
}

/** Of a class of executions. */
interface Hash {
  readonly high: number;
  readonly low: number;
}

export class Minimal implements Strategy {
  executions = 0;
  blocked = 0;
  /** Preemptions of the schedules under way, at most. */
  bound = 0;
  private readonly harness: Harness;
  private readonly most: number;
  private readonly shorterThan: { readonly steps: number; readonly from: number };
  private readonly meetings: Meetings | null;
  /** With a cache: classes that were seen, and that of each step of the execution under way. */
  private readonly seen: Map<string, number> | null;
  private history: History | null = null;
  private readonly hashes: Hash[] = [];
  private readonly points: Point[] = [];
  private readonly last: Decision[] = [];
  private cutOff = false;
  private readonly buffers = new Set<number>();

  constructor(harness: Harness, options: MinimalOptions = {}) {
    this.harness = harness;
    this.most = options.bound ?? Number.POSITIVE_INFINITY;
    this.bound = options.from ?? 0;
    this.shorterThan = options.shorterThan ?? { steps: Number.POSITIVE_INFINITY, from: 0 };
    this.meetings = options.meetings ? new Meetings() : null;
    this.seen = options.cache ? new Map() : null;
  }

  get limit(): Limit | null {
    if (!this.cutOff) return null;
    return { name: 'bound', message: `schedules with more than ${this.bound} preemptions were left out` };
  }

  next(): boolean {
    const { harness, points } = this;
    const run = harness.begin();
    const known = Math.max(0, points.length - 1);
    this.history?.truncate(Math.min(this.history.length, known));
    const decide = (enabled: readonly number[]): Decision | null => {
      const depth = this.last.length;
      if (depth > 0) this.made(run, depth - 1);
      if (depth + 1 >= this.shorterThan.steps && this.bound >= this.shorterThan.from) return null;
      if (this.seen !== null && depth > 0) {
        this.history ??= new History(run.threadCount);
        // Of what is as in the execution before, the class is known.
        if (depth > this.history.length) this.extendHash(this.history, run, depth);
        if (depth >= points.length && this.isSeen(this.hashes[depth]!, depth)) return null;
      }
      if (depth === points.length) {
        if (depth > 0) this.meetings?.book(run, this.last[depth - 1]!.thread, enabled);
        points.push(this.newPoint(run, enabled, depth));
      }
      const point = points[depth]!;
      return { thread: point.threads[point.next]!, path: point.path };
    };
    const ending = steer(harness, run, this.last, decide, known);
    if (this.last.length > 0) {
      this.made(run, this.last.length - 1);
      this.meetings?.book(run, this.last[this.last.length - 1]!.thread, []);
    }
    if (ending === 'blocked') this.blocked++;
    else this.executions++;
    if (harness.endOfExecution(run, ending, () => this.last)) return false;
    return this.advance();
  }

  /** Books what the step at `depth` chose. Only the last step's choices are known at any time. */
  private made(run: Execution, depth: number): void {
    const point = this.points[depth];
    if (point === undefined || depth !== this.last.length - 1) return;
    point.chosen = run.path;
    point.options = run.pathOptions;
  }

  private newPoint(run: Execution, enabled: readonly number[], depth: number): Point {
    const running = this.runningAt(run, depth);
    const preemptions = this.preemptionsAt(depth);
    const buffers = enabled.filter((thread) => run.isBuffer(thread));
    for (const buffer of buffers) this.buffers.add(buffer);
    const others = enabled.filter((thread) => thread !== running && !run.isBuffer(thread));
    const goesOn = enabled.includes(running);
    const isBound = goesOn && preemptions >= this.bound;
    if (isBound && others.length > 0) this.cutOff = true;
    const stays = isBound || (goesOn && this.meetings !== null && !this.meetings.canMeet(run));
    const threads = [...(goesOn ? [running] : []), ...(stays ? [] : others), ...buffers];
    return { threads, next: 0, path: null, running: goesOn ? running : -1, preemptions, chosen: null, options: null };
  }

  /** The thread of the program that made the last step: store buffers let go of stores beside it. */
  private runningAt(run: Execution, depth: number): number {
    for (let i = depth - 1; i >= 0; i--) if (!run.isBuffer(this.last[i]!.thread)) return this.last[i]!.thread;
    return -1;
  }

  private preemptionsAt(depth: number): number {
    if (depth === 0) return 0;
    const { running, preemptions, threads, next } = this.points[depth - 1]!;
    const goes = threads[next]!;
    return preemptions + (running !== -1 && goes !== running && !this.buffers.has(goes) ? 1 : 0);
  }

  private extendHash(history: History, run: Execution, depth: number): void {
    const { high, low } = hashOfLast(history, run, this.last[depth - 1]!.thread);
    const before = this.hashes[depth - 1] ?? { high: 0, low: 0 };
    this.hashes[depth] = { high: (before.high + high) % 2 ** 52, low: (before.low + low) % 2 ** 52 };
  }

  private isSeen(hash: Hash, depth: number): boolean {
    const key = `${hash.high}.${hash.low}.${this.last[depth - 1]!.thread}`;
    const preemptions = this.preemptionsAt(depth);
    const known = this.seen!.get(key);
    if (known !== undefined && known <= preemptions) return true;
    this.seen!.set(key, preemptions);
    return false;
  }

  /** Goes on after an execution that the harness found something in. False: there is no other. */
  resume(): boolean {
    return this.advance();
  }

  /** To the next schedule, or to the next bound. False: there is none. */
  private advance(): boolean {
    const { points } = this;
    while (points.length > 0) {
      const point = points[points.length - 1]!;
      const path = nextPath(point.chosen, point.options);
      if (path !== null) {
        point.path = path;
        return true;
      }
      point.path = null;
      if (++point.next < point.threads.length) return true;
      points.pop();
    }
    // What was not known to be shared, or to be looked at by a property, was left out.
    const again = this.meetings !== null && (this.meetings.hasLearnt || this.harness.outdated);
    if (again) this.harness.forgetOutdated();
    if (!again && (!this.cutOff || this.bound >= this.most)) return false;
    if (!again) this.bound++;
    this.meetings?.restart();
    this.cutOff = false;
    this.seen?.clear();
    return true;
  }

  schedule(): readonly Decision[] {
    return [...this.last];
  }

  progress(): number {
    let done = 0;
    let weight = 1;
    for (const { threads, next } of this.points) {
      weight /= threads.length;
      done += weight * next;
    }
    return done;
  }
}

/** The next row of choices in order, or null. */
function nextPath(chosen: readonly number[] | null, options: readonly number[] | null): readonly number[] | null {
  if (chosen === null || options === null) return null;
  for (let i = chosen.length - 1; i >= 0; i--) {
    if (chosen[i]! + 1 < options[i]!) return [...chosen.slice(0, i), chosen[i]! + 1];
  }
  return null;
}

/** The last step's part of the hash of the class, which is a sum over events, so that the order of independent ones does not matter. */
function hashOfLast(history: History, run: Execution, thread: number): Hash {
  const { log, logged } = run.world;
  history.widen(run.threadCount);
  const event = history.append(thread, log, run.stepStart, logged, run.lastRole, false);
  let high = 0x811c9dc5;
  let low = 0x9747b28c;
  const mix = (value: number) => {
    high = Math.imul(high ^ value, 0x01000193);
    low = Math.imul((low ^ value) + (low << 6) + (low >>> 2), 0x5bd1e995);
  };
  mix(thread);
  for (const choice of run.path ?? []) mix(choice + 0x100);
  const row = event * history.threadCount;
  for (let t = 0; t < history.threadCount; t++) mix(history.clock[row + t]!);
  return { high: (high >>> 0) * 1048576 + (low & 0xfffff), low: (low >>> 0) * 1048576 + (high & 0xfffff) };
}
