/** Each case of the catalogue comes to what it expects: `holds` exhaustively. */
import { describe, expect, it } from 'vitest';
import { check } from '../../src/check/index.ts';
import { CATALOGUE } from '../../src/lab/litmus/index.ts';
import { FULL, OF_MIRRORS } from '../support/litmus.ts';

/** What bugs are found by, where that is more than their verdict. */
const MESSAGES: Readonly<Record<string, RegExp>> = {
  'L08 release without drain / as it was: version A': /^INV-6|after it was freed$/,
  'L08 release without drain / wrong fix: drained in .release': /scheduling while atomic/,
  'L15 drained under locks / as it was': /nothing can run$/,
  'L16 after the last mmdrop / as it was': /iommu_mm is read after it was freed/,
  'L20 unflushed table / as it was: pointer, table, directory': /^INV-10/,
  'L21 torn entry / as it was: version B': /^INV-10.*table 0/,
  'L22 replaced in place / as it was: in place': /^INV-10.*domain 3, type 1, table 7/,
  'L25 end of all / as it was': /pages is written after it was freed/,
  'L31 missing tag / as it was: tags, then ATS': /^INV-5: dev0/,
  'L31 missing tag / as it was: ATS is off before tags go': /struct device is read after it was freed/,
  'L33 tables not queued / as it was': /^INV-12/,
  'L36 kernel table freed / wrong fix: PTE tables alone': /^INV-12: .*frame 4/,
  'L40 torn top of table / as it was': /^INV-10/,
  'L44 time-out for ever / as it was': /go round for ever/,
};

describe('bugs of the catalogue', () => {
  for (const { name, slow, test } of CATALOGUE.filter((entry) => !OF_MIRRORS.test(entry.name))) {
    it.skipIf(slow && !FULL)(`${name}: ${test.expect}`, { timeout: 120_000 }, () => {
      const { verdict, violation } = check(test, { minimise: 0 });
      expect(verdict, violation?.message).toBe(test.expect);
      if (MESSAGES[name] !== undefined) expect(violation?.message).toMatch(MESSAGES[name]);
    });
  }

  it('messages are of cases that there are', () => {
    const names = new Set(CATALOGUE.map(({ name }) => name));
    expect(Object.keys(MESSAGES).filter((name) => !names.has(name))).toEqual([]);
  });
});
