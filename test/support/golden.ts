/** The recorded answers of fixtures/golden, and what the model says of a case with another answer in it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { type ConformanceFile, createConformance } from '../../src/lab/index.ts';

const FOLDER = resolve(import.meta.dirname, '../../fixtures/golden');
export const NAMES = ['legacy', 'scalable', 'firststage'] as const;
export type Name = (typeof NAMES)[number];

/** Cases as JSON, to be changed. */
export interface Step {
  op: string;
  rid?: number;
  addr?: string;
  write?: boolean;
  qemu?: Record<string, unknown>;
  [key: string]: unknown;
}
export interface Case {
  id: number;
  kind: string;
  steps: Step[];
  [key: string]: unknown;
}

export const headers = new Map<Name, string>();
export const cases = new Map<Name, readonly string[]>();
export const whole = new Map<Name, ConformanceFile>();

for (const name of NAMES) {
  const [header, ...lines] = gunzipSync(readFileSync(resolve(FOLDER, `${name}.jsonl.gz`)))
    .toString()
    .trimEnd()
    .split('\n');
  headers.set(name, header!);
  cases.set(name, lines);
  whole.set(name, run([header!, ...lines]));
}

export function run(lines: readonly string[]): ConformanceFile {
  const conformance = createConformance('test');
  const pushed = conformance.push(new TextEncoder().encode(`${lines.join('\n')}\n`));
  if (!pushed.ok) throw new Error(pushed.error.message);
  const done = conformance.end();
  if (!done.ok) throw new Error(done.error.message);
  return done.value;
}

export function runCase(name: Name, golden: Case, header = headers.get(name)!): ConformanceFile {
  return run([header, JSON.stringify(golden)]);
}

/** The first case, and its step, of which `wanted` is so. */
export function find(
  name: Name,
  wanted: (step: Step, golden: Case, index: number) => boolean,
): readonly [Case, number] {
  for (const line of cases.get(name)!) {
    const golden = JSON.parse(line) as Case;
    const index = golden.steps.findIndex((step, i) => step.qemu !== undefined && wanted(step, golden, i));
    if (index !== -1) return [golden, index];
  }
  throw new Error('no such case');
}

/** A case with another answer at a step, and nothing behind it. */
export function answered(golden: Case, index: number, answer: Record<string, unknown>): Case {
  const steps = golden.steps.slice(0, index + 1);
  steps[index] = { ...steps[index]!, qemu: answer };
  return { ...golden, steps };
}

/** The step at the end has no name for its difference. */
export function expectUnnamed(name: Name, golden: Case): void {
  const { disagree } = runCase(name, golden);
  expect(disagree.map(({ id, step }) => [id, step])).toEqual([[golden.id, golden.steps.length - 1]]);
}

/** The first case in which a deviation is the whole explanation of some step, cut behind that step. */
export function deviating(name: Name, ...names: readonly string[]): readonly [Case, number] {
  for (const line of cases.get(name)!) {
    const golden = JSON.parse(line) as Case;
    const before = new Map<string, number>();
    for (let index = 0; index < golden.steps.length; index++) {
      if (golden.steps[index]!.qemu === undefined) continue;
      const { deviations } = runCase(name, { ...golden, steps: golden.steps.slice(0, index + 1) });
      const added = Object.keys(deviations).filter((id) => deviations[id] !== before.get(id));
      for (const id of added) before.set(id, deviations[id]!);
      if (names.length === added.length && names.every((id) => added.includes(id))) return [golden, index];
    }
  }
  throw new Error(`no step with ${names.join(', ')} alone`);
}

export type Answer = Record<string, unknown>;
/** A word with other bits. */
export const flip = (word: unknown, bit: bigint): string => `0x${(BigInt(word as string) ^ bit).toString(16)}`;
