/**
 * A reader/writer lock with a queue, as Linux's qrwlock in task context: who asks to read waits while a writer waits. A reader that asks a second time
 * then waits for the writer, which waits for it.
 *
 * A writer comes to the queue in a step of its own: `queueing` runs the flows that use the lock, and puts that step before each of their writeLocks.
 */
import { Cell } from './cell.ts';
import { ATOMIC, type Flow, type Step } from './flow.ts';
import { RwLock } from './locks.ts';
import { UNBUFFERED } from './words.ts';
import type { World } from './world.ts';

export class QueuedRwLock extends RwLock {
  /** Threads in the queue that are to write. */
  private readonly waiting: Cell<readonly number[]>;
  private readonly of: World;
  private readonly read: Step;
  private readonly write: Step;
  private readonly plainWrite: Step;

  constructor(world: World, name: string, threads?: number) {
    super(world, name, threads);
    this.of = world;
    this.waiting = new Cell<readonly number[]>(world, `${name} queue`, [], UNBUFFERED);
    const [read, write] = [super.readLock(), super.writeLock()];
    world.lastAnnounced = null;
    this.read = {
      ...read,
      enabled: (thread) => this.waiting.peek().length === 0 && read.enabled(thread),
      perform: (thread) => {
        world.evaluate(() => this.waiting.peek().length === 0);
        for (const location of world.peeked) world.note(2 * location);
        read.perform(thread);
      },
      waitsFor: (thread) => [...read.waitsFor(thread), ...this.waiting.peek()],
    };
    this.plainWrite = write;
    this.write = {
      ...write,
      perform: (thread) => {
        write.perform(thread);
        const { plainAccesses } = world;
        this.waiting.store(this.waiting.peek().filter((other) => other !== thread));
        // Part of taking the lock.
        world.plainAccesses = plainAccesses;
      },
    };
  }

  override readLock(): Step {
    return this.of.announce(this.read);
  }

  override writeLock(): Step {
    return this.of.announce(this.write);
  }

  override selfWait(thread: number, step: Step): string | null {
    return super.selfWait(thread, step === this.write ? this.plainWrite : step);
  }

  /** Runs a flow: it comes to the queue before it asks to write. */
  *queueing<R>(flow: Flow<R>): Flow<R> {
    for (;;) {
      const next = flow.next();
      if (next.done === true) return next.value;
      if (next.value === this.write) {
        this.of.lastAnnounced = null;
        yield ATOMIC;
        this.waiting.store([...this.waiting.peek(), this.of.thread]);
        this.of.lastAnnounced = this.write;
      }
      yield next.value;
    }
  }
}
