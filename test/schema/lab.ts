/** The document of `tablewalk lab --json`, which is also its report.json. */
import { z } from 'zod';
import type { LabResult } from '../../src/cli/lab.ts';
import { interrupted } from './common.ts';
import { iovaStressSchema } from './iova-stress.ts';
import { replaySchema } from './replay.ts';

const claim = z.strictObject({
  claim: z.string(),
  thread: z.string().describe('what the thread said'),
  measured: z.string(),
  holds: z.enum(['yes', 'no', 'partly', 'not-measured']),
  note: z.string(),
});

export const labSchema = z.strictObject({
  schema: z.literal(1),
  command: z.literal('lab'),
  claims: z.array(claim),
  iovaStress: iovaStressSchema,
  replay: replaySchema,
  interrupted,
}) satisfies z.ZodType<LabResult>;
