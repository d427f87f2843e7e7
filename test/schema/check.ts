/** The document of `tablewalk check --json`. */
import { z } from 'zod';
import type { CheckDocument } from '../../src/cli/check-report.ts';
import { count, interrupted, seconds, storedVerdict } from './common.ts';

const verdict = z
  .enum(['holds', 'violated', 'unreachable', 'bounded', 'skipped'])
  .describe('bounded: a limit was hit, so nothing is proved; never an expected verdict');

const builtIn = z.strictObject({
  family: z.string(),
  scenario: z.string(),
  designs: z.array(z.string()).describe('designs in its kernel, the innermost first'),
  lines: count.nullable().describe('lines of code of these, without comments and blank lines'),
  source: z.string().describe('thread, commit, or where else it comes from'),
  about: z.string().nullable(),
  bounds: z.string().describe('what bounds its verdict: CPUs, processes, devices'),
  leftOut: z.boolean().describe('it takes long and was not run: its verdict is skipped, and that is no surprise'),
  stored: storedVerdict.nullable().describe('what it came to when all were run for the store; null: nothing is stored'),
});

const result = z.strictObject({
  name: z.string().describe('of the test'),
  design: z.string().nullable().describe('the design under test, where the test names one'),
  expect: z.enum(['holds', 'violated', 'unreachable', 'skipped']).describe('the verdict that the test expects'),
  verdict,
  property: z.string().nullable().describe('the property that was violated, or was never reached'),
  message: z.string().nullable().describe('what is to be said about the verdict, in a sentence'),
  executions: count.describe('complete executions; under dpor each of another class'),
  blocked: count.describe('executions given up because others cover them'),
  steps: count.describe('steps made, replayed ones included'),
  seconds: seconds.describe('wall-clock time, making the counterexample short included'),
  schedule: z.string().nullable().describe('of the counterexample, for --schedule'),
  counterexampleSteps: count.nullable(),
  file: z.string().nullable().describe('the test file, as it was named on the command line; null for a built-in test'),
  limit: z
    .enum(['steps', 'executions', 'runs', 'bound', 'time', 'interrupted'])
    .nullable()
    .describe('what made the verdict bounded'),
  builtIn: builtIn.nullable().describe('of a built-in test; null for one of a file'),
});

const error = z.strictObject({
  name: z.string().describe('of the test'),
  message: z.string().describe('where and what is wrong with it, in the line that stderr has'),
});

export const checkSchema = z.strictObject({
  schema: z.literal(1),
  command: z.literal('check'),
  results: z.array(result).describe('one a test, in the order in which they ran'),
  errors: z.array(error).describe('tests that could not be checked as they are written: they have no verdict'),
  interrupted,
}) satisfies z.ZodType<CheckDocument>;
