/** docs/schema is generated from the schemas here: `npx vitest run test/schema -u` writes it anew. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkSchema } from './check.ts';
import { conformanceSchema } from './conformance.ts';
import { counterexampleSchema } from './counterexample.ts';
import { explainSchema } from './explain.ts';
import { iovaStressSchema } from './iova-stress.ts';
import { labSchema } from './lab.ts';
import { necessitySchema } from './necessity.ts';
import { replaySchema } from './replay.ts';

const documents = {
  'iova-stress': iovaStressSchema,
  replay: replaySchema,
  lab: labSchema,
  check: checkSchema,
  explain: explainSchema,
  conformance: conformanceSchema,
  counterexample: counterexampleSchema,
  necessity: necessitySchema,
};

const COMMANDS: Readonly<Record<string, string>> = {
  counterexample: 'check --counterexample FILE',
  necessity: 'check --necessity --json',
};

describe('docs/schema', () => {
  for (const [name, schema] of Object.entries(documents)) {
    it(`${name}.json is what the schema of the ${name} document generates`, async () => {
      const command = COMMANDS[name] ?? `${name} --json`;
      const json = z.toJSONSchema(schema.meta({ title: `tablewalk ${command}` }));
      await expect(`${JSON.stringify(json, null, 2)}\n`).toMatchFileSnapshot(`../../docs/schema/${name}.json`);
    });
  }
});
