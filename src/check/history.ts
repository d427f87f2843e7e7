/**
 * The events of the execution under way and their happens-before order, kept by vector clocks: two events are ordered if
 * they are of one thread, or touch one location and not both only read it, or through others that are.
 *
 * Only the part beyond a shared prefix is new in each execution; clocks of the prefix are kept.
 */
import type { Step } from '../base/flow.ts';

const NONE: readonly number[] = [];

/** Whether two rows of access codes (location * 2 + write) have a conflict. */
export function conflict(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return rangesConflict(a, 0, a.length, b, 0, b.length);
}

/** Whether a[from .. to) and b[start .. end) have two codes of one location that are not both reads. */
function rangesConflict(
  a: ArrayLike<number>,
  from: number,
  to: number,
  b: ArrayLike<number>,
  start: number,
  end: number,
): boolean {
  for (let i = from; i < to; i++) {
    const code = a[i]!;
    for (let j = start; j < end; j++) {
      const other = b[j]!;
      if (code >> 1 === other >> 1 && ((code | other) & 1) !== 0) return true;
    }
  }
  return false;
}

/** Two events of different threads, next to each other in happens-before: the later could have come first. */
export interface Race {
  readonly earlier: number;
  readonly later: number;
  /**
   * Codes of steps that matter for what became of the race's reversal: it has to be looked at again when something that
   * conflicts with them comes up later, and did not depend on the race.
   */
  watch: readonly number[];
  /** The last event that was taken for the step of a branch or a sleeper: once it is gone, it has to be looked at again too. */
  met: number;
}

export class History {
  threadCount: number;
  length = 0;
  thread = new Int32Array(64);
  /** How-manieth event of its thread, from 1. */
  seq = new Int32Array(64);
  /** Event before it of the same thread, or -1. */
  previous = new Int32Array(64);
  /** Events that the event had to wait for, whatever the order (a flush; what is asked for by an `Order`). */
  readonly enablers: (readonly number[])[] = [];
  readonly role: (Step['role'] | '')[] = [];
  /** Another order may change what the event touches: it compared and exchanged, or touched several words. */
  readonly uncertain: boolean[] = [];
  /** Codes of event i: [codeStart[i], codeStart[i + 1]). */
  codeStart = new Int32Array(65);
  /** Codes of event i that are of the condition that it waited for: [codeStart[i], conditionEnd[i]). Operations that wait. */
  conditionEnd = new Int32Array(64);
  codes = new Int32Array(256);
  /** Row i: how many events of each thread happen before or are event i. */
  clock: Int32Array;
  /** Last event of each thread, or -1. */
  last: Int32Array;
  /** By later event. Operations that wait have none here. */
  readonly races: Race[] = [];
  /** The same for operations that wait, entered by who looks for them. */
  readonly waits: Race[] = [];

  // By location: last write (event), and reads since, a list through `nextRead` (positions in `codes`).
  private lastWrite = new Int32Array(64).fill(-1);
  private readHead = new Int32Array(64).fill(-1);
  private nextRead = new Int32Array(256);
  /** By position in `codes`: the event that wrote to the location last before, or -1. */
  private writerBefore = new Int32Array(256);
  private eventOf = new Int32Array(256);
  private readonly candidates: number[] = [];

  constructor(threadCount: number) {
    this.threadCount = threadCount;
    this.clock = new Int32Array(64 * threadCount);
    this.last = new Int32Array(threadCount).fill(-1);
  }

  /** Makes room for threads that were not known before. */
  widen(threadCount: number): void {
    if (threadCount <= this.threadCount) return;
    const wider = new Int32Array((this.clock.length / this.threadCount) * threadCount);
    for (let event = 0; event < this.length; event++) {
      for (let t = 0; t < this.threadCount; t++) {
        wider[event * threadCount + t] = this.clock[event * this.threadCount + t]!;
      }
    }
    const last = new Int32Array(threadCount).fill(-1);
    last.set(this.last);
    this.clock = wider;
    this.last = last;
    this.threadCount = threadCount;
  }

  /** Enters what was found for an operation that waits, in place of what was found before. */
  replaceWaits(event: number, found: readonly Race[]): void {
    const { waits } = this;
    if (waits.length === 0 || waits[waits.length - 1]!.later < event) {
      waits.push(...found);
      return;
    }
    const others = waits.filter(({ later }) => later !== event);
    waits.length = 0;
    waits.push(...others, ...found);
    waits.sort((a, b) => a.later - b.later);
  }

  /** The `nth` event of a thread, or -1. */
  find(thread: number, nth: number): number {
    for (let event = this.last[thread] ?? -1; event !== -1; event = this.previous[event]!) {
      if (this.seq[event] === nth) return event;
    }
    return -1;
  }

  /** Whether an event happens before the thread came to `event`, whatever order conflicts have: its own past, and what it had to wait for. */
  precedes(earlier: number, event: number): boolean {
    const previous = this.previous[event]!;
    if (previous !== -1 && this.before(earlier, previous)) return true;
    return this.enablers[event]!.some((enabler) => enabler === earlier || this.before(earlier, enabler));
  }

  /** Whether event a (earlier) happens before event b. */
  before(a: number, b: number): boolean {
    return this.clock[b * this.threadCount + this.thread[a]!]! >= this.seq[a]!;
  }

  /** The event that wrote to a location last before `event`, which touches it, or -1. */
  writerBeforeEvent(event: number, location: number): number {
    let at = this.codeStart[event]!;
    while (this.codes[at]! >> 1 !== location) at++;
    const writer = this.writerBefore[at]!;
    return writer === event ? this.writerBeforeEvent(writer, location) : writer;
  }

  /** The last event that wrote to a location, or -1. */
  lastWriter(location: number): number {
    return this.lastWrite[location] ?? -1;
  }

  /** Whether two events touch one location, and not both only read it. */
  inConflict(a: number, b: number): boolean {
    const { codes, codeStart } = this;
    return rangesConflict(codes, codeStart[a]!, codeStart[a + 1]!, codes, codeStart[b]!, codeStart[b + 1]!);
  }

  conflictsWith(event: number, codes: ArrayLike<number>): boolean {
    return rangesConflict(this.codes, this.codeStart[event]!, this.codeStart[event + 1]!, codes, 0, codes.length);
  }

  /** Codes of what an operation that waits looked at to know whether it has to. */
  conditionCodesOf(event: number): number[] {
    const codes: number[] = [];
    for (let i = this.codeStart[event]!; i < this.conditionEnd[event]!; i++) codes.push(this.codes[i]!);
    return codes;
  }

  codesOf(event: number): number[] {
    const codes: number[] = [];
    for (let i = this.codeStart[event]!; i < this.codeStart[event + 1]!; i++) codes.push(this.codes[i]!);
    return codes;
  }

  /** Forgets the events from `length` on. */
  truncate(length: number): void {
    const end = this.codeStart[this.length]!;
    for (let i = 0; i < end; i++) {
      const location = this.codes[i]! >> 1;
      this.lastWrite[location] = -1;
      this.readHead[location] = -1;
    }
    this.last.fill(-1);
    this.length = length;
    for (let event = 0; event < length; event++) {
      this.last[this.thread[event]!] = event;
      this.enterAccesses(event);
    }
    dropFrom(this.races, length);
    dropFrom(this.waits, length);
  }

  /**
   * Adds an event that touched log[from .. to). Notes its races but for those of what it may have had to wait for, log[from ..
   * conditionEnd) of an operation that waits: they are looked for otherwise. `enablers`: events without which this one could not be.
   */
  append(
    thread: number,
    log: Int32Array,
    from: number,
    to: number,
    role: Step['role'] | '',
    uncertain: boolean,
    enablers: readonly number[] = NONE,
    conditionEnd = to,
  ): number {
    const event = this.length;
    if (event + 1 >= this.thread.length) this.growEvents();
    const start = this.codeStart[event]!;
    while (start + to - from > this.codes.length) this.growCodes();
    for (let i = from; i < to; i++) this.codes[start + i - from] = log[i]!;
    this.codeStart[event + 1] = start + to - from;
    this.thread[event] = thread;
    const previous = this.last[thread]!;
    this.previous[event] = previous;
    this.seq[event] = previous === -1 ? 1 : this.seq[previous]! + 1;
    this.enablers[event] = enablers;
    this.role[event] = role;
    this.uncertain[event] = uncertain;
    this.startClock(event, previous);
    for (const enabler of enablers) this.join(event, enabler);
    const waits = role === 'acquire' || role === 'wait' || role === 'relax';
    this.conditionEnd[event] = waits ? start + conditionEnd - from : start;
    this.orderAfterConflicts(event);
    this.last[thread] = event;
    this.length++;
    this.enterAccesses(event);
    return event;
  }

  private startClock(event: number, previous: number): void {
    const { threadCount, clock } = this;
    const row = event * threadCount;
    if (previous === -1) clock.fill(0, row, row + threadCount);
    else clock.copyWithin(row, previous * threadCount, (previous + 1) * threadCount);
  }

  /** What happens before `other`, and `other` itself, happens before `event`. */
  private join(event: number, other: number): void {
    const { threadCount, clock } = this;
    const to = event * threadCount;
    const from = other * threadCount;
    for (let t = 0; t < threadCount; t++) if (clock[from + t]! > clock[to + t]!) clock[to + t] = clock[from + t]!;
  }

  private orderAfterConflicts(event: number): void {
    const { threadCount, clock, thread, seq, codes, codeStart } = this;
    const start = codeStart[event]!;
    const conditionEnd = this.conditionEnd[event]!;
    const row = event * threadCount;
    const found = this.conflicting(event);
    for (let i = 0; i < found; i++) {
      const other = this.candidates[i]!;
      const owner = thread[other]!;
      if (clock[row + owner]! >= seq[other]!) continue;
      const isOfCondition =
        conditionEnd > start &&
        rangesConflict(codes, start, conditionEnd, codes, codeStart[other]!, codeStart[other + 1]!);
      if (!isOfCondition) this.races.push({ earlier: other, later: event, watch: [], met: -1 });
      this.join(event, other);
    }
    clock[row + thread[event]!] = seq[event]!;
  }

  /** Last conflicting events of other threads into `candidates`, latest first; how many. */
  private conflicting(event: number): number {
    const { codes, candidates, thread } = this;
    const own = thread[event]!;
    const start = this.codeStart[event]!;
    const end = this.codeStart[event + 1]!;
    let found = 0;
    for (let i = start; i < end; i++) {
      const code = codes[i]!;
      const location = code >> 1;
      if (location >= this.lastWrite.length) this.growLocations(location);
      if ((code & 1) !== 0) {
        for (let at = this.readHead[location]!; at !== -1; at = this.nextRead[at]!) {
          const reader = this.eventOf[at]!;
          if (thread[reader] !== own) candidates[found++] = reader;
        }
      }
      const writer = this.lastWrite[location]!;
      if (writer !== -1 && thread[writer] !== own) candidates[found++] = writer;
    }
    if (end - start > 1 && found > 1) {
      candidates.length = found;
      candidates.sort((a, b) => b - a);
    }
    return found;
  }

  private enterAccesses(event: number): void {
    const end = this.codeStart[event + 1]!;
    for (let at = this.codeStart[event]!; at < end; at++) {
      const code = this.codes[at]!;
      const location = code >> 1;
      this.eventOf[at] = event;
      this.writerBefore[at] = this.lastWrite[location]!;
      if ((code & 1) !== 0) {
        this.lastWrite[location] = event;
        this.readHead[location] = -1;
      } else {
        this.nextRead[at] = this.readHead[location]!;
        this.readHead[location] = at;
      }
    }
  }

  private growEvents(): void {
    this.thread = doubled(this.thread);
    this.seq = doubled(this.seq);
    this.previous = doubled(this.previous);
    this.codeStart = doubled(this.codeStart);
    this.conditionEnd = doubled(this.conditionEnd);
    this.clock = doubled(this.clock);
  }

  private growCodes(): void {
    this.codes = doubled(this.codes);
    this.nextRead = doubled(this.nextRead);
    this.writerBefore = doubled(this.writerBefore);
    this.eventOf = doubled(this.eventOf);
  }

  private growLocations(location: number): void {
    while (location >= this.lastWrite.length) {
      const length = this.lastWrite.length;
      this.lastWrite = doubled(this.lastWrite).fill(-1, length);
      this.readHead = doubled(this.readHead).fill(-1, length);
    }
  }
}

function dropFrom(races: Race[], length: number): void {
  while (races.length > 0 && races[races.length - 1]!.later >= length) races.pop();
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(2 * array.length);
  longer.set(array);
  return longer;
}
