/**
 * One execution of a program: threads that are advanced step by step by whoever drives it. A step is performing what the
 * thread announced and running on to its next yield. Strategies decide; this file knows what is possible and what happened.
 *
 * Threads 0 .. n-1 are the program's. Under TSO thread n + t is the store buffer of thread t: its step lets the oldest store
 * go to memory. With `choiceThreads` the rest are choices (choices.ts), one thread for each point where a thread chooses.
 */
import { drainsFirst, type Flow, type Step } from '../base/flow.ts';
import { TestMistake } from '../base/mistake.ts';
import { type LocationTable, type Tracer, World } from '../base/world.ts';
import { Choices, type Path } from './choices.ts';
import { type Order, Orders } from './orders.ts';
import type { CheckTest, Daemon, Program } from './program.ts';
import { ForgottenYield, MixedChoice, NotAStep, NotAThread, NotYielded } from './refusals.ts';
import { Relaxing } from './relaxing.ts';
import { validateProgram } from './validate.ts';

export interface ExecutionOptions {
  readonly locations?: LocationTable;
  readonly tracer?: Tracer;
  /** Room for the log, of an execution that is over. */
  readonly log?: Int32Array;
  /** Choices are made by threads of their own, and not by the path given with a step. */
  readonly choiceThreads?: boolean;
  /** By location: pseudo locations that a write to it writes too, for properties that look at it. */
  readonly watchers?: readonly (readonly number[])[];
  readonly orders?: readonly Order[];
}

export class Execution {
  readonly world: World;
  program: Program;
  /** Threads of the program; store buffers come after them. */
  programThreads = 0;
  /** The first thread that is a choice. */
  private firstChoice = 0;
  private readonly choices: Choices;
  private readonly relaxing: Relaxing;
  /** Steps made so far. */
  length = 0;
  /** Where in the world's log the accesses of the last step begin. */
  stepStart = 0;
  /** What a thread threw; the execution is over. */
  error: unknown = null;
  /** The last step was announced by more than a bare yield: its role, or '' for a plain one. */
  lastRole: Step['role'] | '' = '';
  /** Where in the world's log the last step's own accesses begin: before them are those of the condition that it waited for. */
  conditionEnd = 0;
  /** The last step, where it was announced. */
  lastStep: Step | undefined;
  private readonly flows: Flow<unknown>[] = [];
  private readonly announced: (Step | undefined)[] = [];
  private readonly ended: boolean[] = [];
  private readonly daemons: boolean[] = [];
  /** Whether the last step wrote a word that a property looks at. */
  sawWatched = false;
  private readonly watchers: readonly (readonly number[])[];
  /** Null: none. */
  readonly orders: Orders | null;
  private readonly test: CheckTest;

  constructor(test: CheckTest, options: ExecutionOptions = {}) {
    const { choiceThreads, watchers, orders, ...rest } = options;
    this.orders = orders === undefined || orders.length === 0 ? null : new Orders(orders);
    this.choices = new Choices(choiceThreads ?? false);
    this.watchers = watchers ?? [];
    const chooser = (count: number) => this.choices.choose(this.world, count);
    const nameOf = (thread: number) => {
      // Set-up may run flows alone (runAlone), before there are threads.
      const program = this.program as Program | undefined;
      if (program === undefined) return 'set-up';
      return Array.isArray(program.threads) ? `thread ${thread}` : this.nameOf(thread);
    };
    this.world = new World({ memory: test.memory ?? 'sc', chooser, nameOf, ...rest });
    this.relaxing = new Relaxing(this.world);
    this.test = test;
    this.program = test.program(this.world);
    validateProgram(this.program);
    this.start();
  }

  /** Begins another execution of the same program, in the same place: cheaper than a new one. */
  restart(): this {
    this.world.reset();
    this.choices.restart();
    this.relaxing.restart();
    this.length = 0;
    this.error = null;
    this.program = this.test.program(this.world);
    this.start();
    return this;
  }

  private start(): void {
    const { threads } = this.program;
    this.programThreads = 0;
    if (Array.isArray(threads)) for (let i = 0; i < threads.length; i++) this.addThread(String(i), threads[i]!);
    else for (const name in threads) this.addThread(name, (threads as Readonly<Record<string, Flow<unknown>>>)[name]!);
    this.world.makeBuffers(this.programThreads);
    this.firstChoice = this.world.memory === 'tso' ? 2 * this.programThreads : this.programThreads;
    this.world.logged = 0;
    this.world.lastAnnounced = null;
    this.orders?.restart();
    for (let thread = 0; thread < this.programThreads; thread++) this.begin(thread);
  }

  private addThread(name: string, thread: Flow<unknown> | Daemon): void {
    const flow = typeof thread === 'object' && thread !== null && 'daemon' in thread ? thread.daemon : thread;
    if (typeof flow?.next !== 'function' || Symbol.asyncIterator in flow) throw new NotAThread(name, flow);
    // Over those of the execution before: emptying lists costs more.
    const own = this.programThreads++;
    this.flows[own] = flow;
    this.daemons[own] = flow !== thread;
  }

  /** Up to a thread's first yield, which comes before its first access. */
  private begin(thread: number): void {
    this.ended[thread] = false;
    this.announced[thread] = undefined;
    this.world.thread = thread;
    this.choices.startStep(null);
    this.advance(thread);
    this.world.thread = -1;
    if ((this.world.logged !== 0 || this.choices.path !== null) && this.error === null) {
      this.error = new ForgottenYield(this.nameOf(thread), 'makes an access before its first yield');
    }
  }

  /** Threads, store buffers and choices met so far. */
  get threadCount(): number {
    return this.choices.asThreads ? this.firstChoice + this.world.locations.choices.length : this.firstChoice;
  }

  /** What the last step chose, and of how many options each time. */
  get path(): Path {
    return this.choices.path;
  }

  get pathOptions(): Path {
    return this.choices.options;
  }

  /** Chooses where a path gives nothing. */
  set chooser(chooser: (options: number) => number) {
    this.choices.chooser = chooser;
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
    if (this.orders?.holds(thread)) return false;
    if (thread >= this.programThreads) {
      if (this.isBuffer(thread)) return this.bufferLength(thread - this.programThreads) > 0;
      return this.choices.enabled(this.world, thread - this.firstChoice);
    }
    if (this.ended[thread]!) return false;
    const step = this.announced[thread];
    if (step === undefined) return true;
    const { role } = step;
    if (role === 'relax') return this.relaxing.enabled(thread);
    if (role === 'join')
      return this.joined(step).every((other) => this.ended[other]! && this.bufferLength(other) === 0);
    if (drainsFirst(step) && this.bufferLength(thread) > 0) return false;
    return step.enabled(thread);
  }

  /** Threads whose end a `join` waits for. */
  joined(step: Step): readonly number[] {
    const names = Object.keys(this.program.threads);
    return (step.joins ?? []).map((name) => {
      const thread = names.indexOf(name);
      if (thread === -1) throw new TestMistake(`${step.label}: there is no thread '${name}', but ${names.join(', ')}`);
      return thread;
    });
  }

  private bufferLength(thread: number): number {
    return this.world.bufferOf(thread)?.length ?? 0;
  }

  /** Locations (not codes) on which it depends whether the thread, which waits, is enabled. */
  watchedBy(thread: number): readonly number[] {
    const step = this.announced[thread];
    if (thread >= this.programThreads || step === undefined) return [];
    if (step.role === 'relax') return this.relaxing.watched(thread);
    this.world.evaluate(() => step.enabled(thread));
    return [...this.world.peeked];
  }

  /** Performs the thread's step. `path`: what it is to choose; where that ends it takes the first option. */
  step(thread: number, path: Path = null): void {
    const world = this.world;
    this.choices.startStep(path);
    this.stepStart = world.logged;
    if (!this.isChoice(thread)) this.length++;
    this.orders?.note(thread);
    this.conditionEnd = world.logged;
    world.plainAccesses = 0;
    world.exchanged = false;
    if (thread >= this.programThreads) {
      this.otherStep(thread);
      return;
    }
    world.thread = thread;
    const step = this.announced[thread];
    this.lastStep = step;
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
    // What a choice reads is no word that another thread's write would make a new turn for.
    this.relaxing.book(this.path === null ? thread : -1, this.stepStart);
  }

  private checkChoices(thread: number): void {
    if (this.path === null) return;
    const own = this.choices.asThreads ? this.path.length : 0;
    if (this.world.logged - this.stepStart > own) this.refuse(new MixedChoice(this.nameOf(thread)));
  }

  /** The step of a store buffer or a choice. */
  private otherStep(thread: number): void {
    const { world } = this;
    this.lastRole = '';
    if (this.isBuffer(thread)) {
      world.thread = thread - this.programThreads;
      world.bufferOf(world.thread)!.flush();
      // As another's write: the thread that read its own store in the buffer is to look at memory now.
      this.endStep(thread);
      world.thread = -1;
    } else {
      this.choices.count(world, thread - this.firstChoice);
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
      if (step.role === 'relax') this.relaxing.perform(thread);
      else if (step.role === 'locked') this.world.locked(step.label);
      step.perform(thread);
      this.conditionEnd = this.world.logged;
    } catch (error) {
      this.error = error ?? new Error(String(error));
      return;
    }
    this.advance(thread);
    const own = step.accesses ?? (step.role === 'locked' ? 1 : 0);
    if (step.role !== 'atomic' && this.world.plainAccesses > own) {
      this.forgot(thread, `makes an access in the step of ${step.label}`);
    }
  }

  private advance(thread: number): void {
    try {
      const next = this.flows[thread]!.next();
      this.checkAnnounced(thread, next.value);
      if (next.done === true) {
        this.ended[thread] = true;
      } else {
        this.announced[thread] = next.value;
        if (next.value !== undefined && typeof next.value?.enabled !== 'function') {
          this.refuse(new NotAStep(this.nameOf(thread), next.value));
        }
        if (this.world.tracer !== null) this.noteAnnouncement(thread);
      }
    } catch (error) {
      this.error = error ?? new Error(String(error));
      this.ended[thread] = true;
    }
  }

  /** Where in the program each thread's announced step stands: kept while a schedule is being explained. */
  readonly announcedAt: (string | null)[] = [];

  private noteAnnouncement(thread: number): void {
    this.announcedAt[thread] = this.world.announcedAt;
    this.world.announcedAt = null;
  }

  /** An operation that may have to wait was made and not yielded: it would not take place. */
  private checkAnnounced(thread: number, yielded: unknown): void {
    const { world } = this;
    const announced = world.lastAnnounced;
    world.lastAnnounced = null;
    if (announced !== null && announced !== yielded) this.refuse(new NotYielded(this.nameOf(thread), announced));
  }

  private forgot(thread: number, what: string): void {
    this.refuse(new ForgottenYield(this.nameOf(thread), what));
  }

  private refuse(mistake: TestMistake): void {
    if (this.error === null) this.error = mistake;
  }
}
