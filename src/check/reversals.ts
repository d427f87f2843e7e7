/**
 * The races of an execution, reversed: for each, the sequence that is to be explored from before its earlier event, which is all
 * that does not happen after that event, and then the later step.
 *
 * Where it cannot be told from the execution what the later step would do there (it compares and exchanges, touches several
 * words, or may have to wait), the sequence is run to see (`probe`).
 *
 * Steps that wait (locks, conditions), for what they wait for (what they touch besides makes races as any step's do): every earlier event that conflicts with what the wait looks at is a candidate, latest
 * first, also for threads that still wait at the end; those at which the wait could not be over are passed over.
 *
 * Races of the part that executions share are looked at again when something new disturbs what became of them.
 */
import type { Execution } from './execution.ts';
import type { Harness } from './harness.ts';
import type { History, Race } from './history.ts';
import { Sequence } from './wakeup.ts';

const NOTHING: readonly number[] = [];

export class Reversals {
  private readonly harness: Harness;
  private readonly history: History;
  private readonly sequence: Sequence;
  private readonly isTso: boolean;
  /** Takes a sequence that is to be explored from before event `from`. */
  private readonly explore: (from: number, sequence: Sequence) => void;
  /** Events from here on are new in this execution. */
  private newFrom = 0;

  constructor(harness: Harness, history: History, explore: (from: number, sequence: Sequence) => void) {
    this.harness = harness;
    this.history = history;
    this.sequence = new Sequence(history);
    this.isTso = harness.test.memory === 'tso';
    this.explore = explore;
  }

  /** Finds all that the execution just ended leaves to explore. */
  find(run: Execution, newFrom: number): void {
    this.newFrom = newFrom;
    this.reverseRaces();
    this.reverseWaits(run);
  }

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
        this.explore(earlier, sequence);
        race.watch = [...sequence.reliedOn, ...codes];
      } else {
        sequence.endWith(history.thread[later]!, history.codesOf(later));
        this.explore(earlier, sequence);
        race.watch = sequence.reliedOn.length === 0 ? NOTHING : [...sequence.reliedOn];
      }
      race.met = sequence.lastMet;
    }
  }

  /**
   * Whether the reversal of an old race comes out otherwise now: an event that was taken for a branch's step is not there any
   * more, or a new one, which does not happen after the race's earlier one, conflicts with what was relied on.
   */
  private isDisturbed({ earlier, later, watch, met }: Race): boolean {
    if (met >= this.newFrom) return true;
    if (watch.length === 0) return false;
    const { history } = this;
    for (let event = this.newFrom; event < history.length; event++) {
      if (!history.before(earlier, event) && event !== later && history.conflictsWith(event, watch)) return true;
    }
    return false;
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
    const isLock = history.role[event] === 'acquire' && history.codeStart[event + 1]! - history.codeStart[event]! === 1;
    const found =
      isLock && !this.isTso
        ? this.reverseLock(event)
        : this.reverseWait(history.thread[event]!, event, history.previous[event]!, history.conditionCodesOf(event));
    history.replaceWaits(event, found);
  }

  /**
   * A lock with one owner: the one that took it before could have come later. It is free where that one took it, and nothing
   * in the sequence takes it, so that nothing has to be tried out.
   */
  private reverseLock(event: number): readonly Race[] {
    const { history, sequence } = this;
    const code = history.codes[history.codeStart[event]!]!;
    let earlier = history.writerBeforeEvent(event, code >> 1);
    while (earlier !== -1 && history.role[earlier] !== 'acquire')
      earlier = history.writerBeforeEvent(earlier, code >> 1);
    if (earlier === -1 || history.thread[earlier] === history.thread[event]) return [];
    if (history.precedes(earlier, event)) return [];
    sequence.notAfter(earlier);
    sequence.endWith(history.thread[event]!, [code]);
    this.explore(earlier, sequence);
    return [{ earlier, later: event, watch: [...sequence.reliedOn], met: sequence.lastMet }];
  }

  /** Looks for earlier points where the wait of `thread`, which is event `end` or still goes on, could have been over. */
  private reverseWait(thread: number, end: number, previous: number, codes: readonly number[]): readonly Race[] {
    const { history, sequence } = this;
    const watched = new Set(codes);
    let looks: readonly number[] = codes;
    const found: Race[] = [];
    for (let earlier = end - 1; earlier >= 0; earlier--) {
      if (history.thread[earlier] === thread || history.role[earlier] === 'release') continue;
      if (!history.conflictsWith(earlier, looks)) continue;
      if (end < history.length ? history.precedes(earlier, end) : previous !== -1 && history.before(earlier, previous))
        continue;
      if (found.some((race) => history.before(earlier, race.earlier))) continue;
      sequence.notAfter(earlier);
      const nth = previous === -1 ? 1 : history.seq[previous]! + 1;
      const seen = this.probe(earlier, thread, nth, watched);
      if (watched.size > looks.length) looks = [...watched];
      if (seen === null) continue;
      sequence.endWith(thread, seen);
      this.explore(earlier, sequence);
      found.push({ earlier, later: end, watch: [...sequence.reliedOn, ...looks], met: sequence.lastMet });
    }
    return found;
  }
}
