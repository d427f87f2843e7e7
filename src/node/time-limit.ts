/** Work that is cut off when it does not come back: a loop in it leaves no other way to take the processor from it. */
import { createContext, Script } from 'node:vm';

const context = createContext({ work: null });
const script = new Script('work()', { filename: 'limited' });

/** The work did not end in time. What it was at is half done: nothing of it may be used any more. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime';
  /** Hardly any of the time was processor time: the process was stopped, or the machine slept. The work may be fine. */
  readonly wasPaused: boolean;

  constructor(milliseconds: number, wasPaused: boolean) {
    super(`no end within ${milliseconds} ms`);
    this.wasPaused = wasPaused;
  }
}

/** What `work` returns, or throws. About 0.1 ms more than a call. @throws OutOfTime */
export function withinTime<T>(milliseconds: number, work: () => T): T {
  const before = process.cpuUsage();
  context['work'] = work;
  try {
    return script.runInContext(context, { timeout: milliseconds }) as T;
  } catch (error) {
    if (!isTimeout(error)) throw error;
    throw new OutOfTime(milliseconds, process.cpuUsage(before).user / 1000 < milliseconds / 10);
  } finally {
    context['work'] = null;
  }
}

/** The error comes from the other context: it is no `Error` of this one. */
function isTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  );
}
