import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../base/assert.ts';
import { formatBytes, formatCount, formatPercent, formatRatio, formatSeconds } from './units.ts';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1,023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [4096, '4 KiB'],
    [2 ** 20 - 1, '1 MiB'],
    [10.25 * 2 ** 20, '10.3 MiB'],
    [783.4 * 2 ** 20, '783 MiB'],
    [34_427_006_976, '32.1 GiB'],
    [16 * 2 ** 40, '16 TiB'],
    [5000 * 2 ** 40, '5,000 TiB'],
    [-4096, '-4 KiB'],
  ])('writes %d as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('keeps a given unit, so that a column can be compared', () => {
    expect(formatBytes(34_427_006_976, 'MiB')).toBe('32,832 MiB');
    expect(formatBytes(20_480, 'MiB')).toBe('0.02 MiB');
    expect(formatBytes(4096, 'MiB')).toBe('<0.01 MiB');
    expect(formatBytes(0, 'MiB')).toBe('0 MiB');
  });
});

describe('formatCount', () => {
  it.each([
    [0, '0'],
    [-0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [8_405_027, '8,405,027'],
    [-1234, '-1,234'],
    [1.25, '1.3'],
    [18_884.03, '18,884'],
    [2 ** 53, '9,007,199,254,740,992'],
  ])('writes %d as %s', (count, text) => expect(formatCount(count)).toBe(text));
});

describe('formatSeconds', () => {
  it.each([
    [0, '0 s'],
    [22.297, '22.297 s'],
    [12.4, '12.4 s'],
    [0.425, '425 ms'],
    [0.0123, '12.3 ms'],
    [0.0009996, '1 ms'],
    [42e-6, '42 µs'],
    [3e-9, '3 ns'],
    [123.456, '123.5 s'],
    [725, '12 min 5 s'],
    [7260, '2 h 1 min'],
  ])('writes %d as %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  it('keeps the decimals that a column asks for', () => {
    expect(formatSeconds(23.388, 3)).toBe('23.388 s');
    expect(formatSeconds(0.37, 3)).toBe('0.370 s');
    expect(formatSeconds(1234.5, 1)).toBe('1,234.5 s');
  });
});

describe('formatRatio and formatPercent', () => {
  it('write the ratio of the thread with three decimals', () => expect(formatRatio(23.388 / 22.297)).toBe('1.049×'));

  it('write large and small ratios shortly', () => {
    expect([0, 0.0001, 12.34, 1204.4].map(formatRatio)).toEqual(['0×', '<0.001×', '12.3×', '1,204×']);
  });

  it('call only all 100% and only nothing 0%', () => {
    expect([0, 1e-9, 0.0231, 0.5, 0.999999, 1].map(formatPercent)).toEqual([
      '0%',
      '<0.01%',
      '2.31%',
      '50%',
      '>99.99%',
      '100%',
    ]);
  });

  it('stop at a number that is not finite, because something divided by zero before', () => {
    for (const format of [formatBytes, formatCount, formatSeconds, formatRatio, formatPercent]) {
      expect(() => format(Number.NaN)).toThrow(InvariantError);
      expect(() => format(Number.POSITIVE_INFINITY)).toThrow(InvariantError);
    }
  });
});
