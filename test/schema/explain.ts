/** The document of `tablewalk explain --json`. */
import { z } from 'zod';
import type { ExplainDocument } from '../../src/cli/explain.ts';
import { count, storedVerdict } from './common.ts';

const names = z.array(z.string());

const state = z.strictObject({
  name: z.string(),
  register: z.string(),
  per: z.enum(['thread', 'mm']).describe('what it belongs to, by its nature'),
  loadedAt: z.enum(['switch_mm', 'switch_to', 'return to user', 'first use']),
  components: z.array(count).describe('XSAVE components; none: XSAVES and XRSTORS do not know it'),
  kernelUse: z.string().nullable().describe('what the kernel uses it for while it runs for the thread'),
  signal: z
    .strictObject({ exception: z.string(), sharedWith: z.string() })
    .nullable()
    .describe('the exception that says that it is not loaded, and what else raises the same'),
  remark: z.string(),
});

const cpuStates = z.strictObject({
  kind: z.literal('cpu-states'),
  states: z.array(state),
  wishes: z.array(z.strictObject({ wish: z.string(), design: z.string() })).describe('what hardware is asked for'),
});

const design = z.strictObject({
  kind: z.literal('design'),
  name: z.string(),
  family: z.string(),
  source: z.string().nullable().describe('thread, commit or mail'),
  argument: z.string().nullable().describe('how its author argued'),
  lines: count.nullable().describe('lines of code, without comments and blank lines'),
  replaces: names.describe('kernel functions in whose place it has its own'),
  omits: names.describe('kernel functions that do nothing'),
  precedes: names.describe('kernel functions before which it does something'),
  follows: names.describe('kernel functions after which it does something'),
  verdicts: z
    .array(
      z.strictObject({
        test: z.string(),
        scenario: z.string(),
        beside: z.string().nullable().describe('the other design of a pair'),
        design: z.string().describe('the pair, or the case of the scenario'),
        stored: storedVerdict.nullable(),
      }),
    )
    .describe('built-in tests that have it'),
});

const invariant = z.strictObject({
  kind: z.literal('invariant'),
  id: z.templateLiteral(['INV-', z.number()]),
  text: z.string(),
  by: names.describe('functions of the observer that stop an execution which breaks it'),
  checked: z.string().describe('where it is looked at'),
});

const faultReason = z.strictObject({
  kind: z.literal('fault-reason'),
  code: z.string(),
  name: z.string(),
  mode: z.enum(['legacy', 'scalable']),
  text: z.string(),
  qualified: z.boolean().describe('not recorded where FPD is set in an entry that was reached'),
});

const topics = z.strictObject({
  kind: z.literal('topics'),
  topics: z.array(z.strictObject({ group: z.string(), names })),
});

export const explainSchema = z.strictObject({
  schema: z.literal(1),
  command: z.literal('explain'),
  explanation: z.discriminatedUnion('kind', [cpuStates, design, invariant, faultReason, topics]),
}) satisfies z.ZodType<ExplainDocument>;
