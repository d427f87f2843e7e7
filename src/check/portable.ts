/**
 * What an exploration has left to do, as plain data that can be written to a file and gone on with in another process: threads
 * and locations are named by keys that mean the same everywhere.
 */
import type { LocationTable } from '../base/world.ts';
import type { Branch } from './wakeup.ts';

/** A thread by its number, a choice by the thread that chooses, its how-manieth choice, and of how many options. */
export type PortableThread = number | readonly [thread: number, nth: number, options: number];

/** An access: the object's key, name and words, and the location within it, times 2, plus 1 for a write. */
export type PortableCode = readonly [key: string, name: string, words: number, code: number];

export interface PortableBranch {
  readonly thread: PortableThread;
  readonly codes: readonly PortableCode[];
  readonly children: readonly PortableBranch[];
}

/** A point of the execution under way: what sleeps there, and what is to be explored from it, the branch under way first. */
export interface SavedPoint {
  readonly sleepers: readonly PortableBranch[];
  readonly branches: readonly PortableBranch[];
  readonly explored: number;
}

/** An exploration that was left: the points from the beginning on. The last one's first branch is to be run next. */
export interface SavedExploration {
  readonly executions: number;
  readonly blocked: number;
  readonly points: readonly SavedPoint[];
}

/** Says things of one process's exploration in terms that all share, and back. */
export class Translator {
  private readonly locations: LocationTable;
  private readonly stride: number;
  private readonly firstChoice: number;

  /** `firstChoice`: the number of the first thread that is a choice. */
  constructor(locations: LocationTable, stride: number, firstChoice: number) {
    this.locations = locations;
    this.stride = stride;
    this.firstChoice = firstChoice;
  }

  threadOut(thread: number): PortableThread {
    if (thread < this.firstChoice) return thread;
    const { thread: chooser, nth, options } = this.locations.choices[thread - this.firstChoice]!;
    return [chooser, nth, options];
  }

  threadIn(thread: PortableThread): number {
    if (typeof thread === 'number') return thread;
    const [chooser, nth, options] = thread;
    return this.firstChoice + this.locations.choiceFor(chooser, nth, options, this.stride);
  }

  branchOut({ thread, codes, children }: Branch): PortableBranch {
    return {
      thread: this.threadOut(thread),
      codes: Array.from(codes, (code) => this.codeOut(code)),
      children: children.map((child) => this.branchOut(child)),
    };
  }

  branchIn({ thread, codes, children }: PortableBranch): Branch {
    return {
      thread: this.threadIn(thread),
      codes: codes.map((code) => this.codeIn(code)),
      children: children.map((child) => this.branchIn(child)),
    };
  }

  private codeOut(code: number): PortableCode {
    const { object } = this.locations.find(code >> 1, this.stride)!;
    return [object.key, object.name, object.words, code - 2 * object.base];
  }

  private codeIn([key, name, words, code]: PortableCode): number {
    return 2 * this.locations.objectWithKey(key, name, words, this.stride).base + code;
  }
}
