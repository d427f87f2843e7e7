import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addPages,
  cycles,
  domainId,
  iova,
  pa,
  pageAddress,
  pagesBetween,
  pasid,
  pfn,
  sourceId,
  tableIndex,
  va,
  vpn,
} from './brands.ts';

const MAKERS: [string, (value: number) => number, number][] = [
  ['vpn', vpn, 2 ** 45],
  ['pfn', pfn, 2 ** 40],
  ['pasid', pasid, 2 ** 20],
  ['domainId', domainId, 2 ** 16],
  ['sourceId', sourceId, 2 ** 16],
  ['cycles', cycles, 2 ** 53],
];

describe('makers of numbers', () => {
  for (const [name, make, limit] of MAKERS) {
    it(`${name} takes 0 .. ${limit - 1} and nothing else`, () => {
      expect(make(0)).toBe(0);
      expect(make(limit - 1)).toBe(limit - 1);
      for (const bad of [-1, limit, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
        expect(() => make(bad)).toThrow(/not an integer in 0/);
    });
  }
});

describe('makers of byte addresses', () => {
  for (const [name, make] of [
    ['va', va],
    ['iova', iova],
    ['pa', pa],
  ] as const) {
    it(`${name} takes 64 bits`, () => {
      expect(make(2n ** 64n - 1n)).toBe(2n ** 64n - 1n);
      expect(() => make(2n ** 64n)).toThrow(/64 bits/);
      expect(() => make(-1n)).toThrow(/64 bits/);
    });
  }
});

describe('arithmetic', () => {
  it('adds and subtracts pages', () => {
    expect(addPages(vpn(5), 3)).toBe(8);
    expect(pagesBetween(vpn(5), vpn(8))).toBe(3);
  });

  it('finds the index at each level as shifting does', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(4), (value, level) => {
        const page = vpn(value % 2 ** 45);
        expect(tableIndex(page, level)).toBe(Number((BigInt(page) >> BigInt(9 * level)) & 511n));
      }),
    );
  });

  it('shows the byte address of a page', () => {
    expect(pageAddress(0)).toBe('0x0');
    expect(pageAddress(2 ** 45 - 1)).toBe('0x1fffffffffff000');
  });
});
