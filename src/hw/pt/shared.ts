/**
 * What CPUs share of one page table beyond the tables themselves: a design's locks and its few words. Under the checker the
 * words are recorded cells; in straight-line runs they are plain, and the locks are never touched.
 */
import { RwLock } from '../../base/locks.ts';
import type { World } from '../../base/world.ts';

/** A shared variable that is one word: `Cell<number>` under the checker, `PlainWord` in straight-line runs. */
export interface Word {
  load(): number;
  store(value: number): void;
}

/** What a design shares between CPUs beyond the tables. Straight-line runs never touch the locks. */
export interface Shared {
  /** One reader/writer lock a domain (`domain->pgd_lock` in the thread's patch). */
  readonly lock: RwLock;
  /** A reader/writer lock a table, made when first asked for. */
  tableLock(table: number): RwLock;
  /**
   * The emptied leaf table left pending (lazy-prune): its span, as page / 512, or -1; its frame, and the frame of its parent. A span of a
   * 4-level table is an int32, a page is not: a field would get a new box for each.
   */
  readonly pendingSpan: Word;
  readonly pendingTable: Word;
  readonly pendingParent: Word;
  /** How many tables were unlinked under the write lock: tells whether frames seen under the read lock are still what they were. */
  readonly unlinks: Word;
}

/** A shared variable in straight-line runs. */
export class PlainWord implements Word {
  private value: number;

  constructor(value: number) {
    this.value = value;
  }

  load(): number {
    return this.value;
  }

  store(value: number): void {
    this.value = value;
  }
}

export function plainWord(_name: string, value: number): Word {
  return new PlainWord(value);
}

/** `word` makes the shared variables: cells under the checker, plain words otherwise. `lock`: another one for the domain. */
export function createShared(
  world: World,
  word: (name: string, value: number) => Word,
  lock = new RwLock(world, 'pgd_lock'),
): Shared {
  const tableLocks = new Map<number, RwLock>();
  return {
    lock,
    pendingSpan: word('pending span', -1),
    pendingTable: word('pending table', 0),
    pendingParent: word('pending parent', 0),
    unlinks: word('unlinks', 0),
    tableLock: (table) => {
      let lock = tableLocks.get(table);
      if (lock === undefined) {
        lock = world.lazily(() => new RwLock(world, `table ${table} lock`));
        tableLocks.set(table, lock);
      }
      return lock;
    },
  };
}
