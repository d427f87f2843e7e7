/** The document of `tablewalk check --counterexample FILE`. */
import { z } from 'zod';
import type { Counterexample } from '../../src/check/index.ts';
import { count } from './common.ts';

const access = z.strictObject({
  object: z.string().describe('name of the object, with the word in brackets where it has several'),
  kind: z.enum(['read', 'write']),
  before: z.string().nullable().describe('values as text; of a read the same twice'),
  after: z.string().nullable(),
  note: z.string().nullable().describe('more than the kind says: buffered, add, take, …'),
});

export const source = z.strictObject({
  file: z.string(),
  line: z.int().min(1),
  function: z.string().nullable().describe('innermost function that has a name there'),
  builtIn: z.boolean().describe('in a model that comes with Tablewalk: the function says more than the line'),
});

const step = z.strictObject({
  lane: count.describe('index in lanes'),
  operation: z.string().nullable().describe('what it was announced as; null for a plain access'),
  chose: z.array(count).nullable(),
  accesses: z.array(access),
  preempts: z.boolean().describe('a thread that could have gone on was left here'),
  source: source.nullable().describe('where it stands in the program, as far as that is known'),
});

export const counterexampleSchema = z.strictObject({
  schema: z.literal(1),
  kind: z.literal('counterexample'),
  test: z.string().describe('name of the test'),
  design: z.string().nullable().describe('the design under test, where the test names one'),
  memory: z.enum(['sc', 'tso']),
  violation: z.enum([
    'always',
    'eventually',
    'never',
    'assertion',
    'deadlock',
    'livelock',
    'use-after-free',
    'lock-misuse',
  ]),
  property: z.string(),
  message: z.string(),
  lanes: z.array(z.string()).describe('threads, and the store buffers that take part'),
  steps: z.array(step).describe('all of them, in their order'),
  schedule: z.string().describe('for --schedule'),
  repeats: z.boolean().describe('the steps end with one round of what goes on for ever'),
}) satisfies z.ZodType<Counterexample>;
