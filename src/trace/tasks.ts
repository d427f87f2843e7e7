/**
 * Tasks by (comm, pid), numbered in order of appearance; and a small cache over the fixed columns of ftrace text
 * (`%16s-%-7d`, first 24 bytes of a line), where a hit costs six comparisons and no parsing.
 */

import { printable } from '../base/result.ts';
import { hashName } from './bytes.ts';
import type { TraceTask } from './events.ts';
import { ByteInterner } from './intern.ts';

const MAX_TASKS = 65_536;
const NONE = -1;
/** Bytes that the kernel's `%16s` leaves for the name, and that we accept elsewhere. */
export const MAX_COMM_BYTES = 16;

export class Tasks {
  readonly #tasks = new ByteInterner(MAX_TASKS);
  #overflowed = false;

  /** @param start start and end of the comm, without padding. */
  intern(b: Uint8Array, start: number, end: number, pid: number): number {
    const id = this.#tasks.intern(b, start, end, pid, hashName(b, start, end));
    if (id >= 0) return id;
    this.#overflowed = true;
    return MAX_TASKS;
  }

  /** For lines that name no task. */
  unnamed(): number {
    return this.intern(NO_BYTES, 0, 0, NONE);
  }

  list(): TraceTask[] {
    const tasks = Array.from({ length: this.#tasks.size }, (_, id): TraceTask => {
      const pid = this.#tasks.tag(id);
      return { comm: printable(this.#tasks.text(id)), pid: pid === NONE ? null : pid };
    });
    return this.#overflowed ? [...tasks, { comm: 'other tasks', pid: null }] : tasks;
  }

  /** Whether there were more tasks than we number; the rest are one. */
  get overflowed(): boolean {
    return this.#overflowed;
  }
}

const NO_BYTES = new Uint8Array(0);

export const TASK_COLUMNS = 24;
/** Where `[CPU]` begins behind `%16s-%-7d ` and, in older kernels and in trace-cmd, behind `%16s-%-5d `. */
export const BRACKET_COLUMN = 25;
export const OLD_BRACKET_COLUMN = 23;
const WORDS = TASK_COLUMNS / 4;
const CACHE_SLOTS = 1024;

export function taskCacheSlot(w0: number, w1: number, w2: number, w3: number, w4: number, w5: number): number {
  const names = Math.imul(w0 ^ Math.imul(w1, 31), 0x9e3779b1) ^ Math.imul(w2 ^ Math.imul(w3, 37), 0x85ebca6b);
  const mixed = names ^ Math.imul(w4 ^ Math.imul(w5, 41), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 17)) & (CACHE_SLOTS - 1);
}

/** Direct-mapped. The hot loop reads `words` and `ids` itself. */
export class TaskCache {
  readonly words = new Int32Array(CACHE_SLOTS * WORDS);
  readonly ids = new Int32Array(CACHE_SLOTS).fill(NONE);

  /** Remembers the first 24 bytes of a line that was parsed in full; `id` is what they said. */
  learn(b: Uint8Array, at: number, id: number): void {
    const view = new DataView(b.buffer, b.byteOffset + at, TASK_COLUMNS);
    const word = (index: number): number => view.getInt32(4 * index, true);
    const slot = taskCacheSlot(word(0), word(1), word(2), word(3), word(4), word(5));
    for (let index = 0; index < WORDS; index++) this.words[slot * WORDS + index] = word(index);
    this.ids[slot] = id;
  }
}
