/** What `program` returns, looked at before it is run: types are not checked where tests are compiled on the fly. */
import { TestMistake } from '../base/mistake.ts';
import type { Program } from './program.ts';

const KEYS = ['threads', 'always', 'sometimes', 'eventually', 'never', 'reachable'];
const GROUPS = ['always', 'sometimes', 'eventually'] as const;
const MARKS = ['never', 'reachable'] as const;

/** @throws TestMistake for what is no program. */
export function validateProgram(program: Program): void {
  if (typeof program !== 'object' || program === null)
    throw new TestMistake('program returns nothing: it is to return { threads, … }');
  if ('then' in program) throw new TestMistake('program is async: threads are generators, and nothing is waited for');
  for (const key of Object.keys(program)) {
    const meant = KEYS.includes(key) ? undefined : KEYS.find((known) => distance(known, key) <= 2);
    if (meant !== undefined) throw new TestMistake(`program returns '${key}': is ${meant} meant?`);
  }
  const { threads } = program;
  if (typeof threads !== 'object' || threads === null || Object.keys(threads).length === 0) {
    throw new TestMistake('program returns no threads: { threads: { name: body(…) } }');
  }
  for (const group of GROUPS) checkProperties(group, program[group]);
  for (const group of MARKS) {
    const marks: unknown = program[group];
    if (marks !== undefined && !(Array.isArray(marks) && marks.every((mark) => typeof mark === 'string'))) {
      throw new TestMistake(`${group} is a list of marks: ['name']`);
    }
  }
}

function checkProperties(group: string, properties: unknown): void {
  if (properties === undefined) return;
  if (typeof properties !== 'object' || properties === null || isAtEnd(properties)) {
    throw new TestMistake(`${group} has names for its properties: { 'what holds': () => … }`);
  }
  for (const [name, property] of Object.entries(properties)) {
    if (typeof property !== 'function' && !isAtEnd(property)) {
      throw new TestMistake(`property '${name}' is a ${typeof property}: write a function, or atEnd(function)`);
    }
  }
}

function isAtEnd(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'atEnd' in value && typeof value.atEnd === 'function';
}

/** Letters to change, add or leave out to make one word of the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (letter === b[j] ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1)!;
}
