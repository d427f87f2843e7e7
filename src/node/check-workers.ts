/** Explores the parts of a test on worker threads, each part on the first worker that is free. */
import { Worker } from 'node:worker_threads';
import type { Explored, Order } from '../check/index.ts';
import type { FromWorker, WorkerStart } from './check-protocol.ts';

export interface Parts {
  /** Parts that were explored; all of them unless one found something or the work was stopped. */
  readonly explored: readonly Explored[];
  readonly isAll: boolean;
  /** The parts are none: the test is to be explored in one piece. */
  readonly unfit: boolean;
}

export interface PartsHooks {
  readonly signal: AbortSignal;
  progress(at: { readonly executions: number; readonly steps: number; readonly done: number }): void;
}

/** A worker failed; what it said. */
export class WorkerFailed extends Error {
  override readonly name: string;
  /** It was the test's fault. */
  readonly isMistake: boolean;

  constructor({ name, message, stack, isMistake }: Extract<FromWorker, { kind: 'failed' }>) {
    super(message);
    this.name = name;
    this.stack = stack;
    this.isMistake = isMistake;
  }
}

/** Young objects die young here: with less room they are collected too often, with more the two halves leave the caches (5 % slower). */
const YOUNG_MB = 8;

export async function exploreParts(
  start: WorkerStart,
  parts: readonly (readonly Order[])[],
  workers: number,
  hooks: PartsHooks,
): Promise<Parts> {
  const pool = new Pool(start, parts, hooks);
  return await pool.run(Math.min(workers, parts.length));
}

class Pool {
  private readonly start: WorkerStart;
  private readonly left: (readonly Order[])[];
  private readonly count: number;
  private readonly hooks: PartsHooks;
  private readonly explored: Explored[] = [];
  /** By worker: what it has done of its part. */
  private readonly underWay = new Map<Worker, { executions: number; steps: number; done: number }>();
  private readonly threads: Worker[] = [];
  private end: (parts: Parts) => void = () => {};
  private fail: (error: Error) => void = () => {};

  constructor(start: WorkerStart, parts: readonly (readonly Order[])[], hooks: PartsHooks) {
    this.start = start;
    this.left = [...parts];
    this.count = parts.length;
    this.hooks = hooks;
  }

  async run(workers: number): Promise<Parts> {
    const ended = new Promise<Parts>((resolve, reject) => {
      this.end = resolve;
      this.fail = reject;
    });
    const stop = () => this.finish(false);
    this.hooks.signal.addEventListener('abort', stop, { once: true });
    try {
      for (let i = 0; i < workers; i++) this.add();
      return await ended;
    } finally {
      this.hooks.signal.removeEventListener('abort', stop);
      await Promise.all(this.threads.map((worker) => worker.terminate()));
    }
  }

  private add(): void {
    const worker = new Worker(new URL('./check-worker.js', import.meta.url), {
      workerData: this.start,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    this.threads.push(worker);
    worker.on('message', (message: FromWorker) => this.hear(worker, message));
    worker.on('error', (error) => this.fail(error));
    // Heard in vain where all has been said.
    worker.on('exit', () => this.fail(new Error('a worker ended before it had told what it found')));
  }

  private hear(worker: Worker, message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.give(worker);
        break;
      case 'progress':
        this.underWay.set(worker, message);
        this.tell();
        break;
      case 'done':
        this.underWay.delete(worker);
        this.explored.push(message.explored);
        this.tell();
        if (message.explored.violation !== null) this.finish(false);
        else if (this.explored.length === this.count) this.finish(false);
        else this.give(worker);
        break;
      case 'unfit':
        this.finish(true);
        break;
      case 'failed':
        this.fail(new WorkerFailed(message));
    }
  }

  private give(worker: Worker): void {
    const orders = this.left.shift();
    if (orders !== undefined) worker.postMessage({ orders });
  }

  /** All that is known so far, of parts that are done and of those under way. */
  private tell(): void {
    const all = [...this.explored, ...this.underWay.values()];
    const executions = all.reduce((sum, part) => sum + part.executions, 0);
    const steps = all.reduce((sum, part) => sum + part.steps, 0);
    const begun = [...this.underWay.values()].reduce((sum, { done }) => sum + done, 0);
    this.hooks.progress({ executions, steps, done: (this.explored.length + begun) / this.count });
  }

  private finish(unfit: boolean): void {
    const begun = [...this.underWay.values()].map(({ executions, steps }) => unfinished(executions, steps));
    const isAll = this.explored.length === this.count;
    this.end({ explored: isAll ? this.explored : [...this.explored, ...begun], isAll, unfit });
  }
}

/** What a part that was ended before it was done had come to. */
function unfinished(executions: number, steps: number): Explored {
  const limit = { name: 'interrupted', message: 'the check was not finished' } as const;
  return { executions, blocked: 0, steps, unreached: [], violation: null, limit };
}
