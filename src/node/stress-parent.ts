/** The parent's end: one process a design and mode, so that the peak memory and the compiled code of each are its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { err, ok, type Result } from '../base/result.ts';
import { mainPath } from './package-files.ts';
import type { ChildMessage, ParentMessage } from './stress-child.ts';
import { STRESS_CHILD } from './stress-child-name.ts';
import type { StressJob, StressOutcome, StressProgress } from './stress-job.ts';

export interface StressFailure {
  /** The machine had no room, the process was ended from outside, or it broke an invariant of ours. */
  readonly kind: 'too-large' | 'ended' | 'crashed';
  readonly message: string;
  readonly stack?: string;
}

export interface StartOptions {
  readonly signal?: AbortSignal;
  readonly progress?: (progress: StressProgress) => void;
}

/** What the child found, one outcome a DMA size; fewer when it was stopped. */
export async function startStress(
  job: StressJob,
  options: StartOptions = {},
): Promise<Result<readonly StressOutcome[], StressFailure>> {
  if (options.signal?.aborted === true) return ok([]);
  const child = fork(mainPath(), [STRESS_CHILD], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'json',
  });
  const stop = (): void => post(child, { kind: 'stop' });
  const end = (): void => {
    child.kill('SIGKILL');
  };
  options.signal?.addEventListener('abort', stop, { once: true });
  process.on('exit', end);
  try {
    return await conversation(child, job, options);
  } finally {
    process.off('exit', end);
    options.signal?.removeEventListener('abort', stop);
  }
}

function conversation(
  child: ChildProcess,
  job: StressJob,
  options: StartOptions,
): Promise<Result<readonly StressOutcome[], StressFailure>> {
  const outcomes: StressOutcome[] = [];
  const said = { done: false, failure: null as StressFailure | null, stderr: '' };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.stderr = (said.stderr + text).slice(-4000);
  });
  child.on('message', (message: ChildMessage) => {
    if (message.kind === 'progress') options.progress?.(message.progress);
    else if (message.kind === 'outcome') outcomes.push(message.outcome);
    else if (message.kind === 'done') said.done = true;
    else said.failure = message;
  });
  post(child, { kind: 'job', job });
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(err({ kind: 'ended', message: `could not be started: ${error.message}` })));
    child.on('close', (code, signal) => {
      if (said.failure !== null) resolve(err(said.failure));
      else if (said.done) resolve(ok(outcomes));
      else resolve(err(ended(code, signal, said.stderr)));
    });
  });
}

function post(child: ChildProcess, message: ParentMessage): void {
  // A child that has just ended is no error here: `close` tells.
  if (child.connected) child.send(message, () => {});
}

/** Exit code of a child whose own handler of last resort has spoken. */
const BUG = 3;

function ended(code: number | null, signal: NodeJS.Signals | null, stderr: string): StressFailure {
  const memory = signal === 'SIGKILL' || stderr.includes('out of memory');
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
  const said = stderr.trim();
  return {
    kind: code === BUG ? 'crashed' : 'ended',
    message: `${how}${memory ? ', out of memory most likely' : ''}`,
    ...(said === '' ? {} : { stack: said }),
  };
}
