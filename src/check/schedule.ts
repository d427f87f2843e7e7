/**
 * A schedule as one printable string, safe in a shell and a URL: `0:3.1.b0.2c1-0:2` is thread 0 three times, thread 1, the
 * store buffer of thread 0, and thread 2 twice, whose steps choose 1 and then 0. Threads are numbered in the order of the program.
 */
import { err, ok, type Result } from '../base/result.ts';
import type { Decision } from './verdicts.ts';

/** `programThreads`: from this number on, threads are store buffers. */
export function printSchedule(schedule: readonly Decision[], programThreads: number): string {
  const parts: string[] = [];
  let count = 0;
  for (const [i, { thread, path }] of schedule.entries()) {
    const name = thread < programThreads ? String(thread) : `b${thread - programThreads}`;
    const part = path === null || path.length === 0 ? name : `${name}c${path.join('-')}`;
    if (i > 0 && part === parts.at(-1)) count++;
    else {
      if (count > 1) parts[parts.length - 1] += `:${count}`;
      parts.push(part);
      count = 1;
    }
  }
  if (count > 1) parts[parts.length - 1] += `:${count}`;
  return parts.join('.');
}

const PART = /^(b?)(\d{1,3})(?:c(\d{1,6}(?:-\d{1,6})*))?(?::(\d{1,6}))?$/;
const MOST_STEPS = 1_000_000;

export function parseSchedule(text: string, programThreads: number): Result<Decision[]> {
  const schedule: Decision[] = [];
  if (text.trim() === '') return ok(schedule);
  for (const [i, part] of text.trim().split('.').entries()) {
    const match = PART.exec(part);
    const place = `part ${i + 1} of the schedule`;
    const hint = 'a schedule looks like 0:3.1.b0.2c1: threads with counts, as a counterexample prints it';
    if (match === null) return err({ code: 'bad-schedule', place, message: `'${part.slice(0, 40)}' is no step`, hint });
    const [, buffer, number, choices, count] = match;
    const own = Number(number);
    if (own >= programThreads) {
      return err({
        code: 'bad-schedule',
        place,
        message: `there is no thread ${own}: the test has ${programThreads}`,
        hint,
      });
    }
    const thread = buffer === 'b' ? own + programThreads : own;
    const path = choices === undefined ? null : choices.split('-').map(Number);
    const times = count === undefined ? 1 : Number(count);
    if (schedule.length + times > MOST_STEPS)
      return err({ code: 'bad-schedule', place, message: 'the schedule is too long', hint });
    for (let n = 0; n < times; n++) schedule.push({ thread, path });
  }
  return ok(schedule);
}
