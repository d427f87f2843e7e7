/** Mirrors and GUP-fast: each case of their litmus tests, and each design in each scenario, comes to its verdict, by what it is about. */
import { describe, expect, it } from 'vitest';
import { check } from '../../src/check/index.ts';
import { CATALOGUE } from '../../src/lab/litmus/index.ts';
import { MIRRORS } from '../../src/lab/litmus/mirror.ts';
import { comesToStored, OF_MIRRORS } from '../support/litmus.ts';

const OURS = CATALOGUE.filter(({ name }) => OF_MIRRORS.test(name));

/** What a case falls by, where that is not a device that reaches a page which is gone. */
const MESSAGES: Readonly<Record<string, RegExp>> = {
  'HMM sequence / wrong fix: the lock held over the fault, munmap': /driver\.update.*mmap_lock.*a circle/,
  'migrate_vma / wrong fix: does not drop': /no write of the device is lost/,
  'migrate_to_ram by two CPUs / as it was: a reference each': /one of them has brought it/,
  'GUP-fast and tables / wrong fix: freed after the flush': /read after it was freed/,
  'GUP-fast and pages / wrong fix: a reference to any page': /freed twice/,
  'mirror: two addresses / hmm-no-retry': /^INV-13/,
  'mirror: two addresses / mirror-range-only': /^INV-13/,
};

describe('litmus tests of mirrors and of GUP-fast', () => {
  for (const { name, test } of OURS) {
    it(`${name}: ${test.expect}`, () => {
      const { verdict, violation } = check(test, { minimise: 0 });
      expect(verdict, violation?.message).toBe(test.expect);
      if (verdict === 'violated') expect(violation?.message).toMatch(MESSAGES[name] ?? /^INV-5/);
    });
  }
});

describe('designs of mirrors', () => {
  for (const entry of MIRRORS) {
    const { name, test } = entry;
    it(`${name}: ${test.expect}`, { timeout: 60_000 }, () => {
      const message = comesToStored(entry);
      if (test.expect === 'violated') expect(message).toMatch(MESSAGES[name] ?? /^INV-5/);
    });
  }
});
