/** Built-in tests on several threads: each takes the next test when it is done with one. */
import { Worker } from 'node:worker_threads';
import type { InputError } from '../base/result.ts';
import type { Findings, Listeners } from './check-plan.ts';
import type { Mistaken, Outcome } from './check-report.ts';
import type { RunOptions } from './check-run.ts';
import type { FoundTest } from './check-select.ts';
import { BadInput } from './exit.ts';
import { createProgress } from './progress.ts';

/** To a worker: the number of a test. From it: what came out. */
export type FromPoolWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly outcome: Omit<Outcome, 'found'> }
  | { readonly kind: 'mistake'; readonly error: InputError }
  | { readonly kind: 'failed'; readonly name: string; readonly message: string; readonly stack: string };

/** A test that is left out costs nothing, and needs no thread. An interrupt ends the threads, with what they are at. */
export async function runPool(
  tests: readonly FoundTest[],
  options: RunOptions,
  workers: number,
  listeners: Listeners,
): Promise<Findings> {
  return await new Pool(tests, options, listeners).run(Math.min(workers, tests.length));
}

class Pool {
  private readonly tests: readonly FoundTest[];
  private readonly options: RunOptions;
  private readonly listeners: Listeners;
  private readonly outcomes = new Map<FoundTest, Outcome>();
  private readonly mistakes: Mistaken[] = [];
  private readonly underWay = new Map<Worker, FoundTest>();
  private readonly progress = createProgress();
  private next = 0;
  private end: () => void = () => {};
  private fail: (error: Error) => void = () => {};

  constructor(tests: readonly FoundTest[], options: RunOptions, listeners: Listeners) {
    this.tests = tests;
    this.options = options;
    this.listeners = listeners;
  }

  async run(workers: number): Promise<Findings> {
    const { signal } = this.listeners;
    const ended = new Promise<void>((resolve, reject) => {
      this.end = resolve;
      this.fail = reject;
    });
    const stop = (): void => this.end();
    signal.addEventListener('abort', stop, { once: true });
    const threads = Array.from({ length: workers }, () => this.start());
    try {
      await ended;
    } finally {
      signal.removeEventListener('abort', stop);
      this.progress.clear();
      await Promise.all(threads.map((worker) => worker.terminate()));
    }
    // In the order of the tests, whichever was done first.
    return { outcomes: this.tests.flatMap((test) => this.outcomes.get(test) ?? []), mistakes: this.mistakes };
  }

  private start(): Worker {
    const worker = new Worker(new URL('./check-pool-worker.js', import.meta.url), { workerData: this.options });
    worker.on('message', (message: FromPoolWorker) => this.hear(worker, message));
    worker.on('error', (error) => this.fail(error));
    // Heard in vain where all has been said.
    worker.on('exit', () => this.fail(new Error('a worker ended before it had told what it found')));
    return worker;
  }

  private hear(worker: Worker, message: FromPoolWorker): void {
    const found = this.underWay.get(worker);
    if (message.kind === 'failed') this.fail(Object.assign(new Error(message.message), message));
    if (message.kind === 'mistake') this.take({ found: found!, why: new BadInput(message.error) });
    if (message.kind === 'done') {
      const outcome = { ...message.outcome, found: found! };
      this.outcomes.set(found!, outcome);
      this.progress.clear();
      this.listeners.outcome(outcome);
    }
    this.give(worker);
  }

  private take(mistaken: Mistaken): void {
    this.mistakes.push(mistaken);
    this.listeners.mistake?.(mistaken);
  }

  private give(worker: Worker): void {
    this.underWay.delete(worker);
    const found = this.tests[this.next];
    if (found === undefined) {
      if (this.underWay.size === 0) this.end();
      return;
    }
    this.next++;
    this.underWay.set(worker, found);
    worker.postMessage({ index: found.index, leftOut: found.leftOut });
    const names = [...this.underWay.values()].map(({ label }) => label).join('; ');
    this.progress.show(`[${this.outcomes.size + this.mistakes.length}/${this.tests.length}] ${names}`);
  }
}
