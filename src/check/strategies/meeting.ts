/**
 * Which steps threads can meet at. A thread that is left after a step at which it meets nobody could have been left before it as
 * well: that step goes to where the thread goes on, with as many preemptions and no more steps. So preemptions need to be tried only
 * after the others (as CHESS tries them before synchronisation; Musuvathi, Qadeer, PLDI 2007).
 *
 * Who touches what is learnt on the way: what was left out for not knowing better has to be gone through again (`hasLearnt`).
 */
import type { Execution } from '../execution.ts';

export class Meetings {
  /** A step was passed over for not knowing that threads can meet at it. */
  hasLearnt = false;
  /** By location: threads that read and that write it, a bit each. */
  private readonly readers: number[] = [];
  private readonly writers: number[] = [];
  private readonly passedOver = new Set<number>();

  /** All is gone through again. */
  restart(): void {
    this.hasLearnt = false;
    this.passedOver.clear();
  }

  /** Whether another thread may have to do with what the last step touched. */
  canMeet(run: Execution): boolean {
    const { log, logged } = run.world;
    for (let i = run.stepStart; i < logged; i++) if (this.isShared(log[i]! >> 1)) return true;
    for (let i = run.stepStart; i < logged; i++) this.passedOver.add(log[i]! >> 1);
    return false;
  }

  /** Books the last step, and what threads that wait look at. */
  book(run: Execution, thread: number, enabled: readonly number[]): void {
    const { log, logged } = run.world;
    for (let i = run.stepStart; i < logged; i++) this.note(log[i]! >> 1, thread, (log[i]! & 1) === 1);
    for (let waiting = 0; waiting < run.programThreads; waiting++) {
      if (run.hasEnded(waiting) || enabled.includes(waiting)) continue;
      for (const location of run.watchedBy(waiting)) this.note(location, waiting, false);
    }
  }

  private note(location: number, thread: number, writes: boolean): void {
    const by = writes ? this.writers : this.readers;
    const bit = 1 << thread;
    if (((by[location] ?? 0) & bit) !== 0) return;
    by[location] = (by[location] ?? 0) | bit;
    if (this.passedOver.has(location) && this.isShared(location)) this.hasLearnt = true;
  }

  private isShared(location: number): boolean {
    const writers = this.writers[location] ?? 0;
    const all = writers | (this.readers[location] ?? 0);
    return writers !== 0 && (all & (all - 1)) !== 0;
  }
}
