/** The document of `tablewalk conformance --json`. */
import { z } from 'zod';
import type { ConformanceFile } from '../../src/lab/index.ts';
import { count } from './common.ts';

const answer = z.string().describe('an answer as JSON; 64-bit numbers are "0x…" strings');

const file = z.strictObject({
  file: z.string(),
  cases: count,
  steps: count.describe('steps that have an answer'),
  agree: count.describe('answers that are ours too'),
  deviations: z.record(z.string(), count).describe('answers under each deviation, by name; one may be under several'),
  unsure: count.describe('answers with a deviation of which it is not certain who is right'),
  classes: z
    .array(
      z.strictObject({
        outcome: z.string().describe('ok, blocked, fault 0x…, queue, register or flags'),
        kind: z.string().describe('what the recording calls the case, without what makes each another'),
        steps: count,
        agree: count,
      }),
    )
    .describe('most steps first'),
  disagree: z
    .array(
      z.strictObject({
        id: count.describe('of the case'),
        step: count.describe('index in the steps of the case, from 0'),
        ours: answer,
        theirs: answer,
      }),
    )
    .describe('answers that no deviation explains'),
}) satisfies z.ZodType<ConformanceFile>;

export const conformanceSchema = z.strictObject({
  schema: z.literal(1),
  command: z.literal('conformance'),
  files: z.array(file),
});
