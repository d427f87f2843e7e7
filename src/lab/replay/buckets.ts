/**
 * The trace over time in at most 400 equal buckets. How long a trace is shows only at its end and it is read once, so
 * the buckets begin narrow, and each time the trace outgrows them pairs are merged and the width doubles.
 */
import type { Simulation } from './simulation.ts';

const MAX_BUCKETS = 400;
/** Powers of two, so that all borders are exact: an event, and about a microsecond. */
const EVENT_WIDTH = 1;
const TIMED_WIDTH = 2 ** -20;

export class Buckets {
  readonly maps: number[] = [];
  readonly unmaps: number[] = [];
  readonly livePages: number[] = [];
  /** Highest table pages, by simulation. */
  readonly tables: number[][];
  width = EVENT_WIDTH;
  #origin = 0;
  readonly #simulations: readonly Simulation[];

  constructor(simulations: readonly Simulation[]) {
    this.#simulations = simulations;
    this.tables = simulations.map(() => []);
  }

  get length(): number {
    return this.maps.length;
  }

  /** Starts of the buckets, counted from the first event plus `offset`. */
  times(offset: number): number[] {
    return this.maps.map((_, index) => offset + index * this.width);
  }

  /** Goes on to the bucket of `now`; those passed over hold what is live now. */
  advance(now: number, livePages: number): void {
    if (this.length === 0) this.#origin = now;
    let index = Math.floor((now - this.#origin) / this.width);
    while (index >= MAX_BUCKETS) {
      this.#mergePairs();
      index = Math.floor((now - this.#origin) / this.width);
    }
    while (this.length <= index) this.#open(livePages);
  }

  /** Adds what just happened to the bucket that was gone on to. */
  record(maps: number, unmaps: number, livePages: number): void {
    const last = this.length - 1;
    this.maps[last]! += maps;
    this.unmaps[last]! += unmaps;
    this.livePages[last] = livePages;
    for (let s = 0; s < this.#simulations.length; s++) {
      const simulation = this.#simulations[s]!;
      const tables = this.tables[s]!;
      if (simulation.highest > tables[last]!) tables[last] = simulation.highest;
      simulation.highest = simulation.tables;
    }
  }

  /** The trace has a clock: all so far becomes one bucket that begins at `origin`. */
  restart(origin: number): void {
    while (this.length > 1) this.#mergePairs();
    this.width = TIMED_WIDTH;
    this.#origin = origin;
  }

  #open(livePages: number): void {
    this.maps.push(0);
    this.unmaps.push(0);
    this.livePages.push(livePages);
    for (let s = 0; s < this.#simulations.length; s++) this.tables[s]!.push(this.#simulations[s]!.tables);
  }

  #mergePairs(): void {
    this.width *= 2;
    mergePairs(this.maps, (a, b) => a + b);
    mergePairs(this.unmaps, (a, b) => a + b);
    mergePairs(this.livePages, (_, b) => b);
    for (const tables of this.tables) mergePairs(tables, Math.max);
  }
}

function mergePairs(values: number[], merge: (a: number, b: number) => number): void {
  const { length } = values;
  for (let i = 0; 2 * i < length; i++) {
    values[i] = 2 * i + 1 < length ? merge(values[2 * i]!, values[2 * i + 1]!) : values[2 * i]!;
  }
  values.length = Math.ceil(length / 2);
}
