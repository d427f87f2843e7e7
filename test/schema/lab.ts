/** The document of `tablewalk lab --json`, which is also its report.json. */
import { z } from 'zod';
import type { LabResult } from '../../src/cli/lab.ts';
import { count, interrupted, seconds, storedVerdict } from './common.ts';
import { iovaStressSchema } from './iova-stress.ts';
import { replaySchema } from './replay.ts';

const claim = z.strictObject({
  claim: z.string(),
  thread: z.string().describe('what the thread said'),
  measured: z.string(),
  holds: z.enum(['yes', 'no', 'partly', 'not-measured']),
  note: z.string(),
});

const verdict = z.strictObject({
  name: z.string().describe('of the built-in test'),
  family: z.string(),
  scenario: z.string(),
  design: z.string(),
  designs: z.array(z.string()).describe('designs in its kernel'),
  lines: count.nullable().describe('lines of code of these'),
  stored: storedVerdict.nullable(),
  again: z
    .strictObject({
      verdict: z.enum(['holds', 'violated', 'unreachable', 'bounded', 'skipped']),
      executions: count,
      seconds,
      agrees: z.boolean().describe('with what is stored, in the verdict and in the executions'),
    })
    .nullable()
    .describe('what it came to in this lab; null: it was not run again'),
});

export const labSchema = z.strictObject({
  schema: z.literal(1),
  command: z.literal('lab'),
  claims: z.array(claim),
  verdicts: z.array(verdict).describe('one a built-in test'),
  iovaStress: iovaStressSchema,
  replay: replaySchema,
  interrupted,
}) satisfies z.ZodType<LabResult>;
