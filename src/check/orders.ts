/**
 * Orders of steps that an execution is to keep: where one names a thread's next step as the second, the thread waits until the
 * first has been made. A part of a test's executions is those that keep some orders (partition.ts).
 */

/** A step of a thread: its how-manieth, from 1. */
export interface StepName {
  readonly thread: number;
  readonly nth: number;
}

/** Only executions in which `first` comes before `second` are looked at. */
export interface Order {
  readonly first: StepName;
  readonly second: StepName;
}

const NONE: readonly StepName[] = [];

/** Steps are rows here, thread * rows + nth: what happens at each step of an execution is a few additions. */
export class Orders {
  readonly all: readonly Order[];
  private readonly threads: number;
  /** Rows of a thread: one for each how-manieth step that an order names, and one more. */
  private readonly rows: number;
  /** By row: firsts that have not been made; and at the start. */
  private readonly pending: Int32Array;
  private readonly pendingAtFirst: Int32Array;
  /** By row: rows that come after it. */
  private readonly seconds: (readonly number[])[];
  /** By row: steps that come before it. */
  private readonly firsts: (readonly StepName[])[];
  /** By thread: the row of its last step. */
  private readonly at: Int32Array;

  constructor(all: readonly Order[]) {
    const named = all.flatMap(({ first, second }) => [first, second]);
    this.all = all;
    this.threads = Math.max(...named.map(({ thread }) => thread)) + 1;
    this.rows = Math.max(...named.map(({ nth }) => nth)) + 2;
    const rows = Array.from({ length: this.threads * this.rows }, (_, row) => row);
    const rowOf = ({ thread, nth }: StepName) => thread * this.rows + nth;
    this.firsts = rows.map((row) => all.filter(({ second }) => rowOf(second) === row).map(({ first }) => first));
    this.seconds = rows.map((row) =>
      all.filter(({ first }) => rowOf(first) === row).map(({ second }) => rowOf(second)),
    );
    this.pendingAtFirst = Int32Array.from(this.firsts, (firsts) => firsts.length);
    // One more: a row is looked up for the step after the last.
    this.pending = new Int32Array(rows.length + 1);
    this.at = new Int32Array(this.threads);
    this.restart();
  }

  /** Nothing has been made. */
  restart(): void {
    const { at, pending, pendingAtFirst, rows, threads } = this;
    for (let row = 0; row < pendingAtFirst.length; row++) pending[row] = pendingAtFirst[row]!;
    for (let thread = 0; thread < threads; thread++) at[thread] = thread * rows;
  }

  /** Whether the thread's next step is to come after one that has not been made. */
  holds(thread: number): boolean {
    return thread < this.threads && this.pending[this.at[thread]! + 1]! > 0;
  }

  /** The thread makes a step. */
  note(thread: number): void {
    if (thread >= this.threads) return;
    const row = this.at[thread]! + 1;
    // The last row stands for all that come after those that are named.
    if (row === (thread + 1) * this.rows) return;
    this.at[thread] = row;
    const seconds = this.seconds[row]!;
    for (let i = 0; i < seconds.length; i++) this.pending[seconds[i]!]!--;
  }

  isMade({ thread, nth }: StepName): boolean {
    return this.at[thread]! - thread * this.rows >= nth;
  }

  /** What the thread's last step was to come after. */
  awaitedBy(thread: number): readonly StepName[] {
    return thread < this.threads ? this.firsts[this.at[thread]!]! : NONE;
  }
}
