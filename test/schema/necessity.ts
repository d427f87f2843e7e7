/** The document of `tablewalk check --necessity --json`. */
import { z } from 'zod';
import type { NecessityDocument } from '../../src/cli/check-necessity.ts';
import { count, interrupted, seconds } from './common.ts';
import { counterexampleSchema, source } from './counterexample.ts';

const outcome = z
  .enum(['holds', 'violated', 'unreachable', 'bounded', 'skipped', 'refused'])
  .describe('refused: the model itself cannot go on');

const site = z.strictObject({
  kind: z.enum([
    'fence',
    'locked',
    'lock',
    'guard',
    'flush',
    'reference',
    'swap',
    'wait',
    'call',
    'call-back',
    'store',
  ]),
  file: z.string(),
  line: z.int().min(1),
  function: z.string().describe('in which it stands'),
  text: z.string().describe('as it stands there, on one line; of a swap both neighbours'),
});

const pair = z.strictObject({
  lane: z.string().describe('thread'),
  source: source.nullable().describe('where it stands in the program, as far as that is known'),
  object: z.string().describe('word at which the two meet'),
  kind: z.enum(['read', 'write']).describe('what the other thread does to it'),
});

const fall = z.strictObject({
  test: z.string(),
  verdict: outcome,
  message: z.string(),
  executions: count,
  counterexample: counterexampleSchema
    .nullable()
    .describe('the shortest that was found; null: the test is not violated'),
  pairs: z.array(pair).describe('what the step stands against'),
});

const step = z.strictObject({
  site,
  need: z
    .enum(['needed', 'for progress', 'by the code', 'by nothing', 'bounded', 'untried'])
    .describe('by nothing: all tests that come to it hold without it; bounded: not all of them were run to their end'),
  fall: fall.nullable().describe('a test that falls without it'),
  tests: count.describe('that come to it'),
});

const test = z.strictObject({
  name: z.string(),
  verdict: outcome,
  executions: count.describe('with all steps'),
  steps: count.describe('that it comes to'),
  fallsWithout: site.nullable().describe('a step without which it falls; null: it is vacuous'),
});

const report = z.strictObject({
  design: z.string().describe('a design, a pair of them, or a case of the catalogue'),
  steps: z.array(step),
  notRun: count.describe('calls and stores that were not left out: --full'),
  isWhole: z.boolean().describe('it was not interrupted'),
  tests: z.array(test).describe('those that hold, and were run again'),
  leftOut: z
    .array(z.strictObject({ name: z.string(), verdict: outcome }))
    .describe('tests that do not hold with all steps'),
  seconds,
});

export const necessitySchema = z.strictObject({
  schema: z.literal(1),
  command: z.literal('check'),
  necessity: z.array(report).describe('one for each design that was taken apart'),
  interrupted,
}) satisfies z.ZodType<NecessityDocument>;
