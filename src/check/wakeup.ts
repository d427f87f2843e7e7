/**
 * Wakeup trees (Abdulla, Aronsson, Jonsson, Sagonas, "Source sets: a foundation for optimal dynamic partial order reduction",
 * JACM 2017, section 6): at a point of the execution under way, what is still to be explored from there, as sequences
 * that share their beginnings. A branch that has been explored stays as a sleeper.
 */
import { conflict, type History } from './history.ts';

/** A step of a thread at some point, what it touches there, and what comes after it. */
export interface Branch {
  readonly thread: number;
  /** Access codes of the step. */
  readonly codes: ArrayLike<number>;
  children: Branch[];
}

/**
 * A sequence to be explored from some point: events of the history that do not happen after the race's first event, and
 * then the step that is to come before that event.
 */
export class Sequence {
  private readonly history: History;
  /** Events of the history, in its order. */
  readonly events: number[] = [];
  /** Events that a walk through the tree has already met. */
  private readonly gone: boolean[] = [];
  private left = 0;
  private finalThread = -1;
  private finalCodes: ArrayLike<number> = [];
  private finalGone = false;
  /** Codes of steps that are not in the sequence, whose independence decided where it belongs. */
  readonly reliedOn: number[] = [];
  /** The last event that was taken for a branch's step, or -1. */
  lastMet = -1;

  constructor(history: History) {
    this.history = history;
  }

  /** All events after `first` that do not happen after it. */
  notAfter(first: number): void {
    const { history, events } = this;
    events.length = 0;
    for (let event = first + 1; event < history.length; event++) {
      if (!history.before(first, event)) events.push(event);
    }
  }

  endWith(thread: number, codes: ArrayLike<number>): void {
    this.finalThread = thread;
    this.finalCodes = codes;
    this.finalGone = false;
    this.reliedOn.length = 0;
    this.lastMet = -1;
    this.left = this.events.length;
    for (let i = 0; i < this.left; i++) this.gone[i] = false;
  }

  get isEmpty(): boolean {
    return this.left === 0 && this.finalGone;
  }

  /**
   * Whether the sequence could as well begin with the branch's step: it is in the sequence with nothing before it that it
   * depends on, or is independent of all of it. If so and `remove`, it is taken out.
   */
  mayBeginWith(branch: Branch, remove: boolean): boolean {
    const { history, events, gone } = this;
    const { thread } = branch;
    for (let i = 0; i < events.length; i++) {
      const event = events[i]!;
      if (gone[i]! || history.thread[event] !== thread) continue;
      for (let j = 0; j < i; j++) if (!gone[j]! && history.before(events[j]!, event)) return false;
      if (remove) {
        gone[i] = true;
        this.left--;
      }
      if (event > this.lastMet) this.lastMet = event;
      return true;
    }
    if (!this.finalGone && this.finalThread === thread) {
      if (!this.eventsIndependentOf(this.finalCodes)) return false;
      if (remove) this.finalGone = true;
      return true;
    }
    if (!this.eventsIndependentOf(branch.codes)) return false;
    if (!this.finalGone && conflict(this.finalCodes, branch.codes)) return false;
    for (let i = 0; i < branch.codes.length; i++) this.reliedOn.push(branch.codes[i]!);
    return true;
  }

  private eventsIndependentOf(codes: ArrayLike<number>): boolean {
    for (let i = 0; i < this.events.length; i++) {
      if (!this.gone[i]! && this.history.conflictsWith(this.events[i]!, codes)) return false;
    }
    return true;
  }

  /** What is left, as a chain of branches. */
  toBranch(): Branch {
    let below: Branch[] = this.finalGone ? [] : [{ thread: this.finalThread, codes: this.finalCodes, children: [] }];
    for (let i = this.events.length - 1; i >= 0; i--) {
      if (this.gone[i]!) continue;
      const event = this.events[i]!;
      below = [{ thread: this.history.thread[event]!, codes: this.history.codesOf(event), children: below }];
    }
    return below[0]!;
  }
}

/**
 * Puts `sequence` into the tree below `children`, unless what is there covers it. `from`: children before it are being explored.
 */
export function insert(children: Branch[], sequence: Sequence, from: number): boolean {
  let level = children;
  let first = from;
  for (;;) {
    let next: Branch | undefined;
    for (let i = first; i < level.length; i++) {
      if (sequence.mayBeginWith(level[i]!, true)) {
        next = level[i]!;
        break;
      }
    }
    if (next === undefined) {
      level.push(sequence.toBranch());
      return true;
    }
    if (next.children.length === 0 || sequence.isEmpty) return false;
    level = next.children;
    first = 0;
  }
}
