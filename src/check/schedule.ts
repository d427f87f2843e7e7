/**
 * A schedule as one printable string, safe in a shell and a URL: `0:3.1.b0.2c1-0:2.0_1:9` is thread 0 three times, thread 1, the
 * store buffer of thread 0, thread 2 twice, whose steps choose 1 and then 0, and threads 0 and 1 in turn, nine times. Threads are
 * numbered in the order of the program.
 */
import { err, type InputError, ok, type Result } from '../base/result.ts';
import type { Decision } from './verdicts.ts';

/** `programThreads`: from this number on, threads are store buffers. */
export function printSchedule(schedule: readonly Decision[], programThreads: number): string {
  const steps = schedule.map(({ thread, path }) => {
    const name = thread < programThreads ? String(thread) : `b${thread - programThreads}`;
    return path === null || path.length === 0 ? name : `${name}c${path.join('-')}`;
  });
  const { from, length, times } = findRounds(steps);
  if (times === 0) return counted(steps).join('.');
  const round = `${steps.slice(from, from + length).join('_')}:${times}`;
  return [...counted(steps.slice(0, from)), round, ...counted(steps.slice(from + length * times))].join('.');
}

/** Each step with how often it is made in a row. */
function counted(steps: readonly string[]): readonly string[] {
  const parts: string[] = [];
  for (let i = 0; i < steps.length; ) {
    let end = i + 1;
    while (end < steps.length && steps[end] === steps[i]) end++;
    parts.push(end - i > 1 ? `${steps[i]}:${end - i}` : steps[i]!);
    i = end;
  }
  return parts;
}

/** What goes round for so many steps is a round; a few turns are easier to read one by one. */
const LEAST_STEPS = 50;
const LEAST_TIMES = 4;
const LONGEST_ROUND = 500;

interface Rounds {
  readonly from: number;
  /** Steps of a round. */
  readonly length: number;
  /** 0: the schedule does not end in rounds. */
  readonly times: number;
}

/** The shortest round that the schedule ends in, the last one cut short maybe: a livelock goes round up to its end. */
function findRounds(steps: readonly string[]): Rounds {
  for (let length = 1; length <= LONGEST_ROUND && length * LEAST_TIMES <= steps.length; length++) {
    let from = steps.length - length;
    while (from > 0 && steps[from - 1] === steps[from - 1 + length]) from--;
    const repeated = steps.length - from;
    if (repeated < LEAST_STEPS || repeated < length * LEAST_TIMES) continue;
    // One step over and over has a count.
    return { from, length, times: length === 1 ? 0 : Math.floor(repeated / length) };
  }
  return { from: steps.length, length: 0, times: 0 };
}

const PART = /^(.+?)(?::(\d{1,6}))?$/s;
const STEP = /^(b?)(\d{1,3})(?:c(\d{1,6}(?:-\d{1,6})*))?$/;
const MOST_STEPS = 1_000_000;
const HINT = 'a schedule looks like 0:3.1.b0.2c1: threads with counts, as a counterexample prints it';

export function parseSchedule(text: string, programThreads: number): Result<Decision[]> {
  const schedule: Decision[] = [];
  if (text.trim() === '') return ok(schedule);
  for (const [i, part] of text.trim().split('.').entries()) {
    const refuse = (message: string): Result<Decision[]> => err(refusal(`part ${i + 1} of the schedule`, message));
    const [, round = '', count = '1'] = PART.exec(part) ?? [];
    const steps: Decision[] = [];
    for (const step of round.split('_')) {
      const match = STEP.exec(step);
      if (match === null) return refuse(`'${part.slice(0, 40)}' is no step`);
      const [, buffer, number, choices] = match;
      const own = Number(number);
      if (own >= programThreads) return refuse(`there is no thread ${own}: the test has ${programThreads}`);
      const thread = buffer === 'b' ? own + programThreads : own;
      steps.push({ thread, path: choices === undefined ? null : choices.split('-').map(Number) });
    }
    const times = Number(count);
    if (schedule.length + times * steps.length > MOST_STEPS) return refuse('the schedule is too long');
    for (let n = 0; n < times; n++) schedule.push(...steps);
  }
  return ok(schedule);
}

function refusal(place: string, message: string): InputError {
  return { code: 'bad-schedule', place, message, hint: HINT };
}
