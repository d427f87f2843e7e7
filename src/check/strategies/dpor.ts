/**
 * Optimal dynamic partial order reduction: one execution for each class of executions that differ only in the order of
 * independent steps. After Abdulla, Aronsson, Jonsson, Sagonas (JACM 2017): source sets with wakeup trees. Docs: adr/0005.
 *
 * At the end of an execution each race whose later event is new is reversed: what does not happen after the earlier event, then
 * the later step, is to be explored from before the earlier one, unless a sleeper or a branch there covers it. Where it
 * cannot be told from this execution what the later step would do there (it compares and exchanges, touches several words, or
 * may have to wait), the sequence is run to see (`probe`).
 *
 * Steps that wait (locks, conditions): every earlier event that conflicts with what the wait looks at is a candidate, latest
 * first, also for threads that still wait at the end; those at which the wait could not be over are passed over.
 *
 * A choice reads a word that a thread of its own writes (execution.ts), so that choices are races like others.
 */
import type { Execution } from '../execution.ts';
import type { Harness } from '../harness.ts';
import { History, type Race } from '../history.ts';
import type { Strategy } from '../strategy.ts';
import type { Decision, Limit } from '../verdicts.ts';
import { type Branch, insert, Sequence } from '../wakeup.ts';

const NOTHING: readonly number[] = [];

export class Dpor implements Strategy {
  executions = 0;
  blocked = 0;
  readonly limit: Limit | null = null;
  readonly history: History;
  private readonly harness: Harness;
  private readonly isTso: boolean;
  private readonly sequence: Sequence;
  /** By depth: what is to be explored from there, the branch under way first. */
  private readonly branches: Branch[][] = [];
  private readonly sleepers: Branch[][] = [[]];
  /** By depth: branches that have been explored. */
  private readonly explored: number[] = [0];
  /** Events from here on are new in this execution. */
  private newFrom = 0;

  constructor(harness: Harness) {
    this.harness = harness;
    this.isTso = harness.test.memory === 'tso';
    this.history = new History(harness.threadCount);
    this.sequence = new Sequence(this.history);
  }

  /** Runs the next execution. False when there is none left, or the harness has what it looks for. */
  next(): boolean {
    const run = this.replayPrefix();
    const ended = this.harness.finding === null ? this.extend(run) : 'cut';
    if (ended === 'blocked') this.blocked++;
    else this.executions++;
    if (this.harness.endOfExecution(run, ended)) return false;
    this.reverseRaces();
    this.reverseWaits(run);
    return this.backtrack();
  }

  /** Choices are steps of threads of their own here; in a schedule they belong to the step that chose. */
  schedule(): readonly Decision[] {
    const { history } = this;
    const run = this.harness.probe();
    const decisions: Decision[] = [];
    for (let i = 0; i < history.length; i++) {
      const thread = history.thread[i]!;
      run.step(thread);
      if (!run.isChoice(thread)) decisions.push({ thread, path: run.path });
    }
    return decisions;
  }

  /** By the share of branches done at each depth: early on a guess, since branches are added. */
  progress(): number {
    let done = 0;
    let weight = 1;
    for (let depth = 0; depth < this.history.length; depth++) {
      const explored = this.explored[depth]!;
      const all = explored + this.branches[depth]!.length;
      done += (weight * explored) / all;
      weight /= all;
    }
    return done;
  }

  private replayPrefix(): Execution {
    const { history } = this;
    const run = this.harness.begin();
    for (let i = 0; i < history.length; i++) {
      run.step(history.thread[i]!);
      this.harness.afterStep(run);
    }
    return run;
  }

  /** Goes on to the end. */
  private extend(run: Execution): 'ended' | 'blocked' | 'cut' {
    const { harness, history } = this;
    this.newFrom = history.length;
    for (;;) {
      const depth = history.length;
      let children = this.branches[depth];
      if (children === undefined || children.length === 0) {
        const thread = this.pick(run, depth);
        if (thread === -1) return this.anyEnabled(run) ? 'blocked' : 'ended';
        children = [{ thread, codes: [], children: [] }];
        this.branches[depth] = children;
      }
      const branch = children[0]!;
      run.step(branch.thread);
      this.enter(run, branch, depth);
      if (harness.afterStep(run)) return 'cut';
    }
  }

  /** Books the step just made at `depth`. */
  private enter(run: Execution, branch: Branch, depth: number): void {
    const { history } = this;
    const { log, logged } = run.world;
    const { thread } = branch;
    history.widen(run.threadCount);
    history.append(
      thread,
      log,
      run.stepStart,
      logged,
      run.lastRole,
      isUncertain(run, thread),
      this.enablerOf(run, thread),
    );
    this.branches[depth + 1] = branch.children;
    this.explored[depth + 1] = 0;
    branch.children = [];
    const asleep = this.sleepers[depth]!;
    let still = this.sleepers[depth + 1];
    if (still === undefined) {
      still = [];
      this.sleepers[depth + 1] = still;
    }
    still.length = 0;
    for (let i = 0; i < asleep.length; i++) {
      const sleeper = asleep[i]!;
      if (sleeper.thread !== thread && !history.conflictsWith(depth, sleeper.codes)) still.push(sleeper);
    }
  }

  /** Under TSO: a flush comes after its store, a locked operation after the thread's last flush. */
  private enablerOf(run: Execution, thread: number): number {
    if (!this.isTso || run.isChoice(thread)) return -1;
    if (run.isBuffer(thread)) return this.history.lastWriter(run.world.log[run.stepStart]! >> 1);
    if (run.lastRole !== 'locked' && run.lastRole !== 'acquire') return -1;
    return this.history.last[run.bufferThread(thread)]!;
  }

  /** A thread that nothing asks for and that is awake: the one that ran last if it can, else the first that can; -1: none. */
  private pick(run: Execution, depth: number): number {
    const last = depth === 0 ? -1 : this.history.thread[depth - 1]!;
    if (last !== -1 && this.isAwake(run, last, depth)) return last;
    for (let thread = 0; thread < run.threadCount; thread++) {
      if (thread !== last && this.isAwake(run, thread, depth)) return thread;
    }
    return -1;
  }

  private isAwake(run: Execution, thread: number, depth: number): boolean {
    const asleep = this.sleepers[depth]!;
    for (let i = 0; i < asleep.length; i++) if (asleep[i]!.thread === thread) return false;
    return run.enabled(thread);
  }

  private anyEnabled(run: Execution): boolean {
    for (let thread = 0; thread < run.threadCount; thread++) if (run.enabled(thread)) return true;
    return false;
  }

  // Races.

  private reverseRaces(): void {
    const { history, sequence } = this;
    for (const race of history.races) {
      const { earlier, later } = race;
      if (later < this.newFrom && !this.isDisturbed(race)) continue;
      sequence.notAfter(earlier);
      if (history.uncertain[later]!) {
        const codes = this.probe(earlier, history.thread[later]!, history.seq[later]!);
        if (codes === null) continue;
        sequence.endWith(history.thread[later]!, codes);
        this.explore(earlier);
        race.watch = [...sequence.reliedOn, ...codes];
      } else {
        sequence.endWith(history.thread[later]!, history.codesOf(later));
        this.explore(earlier);
        race.watch = sequence.reliedOn.length === 0 ? NOTHING : [...sequence.reliedOn];
      }
    }
  }

  /**
   * Whether the reversal of an old race comes out otherwise now: a new event, which does not happen after the race's earlier
   * one, conflicts with what was relied on.
   */
  private isDisturbed({ earlier, later, watch }: Race): boolean {
    if (watch.length === 0) return false;
    const { history } = this;
    for (let event = this.newFrom; event < history.length; event++) {
      if (!history.before(earlier, event) && event !== later && history.conflictsWith(event, watch)) return true;
    }
    return false;
  }

  /** The sequence is to be explored from before event `from`, unless something there covers it. */
  private explore(from: number): boolean {
    for (const sleeper of this.sleepers[from]!) if (this.sequence.mayBeginWith(sleeper, false)) return false;
    return insert(this.branches[from]!, this.sequence, 1);
  }

  /**
   * Runs `sequence` (without its last step) from before event `from`, then the `nth` step of `thread`: what that touches there.
   * Where the step has to wait at the end, the sequence is cut to the longest part after which it has not; null if there is
   * none. What a wait looked at is added to `watched`.
   */
  private probe(from: number, thread: number, nth: number, watched?: Set<number>): readonly number[] | null {
    const { history } = this;
    const { events } = this.sequence;
    const run = this.harness.probe();
    let steps = 0;
    for (let i = 0; i < from; i++) {
      run.step(history.thread[i]!);
      if (history.thread[i] === thread) steps++;
    }
    let enabledAfter = -1;
    for (let i = 0; ; i++) {
      if (steps === nth - 1) {
        if (run.enabled(thread)) enabledAfter = i;
        if (watched !== undefined) for (const location of run.watchedBy(thread)) watched.add(2 * location);
      }
      if (i === events.length) break;
      const next = history.thread[events[i]!]!;
      run.step(next);
      if (next === thread) steps++;
    }
    if (enabledAfter === -1) return null;
    if (enabledAfter < events.length) {
      events.length = enabledAfter;
      return this.probe(from, thread, nth, watched);
    }
    run.step(thread);
    return run.stepCodes();
  }

  // Steps that wait.

  private reverseWaits(run: Execution): void {
    const { history } = this;
    const again = new Set<number>();
    for (const race of history.waits) if (this.isDisturbed(race)) again.add(race.later);
    for (const event of again) this.reverseWaitOf(event);
    for (let event = this.newFrom; event < history.length; event++) {
      const role = history.role[event]!;
      if (role === 'acquire' || role === 'wait' || role === 'relax') this.reverseWaitOf(event);
    }
    for (let thread = 0; thread < run.programThreads; thread++) {
      if (run.hasEnded(thread) || run.enabled(thread)) continue;
      const codes = run.watchedBy(thread).map((location) => 2 * location);
      this.reverseWait(thread, history.length, history.last[thread]!, codes);
    }
  }

  private reverseWaitOf(event: number): void {
    const { history } = this;
    const found = this.reverseWait(history.thread[event]!, event, history.previous[event]!, history.codesOf(event));
    const others = history.waits.filter(({ later }) => later !== event);
    history.waits.length = 0;
    history.waits.push(...others, ...found);
    history.waits.sort((a, b) => a.later - b.later);
  }

  /** Looks for earlier points where the wait of `thread`, which is event `end` or still goes on, could have been over. */
  private reverseWait(thread: number, end: number, previous: number, codes: readonly number[]): readonly Race[] {
    const { history, sequence } = this;
    const watched = new Set(codes);
    let looks: readonly number[] = codes;
    const found: Race[] = [];
    const enabler = end < history.length ? history.enabler[end]! : -1;
    const isLock = end < history.length && history.role[end] === 'acquire' && codes.length === 1 && !this.isTso;
    for (let earlier = end - 1; earlier >= 0; earlier--) {
      if (history.thread[earlier] === thread || history.role[earlier] === 'release') continue;
      if (!history.conflictsWith(earlier, looks)) continue;
      if (previous !== -1 && history.before(earlier, previous)) continue;
      if (enabler !== -1 && history.before(earlier, enabler)) continue;
      if (found.some((race) => history.before(earlier, race.earlier))) continue;
      sequence.notAfter(earlier);
      if (isLock && history.role[earlier] === 'acquire') {
        sequence.endWith(thread, codes);
      } else {
        const nth = previous === -1 ? 1 : history.seq[previous]! + 1;
        const seen = this.probe(earlier, thread, nth, watched);
        if (watched.size > looks.length) looks = [...watched];
        if (seen === null) continue;
        sequence.endWith(thread, seen);
      }
      this.explore(earlier);
      found.push({ earlier, later: end, watch: isLock ? [...sequence.reliedOn] : [...sequence.reliedOn, ...looks] });
    }
    return found;
  }

  /** To the deepest point with something left to explore; what was explored there sleeps. False: nothing is left. */
  private backtrack(): boolean {
    const { history } = this;
    for (let depth = history.length - 1; depth >= 0; depth--) {
      const children = this.branches[depth]!;
      children.shift();
      if (children.length === 0) continue;
      this.explored[depth]!++;
      this.sleepers[depth]!.push({ thread: history.thread[depth]!, codes: history.codesOf(depth), children: [] });
      history.truncate(depth);
      return true;
    }
    return false;
  }
}

/** Whether the step might touch other words after other steps. */
function isUncertain(run: Execution, thread: number): boolean {
  const { log, logged, exchanged } = run.world;
  if (exchanged || run.lastRole === 'atomic') return true;
  if (thread >= run.programThreads) return false;
  for (let i = run.stepStart + 1; i < logged; i++) if (log[i]! >> 1 !== log[run.stepStart]! >> 1) return true;
  return false;
}
