/**
 * Which executions differ in more than the order of independent steps, by the definition and nothing else: two are of one class
 * if each thread does the same, and each location sees the same accesses in the same order, reads between two writes as a
 * set. All interleavings are tried, from each class of beginnings once; no vector clocks, no races.
 */

import { Execution } from '../../../src/check/execution.ts';
import type { CheckTest, Decision } from '../../../src/check/index.ts';

/** The class of the beginning of an execution that a schedule makes. */
export function classOf(run: Execution, schedule: readonly Decision[]): string {
  const rows = new Classes();
  run.restart();
  for (const { thread, path } of schedule) {
    run.step(thread, path);
    rows.add(thread, run.stepCodes(), run.path);
  }
  return rows.print();
}

class Classes {
  /** By location: rows of accesses; a write stands alone, reads between two writes in order of their names. */
  private readonly byLocation = new Map<number, string[][]>();
  private readonly steps: number[] = [];
  private readonly choices: string[] = [];

  add(thread: number, codes: readonly number[], path: readonly number[] | null): void {
    const nth = (this.steps[thread] ?? 0) + 1;
    this.steps[thread] = nth;
    const event = `${thread}.${nth}`;
    if (path !== null) this.choices.push(`${event}=${path}`);
    for (const code of new Set(codes)) {
      const rows = this.byLocation.get(code >> 1) ?? [];
      this.byLocation.set(code >> 1, rows);
      const last = rows.at(-1);
      if ((code & 1) === 1) rows.push([`w${event}`]);
      else if (last === undefined || last[0]!.startsWith('w')) rows.push([event]);
      else last.push(event);
    }
  }

  print(): string {
    const locations = [...this.byLocation].sort(([a], [b]) => a - b);
    const orders = locations.map(
      ([location, rows]) => `${location}:${rows.map((row) => row.sort().join('+')).join(' ')}`,
    );
    return [this.steps.map((count) => count ?? 0).join(','), this.choices.sort().join(','), ...orders].join('|');
  }
}

/** Classes of whole executions, each with a schedule; null: more than `limit` beginnings. */
export function enumerateClasses(test: CheckTest, limit: number): Map<string, readonly Decision[]> | null {
  const run = new Execution(test);
  const known = new Set<string>();
  const ends = new Map<string, readonly Decision[]>();
  for (const open: (readonly Decision[])[] = [[]]; open.length > 0; ) {
    const schedule = open.pop()!;
    const key = classOf(run, schedule);
    if (known.has(key)) continue;
    known.add(key);
    if (known.size > limit) return null;
    const enabled = Array.from({ length: run.threadCount }, (_, thread) => thread).filter((t) => run.enabled(t));
    if (enabled.length === 0) ends.set(key, schedule);
    for (const thread of enabled) open.push(...continuations(run, schedule, thread));
  }
  return ends;
}

/** The schedule with one more step, for each of what that may choose. */
function continuations(run: Execution, schedule: readonly Decision[], thread: number): (readonly Decision[])[] {
  run.restart();
  for (const step of schedule) run.step(step.thread, step.path);
  run.step(thread, null);
  if (run.error !== null) throw run.error;
  const options = run.pathOptions?.[0] ?? 1;
  const paths = options === 1 ? [run.path] : Array.from({ length: options }, (_, chosen) => [chosen]);
  return paths.map((path) => [...schedule, { thread, path }]);
}
