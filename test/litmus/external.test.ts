/** Designs of external TLBs: each test comes to its stored verdict, in as many executions. */
import { describe, expect, it } from 'vitest';
import { check } from '../../src/check/index.ts';
import { EXTERNAL } from '../../src/lab/litmus/external.ts';
import { storedVerdict } from '../../src/lab/litmus/stored.ts';

describe('external TLBs', () => {
  for (const { name, test } of EXTERNAL) {
    it(`${name}: ${test.expect}`, { timeout: 60_000 }, () => {
      const { executions, verdict, violation } = check(test, { minimise: 0 });
      const stored = storedVerdict(name);
      expect({ verdict, executions }, violation?.message).toEqual({
        verdict: stored?.verdict,
        executions: stored?.executions,
      });
    });
  }

  it('fall by what they are about', () => {
    const messages = {
      'external: gather overflow / start-end': /^INV-5: dev0 reaches frame \d+ through page 0/,
      'external: all tables / end-only': /^INV-12: the IOMMU reads frame \d+ as a table of mm A/,
    };
    for (const [name, message] of Object.entries(messages)) {
      const entry = EXTERNAL.find((one) => one.name === name)!;
      expect(check(entry.test).violation?.message, name).toMatch(message);
    }
  });
});
