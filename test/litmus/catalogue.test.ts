/** Each case of the catalogue comes to what it expects: `holds` exhaustively. */
import { describe, expect, it } from 'vitest';
import { check } from '../../src/check/index.ts';
import { LITMUS } from '../../src/lab/litmus/index.ts';

const FULL = process.env['TABLEWALK_FULL'] !== undefined;
const OURS = /^L\d\d /;

describe('bugs of the catalogue', () => {
  for (const { expect: expected, name, slow, test } of LITMUS.map((entry) => ({
    ...entry,
    expect: entry.test.expect,
  }))) {
    if (!OURS.test(name)) continue;
    it.skipIf(slow && !FULL)(`${name}: ${expected}`, { timeout: 120_000 }, () => {
      const { verdict, violation } = check(test, { minimise: 0 });
      expect(verdict, violation?.message).toBe(expected);
    });
  }

  it('bugs are found by what they are about', () => {
    const messages = {
      'L08 release without drain / as it was: version A': /^INV-6|after it was freed$/,
      'L08 release without drain / wrong fix: drained in .release': /scheduling while atomic/,
      'L20 unflushed table / as it was: pointer, table, directory': /^INV-10/,
      'L21 torn entry / as it was: version B': /^INV-10.*table 0/,
      'L22 replaced in place / as it was: in place': /^INV-10.*domain 3, type 1, table 7/,
    };
    for (const [name, message] of Object.entries(messages)) {
      const entry = LITMUS.find((one) => one.name === name)!;
      expect(check(entry.test).violation?.message, name).toMatch(message);
    }
  });
});
