/**
 * One execution of a program: threads that are advanced step by step by whoever drives it. A step is performing what the
 * thread announced and running on to its next yield. Strategies decide; this file knows what is possible and what happened.
 *
 * Threads 0 .. n-1 are the program's. Under TSO thread n + t is the store buffer of thread t: its step lets the oldest store
 * go to memory. With `choiceThreads` the rest are choices, one thread for each point where a thread chooses: choosing reads a
 * word that this thread counts up, so that an exploration of races explores the choices too. It can count at any time, but is
 * enabled only where that makes a new race: after the choice was made, for the next option.
 */
import { assert } from '../base/assert.ts';
import type { Flow, Step } from '../base/flow.ts';
import { type LocationTable, type Tracer, World } from '../base/world.ts';
import type { CheckTest, Daemon, Program } from './program.ts';
import { ForgottenYield, MixedChoice, type TestMistake } from './refusals.ts';

/** Choices that a step made, in order; null when it made none. */
export type Path = readonly number[] | null;

export interface ExecutionOptions {
  readonly locations?: LocationTable;
  readonly tracer?: Tracer;
  /** Room for the log, of an execution that is over. */
  readonly log?: Int32Array;
  /** Choices are made by threads of their own, and not by the path given with a step. */
  readonly choiceThreads?: boolean;
  /** By location: pseudo locations that a write to it writes too, for properties that look at it. */
  readonly watchers?: readonly (readonly number[])[];
}

export class Execution {
  readonly world: World;
  program: Program;
  /** Threads of the program; store buffers come after them. */
  programThreads = 0;
  /** The first thread that is a choice. */
  private firstChoice = 0;
  private readonly choiceThreads: boolean;
  /** By choice point: how far its thread has counted, and what was chosen. */
  private readonly counted: number[] = [];
  private readonly chosen: (number | undefined)[] = [];
  /** Choices made so far, by thread. */
  private readonly choicesMade: number[] = [];
  /** Steps made so far. */
  length = 0;
  /** Where in the world's log the accesses of the last step begin. */
  stepStart = 0;
  /** What the last step chose, and of how many options each time. */
  path: number[] | null = null;
  pathOptions: number[] | null = null;
  /** What a thread threw; the execution is over. */
  error: unknown = null;
  /** The last step was announced by more than a bare yield: its role, or '' for a plain one. */
  lastRole: Step['role'] | '' = '';
  private readonly flows: Flow<unknown>[] = [];
  private readonly announced: (Step | undefined)[] = [];
  private readonly ended: boolean[] = [];
  private readonly daemons: boolean[] = [];
  /** Where in the log each thread's reads since its last cpu_relax begin. */
  private readonly relaxedAt: number[] = [];
  private forced: Path = null;
  /** Chooses where a path gives nothing: for strategies that choose at random. */
  chooser: ((options: number) => number) | null = null;
  /** Whether the last step wrote a word that a property looks at. */
  sawWatched = false;
  private readonly watchers: readonly (readonly number[])[];
  private readonly test: CheckTest;
  /** What a new execution begins without. */
  private readonly lists: unknown[][];

  constructor(test: CheckTest, options: ExecutionOptions = {}) {
    const { choiceThreads, watchers, ...rest } = options;
    this.choiceThreads = choiceThreads ?? false;
    this.watchers = watchers ?? [];
    this.world = new World({ memory: test.memory ?? 'sc', chooser: (count) => this.choose(count), ...rest });
    this.test = test;
    const { flows, announced, ended, daemons, relaxedAt, counted, chosen, choicesMade } = this;
    this.lists = [flows, announced, ended, daemons, relaxedAt, counted, chosen, choicesMade];
    this.program = test.program(this.world);
    this.start();
  }

  /** Begins another execution of the same program, in the same place: cheaper than a new one. */
  restart(): this {
    this.world.reset();
    for (const list of this.lists) list.length = 0;
    this.length = 0;
    this.error = null;
    this.program = this.test.program(this.world);
    this.start();
    return this;
  }

  private start(): void {
    const { threads } = this.program;
    if (Array.isArray(threads)) for (const thread of threads) this.addThread(thread);
    else
      for (const name in threads) this.addThread((threads as Readonly<Record<string, Flow<unknown> | Daemon>>)[name]!);
    this.programThreads = this.flows.length;
    this.world.makeBuffers(this.programThreads);
    this.firstChoice = this.world.memory === 'tso' ? 2 * this.programThreads : this.programThreads;
    this.world.logged = 0;
    for (let thread = 0; thread < this.programThreads; thread++) this.begin(thread);
  }

  private addThread(thread: Flow<unknown> | Daemon): void {
    const isFlow = 'next' in thread;
    this.flows.push(isFlow ? thread : thread.daemon);
    this.daemons.push(!isFlow);
  }

  /** Up to a thread's first yield, which comes before its first access. */
  private begin(thread: number): void {
    this.relaxedAt.push(0);
    this.ended.push(false);
    this.announced.push(undefined);
    this.world.thread = thread;
    this.advance(thread);
    this.world.thread = -1;
    if (this.world.logged !== 0 && this.error === null) {
      this.error = new ForgottenYield(this.nameOf(thread), 'before its first yield');
    }
  }

  /** Threads, store buffers and choices met so far. */
  get threadCount(): number {
    return this.choiceThreads ? this.firstChoice + this.world.locations.choices.length : this.firstChoice;
  }

  isChoice(thread: number): boolean {
    return thread >= this.firstChoice;
  }

  isBuffer(thread: number): boolean {
    return thread >= this.programThreads && thread < this.firstChoice;
  }

  /** The thread that is the store buffer of `thread`. */
  bufferThread(thread: number): number {
    return thread + this.programThreads;
  }

  nameOf(thread: number): string {
    if (this.isChoice(thread)) return this.world.locations.choices[thread - this.firstChoice]!.object.name;
    const name = Object.keys(this.program.threads)[thread % this.programThreads]!;
    return this.isBuffer(thread) ? `${name}'s buffer` : name;
  }

  isDaemon(thread: number): boolean {
    return thread >= this.programThreads || this.daemons[thread]!;
  }

  /** Whether a thread of the program has come to its end. */
  hasEnded(thread: number): boolean {
    return this.ended[thread]!;
  }

  /** What the thread announced: undefined for a plain access. */
  stepOf(thread: number): Step | undefined {
    return this.announced[thread];
  }

  enabled(thread: number): boolean {
    if (thread >= this.programThreads) {
      return this.isBuffer(thread) ? this.bufferLength(thread - this.programThreads) > 0 : this.choiceEnabled(thread);
    }
    if (this.ended[thread]!) return false;
    const step = this.announced[thread];
    if (step === undefined) return true;
    const { role } = step;
    if (role === 'relax') return this.relaxEnabled(thread);
    if ((role === 'locked' || role === 'acquire') && this.bufferLength(thread) > 0) return false;
    return step.enabled(thread);
  }

  private bufferLength(thread: number): number {
    return this.world.bufferOf(thread)?.length ?? 0;
  }

  private choiceEnabled(thread: number): boolean {
    const point = thread - this.firstChoice;
    const counted = this.counted[point] ?? 0;
    return this.chosen[point] === counted && counted + 1 < this.world.locations.choices[point]!.options;
  }

  /** Locations (not codes) on which it depends whether the thread, which waits, is enabled. */
  watchedBy(thread: number): readonly number[] {
    const step = this.announced[thread];
    if (thread >= this.programThreads || step === undefined) return [];
    if (step.role === 'relax') return this.readSinceRelax(thread).map(([location]) => location);
    this.world.evaluate(() => step.enabled(thread));
    return [...this.world.peeked];
  }

  /** Performs the thread's step. `path`: what it is to choose; where that ends it takes the first option. */
  step(thread: number, path: Path = null): void {
    const world = this.world;
    this.forced = path;
    this.path = null;
    this.pathOptions = null;
    this.stepStart = world.logged;
    this.length++;
    world.plainAccesses = 0;
    world.exchanged = false;
    if (thread >= this.programThreads) {
      this.otherStep(thread);
      return;
    }
    world.thread = thread;
    const step = this.announced[thread];
    if (step === undefined) {
      this.lastRole = '';
      this.advance(thread);
      if (world.plainAccesses > 1) this.forgot(thread, `makes ${world.plainAccesses} accesses in one step`);
    } else {
      this.lastRole = step.role;
      this.performAnnounced(thread, step);
    }
    world.thread = -1;
    this.checkChoices(thread);
    this.endStep(thread);
  }

  /** Books whose accesses those of the step are, and what properties see of them. */
  private endStep(thread: number): void {
    const { watchers, world } = this;
    this.sawWatched = false;
    if (watchers.length > 0) {
      const end = world.logged;
      for (let i = this.stepStart; i < end; i++) {
        const code = world.log[i]!;
        const seenBy = (code & 1) === 0 ? undefined : watchers[code >> 1];
        if (seenBy === undefined) continue;
        this.sawWatched = true;
        for (const property of seenBy) world.note(2 * property + 1);
      }
    }
    for (let i = this.stepStart; i < world.logged; i++) this.logThreads[i] = thread;
  }

  private checkChoices(thread: number): void {
    if (this.path === null) return;
    const own = this.choiceThreads ? this.path.length : 0;
    if (this.world.logged - this.stepStart > own) this.refuse(new MixedChoice(this.nameOf(thread)));
  }

  /** The step of a store buffer or a choice. */
  private otherStep(thread: number): void {
    const { world } = this;
    this.lastRole = '';
    if (this.isBuffer(thread)) {
      world.thread = thread - this.programThreads;
      world.bufferOf(world.thread)!.flush();
      this.endStep(world.thread);
      world.thread = -1;
    } else {
      const point = thread - this.firstChoice;
      this.counted[point] = (this.counted[point] ?? 0) + 1;
      world.note(2 * world.locations.choices[point]!.object.base + 1);
      this.endStep(thread);
    }
  }

  /** Codes of the last step's accesses. */
  stepCodes(): readonly number[] {
    const codes: number[] = [];
    for (let i = this.stepStart; i < this.world.logged; i++) codes.push(this.world.log[i]!);
    return codes;
  }

  private performAnnounced(thread: number, step: Step): void {
    try {
      if (step.role === 'relax') this.relax(thread);
      else if (step.role === 'locked') this.world.locked(step.label);
      step.perform(thread);
    } catch (error) {
      this.error = error;
      return;
    }
    this.advance(thread);
    const own = step.role === 'locked' ? 1 : 0;
    if (step.role !== 'atomic' && this.world.plainAccesses > own) {
      this.forgot(thread, `makes an access in the step of ${step.label}`);
    }
  }

  private advance(thread: number): void {
    try {
      const next = this.flows[thread]!.next();
      if (next.done === true) this.ended[thread] = true;
      else this.announced[thread] = next.value;
    } catch (error) {
      this.error = error;
      this.ended[thread] = true;
    }
  }

  private forgot(thread: number, what: string): void {
    this.refuse(new ForgottenYield(this.nameOf(thread), what));
  }

  private refuse(mistake: TestMistake): void {
    if (this.error === null) this.error = mistake;
  }

  private choose(options: number): number {
    const { thread } = this.world;
    if (thread === -1) return 0;
    this.path ??= [];
    this.pathOptions ??= [];
    const chosen = this.choiceThreads ? this.readChoice(thread, options) : this.pathChoice(options);
    assert(chosen < options, `choice ${chosen} of ${options}: a replayed step chooses among other options than before`);
    this.path.push(chosen);
    this.pathOptions.push(options);
    return chosen;
  }

  /** The choice that the path gives; beyond it what the chooser says, or the first. */
  private pathChoice(options: number): number {
    const given = this.forced?.[this.path!.length];
    return given ?? this.chooser?.(options) ?? 0;
  }

  private readChoice(thread: number, options: number): number {
    const { world } = this;
    const nth = this.choicesMade[thread] ?? 0;
    this.choicesMade[thread] = nth + 1;
    const point = world.locations.choiceFor(thread, nth, options, world.stride);
    const chosen = this.counted[point] ?? 0;
    this.chosen[point] = chosen;
    world.note(2 * world.locations.choices[point]!.object.base);
    return chosen;
  }

  // cpu_relax: the thread of each logged access, and where a thread's turn began.

  private readonly logThreads: number[] = [];

  /** Locations that the thread read since its last cpu_relax, each with where in the log it did so first. */
  private readSinceRelax(thread: number): [number, number][] {
    const { log, logged } = this.world;
    const first = new Map<number, number>();
    for (let i = this.relaxedAt[thread]!; i < logged; i++) {
      const code = log[i]!;
      if (this.logThreads[i] === thread && (code & 1) === 0 && !first.has(code >> 1)) first.set(code >> 1, i);
    }
    return [...first];
  }

  private relaxEnabled(thread: number): boolean {
    const { log, logged } = this.world;
    for (const [location, at] of this.readSinceRelax(thread)) {
      for (let i = at + 1; i < logged; i++) {
        if (log[i] === 2 * location + 1 && this.logThreads[i] !== thread) return true;
      }
    }
    return false;
  }

  private relax(thread: number): void {
    for (const [location] of this.readSinceRelax(thread)) this.world.note(2 * location);
    this.relaxedAt[thread] = this.world.logged;
  }
}
