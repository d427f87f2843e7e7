/** A worker thread: explores one part of a test after the other, as it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { Check, type CheckTest, type Explored, TestMistake, UnfitOrder } from '../check/index.ts';
import type { FromWorker, Part, WorkerStart } from './check-protocol.ts';
import { leave } from './leave.ts';
import { watchExit } from './test-file-exit.ts';
import { loadTestFile } from './test-files.ts';

const SLICE_MS = 100;
const port = parentPort!;
const say = (message: FromWorker): void => port.postMessage(message);
const { file, index, options } = workerData as WorkerStart;

function failed(error: unknown): void {
  if (error instanceof UnfitOrder) {
    say({ kind: 'unfit' });
    return;
  }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  say({ kind: 'failed', isMistake: error instanceof TestMistake, name, message, stack: stack ?? '' });
}

function explore(test: CheckTest, { orders }: Part): Explored {
  const running = new Check(test, { ...options, orders, minimise: 0 });
  let last = performance.now();
  while (running.advance(16)) {
    if (performance.now() - last < SLICE_MS) continue;
    last = performance.now();
    say({ kind: 'progress', executions: running.executions, steps: running.steps, done: running.progress });
  }
  const { executions, blocked, steps, violation, limit } = running.result();
  return { executions, blocked, steps, unreached: running.unreached, violation, limit };
}

/** The test that the worker is for; undefined: it is not found again. */
async function load(): Promise<CheckTest | undefined> {
  if (file === null) return (await import('../lab/litmus/index.ts')).LITMUS[index]?.test;
  watchExit(file, ({ message, hint }) => {
    failed(new TestMistake(`${message} (${hint})`));
    return leave(0);
  });
  const loaded = await loadTestFile(file);
  return loaded.ok ? loaded.value[index] : undefined;
}

const test = await load();
if (test === undefined) {
  failed(new Error(`${file ?? 'built in'}: the test is not found again`));
} else {
  port.on('message', (part: Part) => {
    try {
      say({ kind: 'done', explored: explore(test, part) });
    } catch (error) {
      failed(error);
    }
  });
  say({ kind: 'ready' });
}
