/**
 * cpu_relax: a thread whose turn came to nothing goes on once somebody has written a word that it read in that turn. Keeps whose
 * each access of the log is, and where each thread's turn began.
 */
import type { World } from '../base/world.ts';

export class Relaxing {
  private readonly world: World;
  /** Thread of each access in the log. */
  private readonly owner: number[] = [];
  /** Where in the log each thread's turn begins. */
  private readonly began: number[] = [];

  constructor(world: World) {
    this.world = world;
  }

  restart(): void {
    if (this.began.length > 0) this.began.length = 0;
  }

  /** The accesses from `from` on are the thread's. */
  book(thread: number, from: number): void {
    for (let i = from; i < this.world.logged; i++) this.owner[i] = thread;
  }

  /** Locations that the thread read in its turn, each with where in the log it did so first. */
  private read(thread: number): ReadonlyMap<number, number> {
    const { log, logged } = this.world;
    const first = new Map<number, number>();
    for (let i = this.began[thread] ?? 0; i < logged; i++) {
      const code = log[i]!;
      if (this.owner[i] === thread && (code & 1) === 0 && !first.has(code >> 1)) first.set(code >> 1, i);
    }
    return first;
  }

  /** Locations that a thread which waits in cpu_relax depends on. */
  watched(thread: number): readonly number[] {
    return [...this.read(thread).keys()];
  }

  enabled(thread: number): boolean {
    const { log, logged } = this.world;
    for (const [location, at] of this.read(thread)) {
      for (let i = at + 1; i < logged; i++) {
        if (log[i] === 2 * location + 1 && this.owner[i] !== thread) return true;
      }
    }
    return false;
  }

  /** The thread goes on: what it read counts as read again, and its next turn begins. */
  perform(thread: number): void {
    for (const location of this.watched(thread)) this.world.note(2 * location);
    this.began[thread] = this.world.logged;
  }
}
