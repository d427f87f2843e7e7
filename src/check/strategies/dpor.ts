/**
 * Optimal dynamic partial order reduction: one execution for each class of executions that differ only in the order of
 * independent steps. After Abdulla, Aronsson, Jonsson, Sagonas (JACM 2017): source sets with wakeup trees. Docs: adr/0006.
 *
 * At the end of an execution its races are reversed (reversals.ts): each gives a sequence that is to be explored from an earlier
 * point, unless a sleeper or a branch there covers it. A choice reads a word that a thread of its own writes (choices.ts), so
 * that choices are races like others.
 */

import { drainsFirst } from '../../base/flow.ts';
import { TestMistake } from '../../base/mistake.ts';
import { createRandom } from '../../base/random.ts';
import type { Execution } from '../execution.ts';
import type { Ending, Harness } from '../harness.ts';
import { History } from '../history.ts';
import { checkEndValues, checkForeseen, checkReordered, checkReplay } from '../nondeterminism.ts';
import { checkConflict, isElsewhere } from '../partition.ts';
import type { SavedExploration, SavedPoint } from '../portable.ts';
import { Reversals } from '../reversals.ts';
import type { Strategy } from '../strategy.ts';
import type { Decision, Limit } from '../verdicts.ts';
import { type Branch, insert, type Sequence } from '../wakeup.ts';

const NOTHING: readonly number[] = [];
/** Steps that a thread makes in a row before another that can run has its turn. */
const TURN = 50;

/** What was saved is not of this test, or of another version of it. */
export class UnfitSave extends TestMistake {
  override readonly name = 'UnfitSave';

  constructor() {
    super('what was saved does not fit the test: has it been changed since?');
  }
}

export class Dpor implements Strategy {
  executions = 0;
  blocked = 0;
  readonly limit: Limit | null = null;
  readonly history: History;
  private readonly harness: Harness;
  private readonly isTso: boolean;
  private readonly reversals: Reversals;
  private readonly random = createRandom(1);
  /** By depth: what is to be explored from there, the branch under way first. */
  private readonly branches: Branch[][] = [];
  private readonly sleepers: Branch[][] = [[]];
  /** By depth: branches that have been explored. */
  private readonly explored: number[] = [0];
  /** By depth: points that are done, and the branches that they came to. */
  private readonly pointsDone: number[] = [];
  private readonly branchesDone: number[] = [];
  /** Events from here on are new in this execution. */
  private newFrom = 0;
  /** The races of a restored path are looked at once more. */
  private isFirst = false;

  /** `saved`: where an earlier exploration was left. */
  constructor(harness: Harness, saved?: SavedExploration) {
    this.harness = harness;
    this.isTso = harness.test.memory === 'tso';
    this.history = new History(harness.threadCount);
    this.reversals = new Reversals(harness, this.history, (from, sequence) => this.explore(from, sequence));
    if (saved !== undefined) this.tryRestore(saved);
  }

  private tryRestore(saved: SavedExploration): void {
    try {
      this.restore(saved);
    } catch (error) {
      throw error instanceof TestMistake ? error : new UnfitSave();
    }
  }

  private restore({ executions, blocked, points }: SavedExploration): void {
    const { harness, history } = this;
    const translator = harness.translator();
    this.executions = executions;
    this.blocked = blocked;
    const run = harness.begin();
    for (const [depth, point] of points.entries()) {
      this.sleepers[depth] = point.sleepers.map((sleeper) => translator.branchIn(sleeper));
      this.branches[depth] = point.branches.map((branch) => translator.branchIn(branch));
      this.explored[depth] = point.explored;
      if (depth === points.length - 1) break;
      const [first, ...others] = this.branches[depth]!;
      if (!run.isChoice(first!.thread) && !run.enabled(first!.thread)) throw new UnfitSave();
      run.step(first!.thread);
      harness.afterStep(run);
      this.enter(run, { ...first!, codes: [] }, depth);
      if (history.codesOf(depth).join() !== Array.from(first!.codes).join()) throw new UnfitSave();
      this.branches[depth] = [first!, ...others];
    }
    history.truncate(points.length - 1);
    this.isFirst = true;
  }

  /** What is left, to be written down and gone on with elsewhere. Context: between two executions, not after the last. */
  save(): SavedExploration {
    const translator = this.harness.translator();
    const points: SavedPoint[] = [];
    for (let depth = 0; depth <= this.history.length; depth++) {
      const [first, ...others] = this.branches[depth] ?? [];
      const made = depth < this.history.length ? { ...first!, codes: this.history.codesOf(depth) } : first;
      const branches = made === undefined ? others : [made, ...others];
      points.push({
        sleepers: this.sleepers[depth]!.map((sleeper) => translator.branchOut(sleeper)),
        branches: branches.map((branch) => translator.branchOut(branch)),
        explored: this.explored[depth]!,
      });
    }
    return { executions: this.executions, blocked: this.blocked, points };
  }

  /** Runs the next execution. False when there is none left, or the harness has what it looks for. */
  next(): boolean {
    const run = this.replayPrefix();
    const ended = this.harness.finding === null ? this.extend(run) : 'cut';
    if (ended === 'blocked') this.blocked++;
    else if (ended !== 'elsewhere') this.executions++;
    if (this.harness.endOfExecution(run, ended, () => this.schedule())) return false;
    if (!this.harness.outdated) this.checkDeterminism(run, ended);
    this.reversals.find(run, this.newFrom);
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

  /**
   * By the share of branches done at each depth. Branches are added as races are found, so a point is expected to come to as many
   * as points at its depth, or the next deeper ones that are done, have had.
   */
  progress(): number {
    const { length } = this.history;
    const expected: number[] = [];
    let mean = 1;
    for (let depth = Math.max(length, this.pointsDone.length) - 1; depth >= 0; depth--) {
      const points = this.pointsDone[depth] ?? 0;
      if (points > 0) mean = this.branchesDone[depth]! / points;
      expected[depth] = mean;
    }
    let done = 0;
    let weight = 1;
    for (let depth = 0; depth < length; depth++) {
      const explored = this.explored[depth]!;
      const all = Math.max(explored + this.branches[depth]!.length, expected[depth]!);
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
    if (history.length > 0) checkReplay(run, history);
    return run;
  }

  /** Often at first, then seldom: the whole schedule once more, and in other orders. */
  private checkDeterminism(run: Execution, ending: Ending): void {
    const { executions, history } = this;
    if (executions > 16 && executions % 512 !== 0) return;
    const before = ending === 'ended' ? this.harness.endValues(run) : [];
    const again = this.harness.probe();
    for (let i = 0; i < history.length; i++) again.step(history.thread[i]!);
    checkReplay(again, history);
    // One that favours the last threads, which come late by themselves, and one at random.
    for (const below of [(bound: number) => bound - 1, (bound: number) => this.random.below(bound)]) {
      const reordered = this.harness.probe();
      checkReordered(reordered, history, below);
      if (ending === 'ended') checkEndValues(before, this.harness.endValues(reordered));
    }
  }

  /** Goes on to the end. */
  private extend(run: Execution): Ending {
    const { harness, history } = this;
    this.newFrom = this.isFirst ? 0 : history.length;
    this.isFirst = false;
    for (;;) {
      const depth = history.length;
      let children = this.branches[depth];
      if (children === undefined || children.length === 0) {
        const thread = this.pick(run, depth);
        if (thread === -1) return this.endingOf(run);
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
    const { harness, history } = this;
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
      this.enablersOf(run, thread),
      run.conditionEnd,
    );
    if (run.orders !== null) checkConflict(history, run.orders.awaitedBy(thread));
    if (branch.codes.length > 0 && !harness.outdated) checkForeseen(run, history, depth, branch.codes);
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

  /** What the step came after, whatever the order: under TSO a flush its store, a locked operation the last flush; and what is asked for. */
  private enablersOf(run: Execution, thread: number): readonly number[] {
    let enablers = this.isTso || run.lastRole === 'join' ? this.enablersByRole(run, thread) : NOTHING;
    if (run.orders === null) return enablers;
    const awaited = run.orders.awaitedBy(thread);
    for (let i = 0; i < awaited.length; i++) {
      enablers = [...enablers, this.history.find(awaited[i]!.thread, awaited[i]!.nth)];
    }
    return enablers;
  }

  private enablersByRole(run: Execution, thread: number): readonly number[] {
    const { history } = this;
    if (run.isChoice(thread)) return NOTHING;
    if (run.isBuffer(thread)) return [history.lastWriter(run.world.log[run.stepStart]! >> 1)];
    const enablers: number[] = [];
    for (const other of run.lastRole === 'join' ? run.joined(run.lastStep!) : NOTHING) {
      enablers.push(history.last[other]!);
      if (this.isTso) enablers.push(history.last[run.bufferThread(other)]!);
    }
    if (this.isTso && drainsFirst(run.lastStep)) enablers.push(history.last[run.bufferThread(thread)]!);
    return enablers.filter((enabler) => enabler !== -1);
  }

  /** A thread that nothing asks for and that is awake: the one that ran last if it can, else the first that can; -1: none. */
  private pick(run: Execution, depth: number): number {
    const last = depth === 0 ? -1 : this.history.thread[depth - 1]!;
    const stays = last !== -1 && this.isAwake(run, last, depth);
    if (stays && !this.hasRunLong(depth)) return last;
    // In turns from the last one on, so that a thread that waits in a loop of its own lets every other run.
    const { threadCount } = run;
    for (let i = 1; i < threadCount; i++) {
      const thread = (last + i) % threadCount;
      if (thread !== last && this.isAwake(run, thread, depth)) return thread;
    }
    if (stays) return last;
    return last === -1 && threadCount > 0 && this.isAwake(run, threadCount - 1, depth) ? threadCount - 1 : -1;
  }

  /** Whether the last steps were all of one thread. */
  private hasRunLong(depth: number): boolean {
    if (depth < TURN) return false;
    const { thread } = this.history;
    for (let i = 2; i <= TURN; i++) if (thread[depth - i] !== thread[depth - 1]) return false;
    return true;
  }

  private isAwake(run: Execution, thread: number, depth: number): boolean {
    const asleep = this.sleepers[depth]!;
    for (let i = 0; i < asleep.length; i++) if (asleep[i]!.thread === thread) return false;
    return run.enabled(thread);
  }

  private endingOf(run: Execution): Ending {
    for (let thread = 0; thread < run.threadCount; thread++) if (run.enabled(thread)) return 'blocked';
    if (run.orders === null) return 'ended';
    return isElsewhere(run, run.orders) ? 'elsewhere' : 'ended';
  }

  /** The sequence is to be explored from before event `from`, unless something there covers it. */
  private explore(from: number, sequence: Sequence): void {
    for (const sleeper of this.sleepers[from]!) if (sequence.mayBeginWith(sleeper, false)) return;
    insert(this.branches[from]!, sequence, 1);
  }

  /** To the deepest point with something left to explore; what was explored there sleeps. False: nothing is left. */
  private backtrack(): boolean {
    const { history } = this;
    for (let depth = history.length - 1; depth >= 0; depth--) {
      const children = this.branches[depth]!;
      children.shift();
      this.explored[depth]!++;
      if (children.length === 0) {
        this.pointsDone[depth] = (this.pointsDone[depth] ?? 0) + 1;
        this.branchesDone[depth] = (this.branchesDone[depth] ?? 0) + this.explored[depth]!;
        continue;
      }
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
  // A step that failed was not made to its end.
  if (exchanged || run.lastRole === 'atomic' || run.error !== null) return true;
  if (thread >= run.programThreads) return false;
  for (let i = run.conditionEnd + 1; i < logged; i++) if (log[i]! >> 1 !== log[run.conditionEnd]! >> 1) return true;
  return false;
}
