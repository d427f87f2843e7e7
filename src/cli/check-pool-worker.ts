/** A thread of a pool: runs one built-in test after the other, as it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { LITMUS } from '../lab/litmus/index.ts';
import { asMistake, runOne } from './check-plan.ts';
import type { FromPoolWorker } from './check-pool.ts';
import type { RunOptions } from './check-run.ts';
import type { FoundTest } from './check-select.ts';

const port = parentPort!;
const say = (message: FromPoolWorker): void => port.postMessage(message);
const options = workerData as RunOptions;
/** The thread is ended from outside. */
const { signal } = new AbortController();

async function run(index: number, leftOut: string | null): Promise<void> {
  const entry = LITMUS[index]!;
  const test = leftOut === null ? entry.test : { ...entry.test, skip: leftOut };
  const found: FoundTest = { test, file: null, index, label: entry.name, entry, leftOut };
  try {
    const { found: _, ...outcome } = await runOne(found, options, { signal }, () => {});
    say({ kind: 'done', outcome });
  } catch (error) {
    const mistake = asMistake(error, found);
    say({ kind: 'mistake', error: mistake.error });
  }
}

port.on('message', ({ index, leftOut }: { index: number; leftOut: string | null }) => {
  run(index, leftOut).catch((error: unknown) => {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    say({ kind: 'failed', name, message, stack: stack ?? '' });
  });
});
say({ kind: 'ready' });
