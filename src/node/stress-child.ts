/**
 * The child's end: takes one job from its parent, runs it, and reports. Signals of the terminal are the parent's business;
 * when the parent is gone, so is the child.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../base/assert.ts';
import { HostMemoryExhausted } from '../hw/index.ts';
import { giveInliningRoom } from './inlining.ts';
import { STRESS_CHILD } from './stress-child-name.ts';
import { runStressJob, type StressJob, type StressOutcome, type StressProgress } from './stress-job.ts';

export type ParentMessage = { readonly kind: 'job'; readonly job: StressJob } | { readonly kind: 'stop' };

export type ChildMessage =
  | { readonly kind: 'progress'; readonly progress: StressProgress }
  | { readonly kind: 'outcome'; readonly outcome: StressOutcome }
  | { readonly kind: 'done' }
  | { readonly kind: 'too-large'; readonly message: string }
  | { readonly kind: 'crashed'; readonly message: string; readonly stack: string };

/** Runs until the job is done. Context: started by `startStress` with a channel to its parent. */
export async function stressChild(): Promise<void> {
  assert(process.send !== undefined, `${STRESS_CHILD} was called by hand: it has no parent to report to`);
  giveInliningRoom();
  process.on('SIGINT', () => {});
  process.on('disconnect', () => process.exit(1));
  let stopped = false;
  const job = await new Promise<StressJob>((resolve) => {
    process.on('message', (message: ParentMessage) => {
      if (message.kind === 'job') resolve(message.job);
      else stopped = true;
    });
  });
  try {
    await runStressJob(job, {
      progress: (progress) => send({ kind: 'progress', progress }),
      outcome: (outcome) => send({ kind: 'outcome', outcome }),
      pause: async () => {
        await nextTurn();
        return stopped;
      },
    });
    send({ kind: 'done' });
  } catch (error) {
    send(failure(error));
  }
  process.removeAllListeners('message');
  process.removeAllListeners('disconnect');
  process.disconnect?.();
}

function send(message: ChildMessage): void {
  process.send?.(message);
}

function failure(error: unknown): ChildMessage {
  if (error instanceof HostMemoryExhausted || error instanceof RangeError) {
    return { kind: 'too-large', message: error.message };
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { kind: 'crashed', message, stack: stack ?? message };
}
