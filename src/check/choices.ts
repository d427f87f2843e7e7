/**
 * What threads choose. Either along a path that is given with each step, and beyond it by a chooser; or, for an exploration of
 * races, each choice reads a word of its own that a thread of its own counts up: an option for each count. That thread can
 * count at any time, but is enabled only where that makes a new race: after the choice was made, for the next option.
 */
import { TestMistake } from '../base/mistake.ts';
import type { World } from '../base/world.ts';

/** Choices that a step made, in order; null when it made none. */
export type Path = readonly number[] | null;

export class Choices {
  /** Whether choices have threads of their own. */
  readonly asThreads: boolean;
  /** What the step under way has chosen, and of how many options each time. */
  path: number[] | null = null;
  options: number[] | null = null;
  /** Chooses where a path gives nothing: for strategies that choose at random. */
  chooser: ((options: number) => number) | null = null;
  private given: Path = null;
  /** By choice point: how far its thread has counted, and what was chosen. */
  private readonly counted: number[] = [];
  private readonly chosen: (number | undefined)[] = [];
  /** Choices made so far, by thread. */
  private readonly made: number[] = [];

  constructor(asThreads: boolean) {
    this.asThreads = asThreads;
  }

  restart(): void {
    if (this.made.length === 0 && this.counted.length === 0) return;
    this.counted.length = 0;
    this.chosen.length = 0;
    this.made.length = 0;
  }

  startStep(given: Path): void {
    this.given = given;
    this.path = null;
    this.options = null;
  }

  choose(world: World, options: number): number {
    if (world.thread === -1) throw new TestMistake('program chooses: choose() is for a step of a thread');
    this.path ??= [];
    this.options ??= [];
    const chosen = this.asThreads ? this.read(world, options) : this.next(options);
    // Only a schedule that was given can be so: one of another test.
    if (chosen >= options) throw new TestMistake(`choice ${chosen} of ${options}: is it a schedule of this test?`);
    this.path.push(chosen);
    this.options.push(options);
    return chosen;
  }

  private next(options: number): number {
    return this.given?.[this.path!.length] ?? this.chooser?.(options) ?? 0;
  }

  private read(world: World, options: number): number {
    const nth = this.made[world.thread] ?? 0;
    this.made[world.thread] = nth + 1;
    const point = world.locations.choiceFor(world.thread, nth, options, world.stride);
    const chosen = this.counted[point] ?? 0;
    this.chosen[point] = chosen;
    world.note(2 * world.locations.choices[point]!.object.base);
    return chosen;
  }

  /** Whether the thread of choice `point` makes a new race now. */
  enabled(world: World, point: number): boolean {
    const counted = this.counted[point] ?? 0;
    return this.chosen[point] === counted && counted + 1 < world.locations.choices[point]!.options;
  }

  count(world: World, point: number): void {
    this.counted[point] = (this.counted[point] ?? 0) + 1;
    world.note(2 * world.locations.choices[point]!.object.base + 1);
  }
}
