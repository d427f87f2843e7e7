/** An execution in which nothing can run any more: whether that is an end, and if not, who waits for whom. */
import type { Execution } from './execution.ts';
import type { Finding } from './harness.ts';

/** Null when all has ended that must: what is left are daemons that wait. */
export function explainEnd(run: Execution): Finding | null {
  const stuck: number[] = [];
  for (let thread = 0; thread < run.programThreads; thread++) {
    if (!run.hasEnded(thread) && !run.isDaemon(thread)) stuck.push(thread);
  }
  if (stuck.length === 0) return null;
  const retrying = stuck.filter((thread) => run.stepOf(thread)?.role === 'relax');
  if (retrying.length > 0) {
    const names = retrying.map((thread) => run.nameOf(thread)).join(' and ');
    return {
      kind: 'livelock',
      property: 'livelock',
      message: `${names} ${retrying.length === 1 ? 'retries' : 'retry'} for ever: nobody is left to write what ${retrying.length === 1 ? 'it reads' : 'they read'}`,
    };
  }
  return { kind: 'deadlock', property: 'deadlock', message: describeDeadlock(run, stuck) };
}

function describeDeadlock(run: Execution, stuck: readonly number[]): string {
  const cycle = findCycle(run, stuck);
  if (cycle !== null) {
    if (cycle.length === 1) return waitingForItself(run, cycle[0]!);
    const parts = cycle.map((thread, i) => `${waiting(run, thread)} for ${run.nameOf(cycle[(i + 1) % cycle.length]!)}`);
    return `${parts.join(', ')}: a circle`;
  }
  const parts = stuck.map((thread) => {
    const step = run.stepOf(thread)!;
    const holders = step.waitsFor(thread).map((other) => run.nameOf(other));
    return `${waiting(run, thread)}${holders.length === 0 ? '' : `, held by ${holders.join(' and ')}`}`;
  });
  return `${parts.join('; ')}; nothing can run`;
}

function waitingForItself(run: Execution, thread: number): string {
  const step = run.stepOf(thread)!;
  const why = step.lock?.selfWait(thread, step) ?? null;
  return `${waiting(run, thread)}, for itself${why === null ? '' : `: ${why}`}`;
}

function waiting(run: Execution, thread: number): string {
  return `${run.nameOf(thread)} waits in ${run.stepOf(thread)!.label}`;
}

/** Threads that wait for each other in a circle, or null. */
export function findCycle(run: Execution, stuck: readonly number[]): readonly number[] | null {
  for (const start of stuck) {
    const path = [start];
    for (;;) {
      const next = waitsFor(run, path.at(-1)!);
      if (next === undefined || run.hasEnded(next)) break;
      const at = path.indexOf(next);
      if (at !== -1) return path.slice(at);
      path.push(next);
    }
  }
  return null;
}

/** One of those that the thread waits for: itself, where that is among them. */
function waitsFor(run: Execution, thread: number): number | undefined {
  const step = run.stepOf(thread);
  if (step?.role === 'join') return run.joined(step).find((other) => !run.hasEnded(other));
  const holders = step?.waitsFor(thread) ?? [];
  return holders.includes(thread) ? thread : holders[0];
}
