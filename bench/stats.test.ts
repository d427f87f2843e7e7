import { describe, expect, it } from 'vitest';
import { InvariantError } from '../src/base/assert.ts';
import { formatMicro, formatRatio, machineLine } from './format.ts';
import {
  geometricMean,
  geometricMeanRatio,
  interquartileSpread,
  median,
  quantile,
  ratioOfMedians,
  summarize,
} from './stats.ts';

describe('statistics of rounds', () => {
  it('takes the middle of an odd number of rounds and the mean of the two middle ones of an even number', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  it('sorts by value, not by text, and leaves its input as it was', () => {
    const rounds = [100, 20, 3];
    expect(median(rounds)).toBe(20);
    expect(rounds).toEqual([100, 20, 3]);
  });

  it('interpolates quantiles between the nearest rounds', () => {
    expect(quantile([10, 20, 30, 40, 50], 0.25)).toBe(20);
    expect(quantile([10, 20], 0.25)).toBe(12.5);
    expect(quantile([10, 20], 1)).toBe(20);
  });

  it('does not let one slow round move the median or the interquartile spread far', () => {
    const quiet = summarize([10, 11, 12, 13, 14]);
    const disturbed = summarize([10, 11, 12, 13, 900]);
    expect(disturbed.median).toBe(quiet.median);
    expect(disturbed.interquartileSpread).toBe(quiet.interquartileSpread);
    expect(interquartileSpread([10, 11, 12, 13, 900])).toBe(2);
    expect(disturbed.max).toBe(900);
    expect(disturbed.min).toBe(10);
  });

  it('gives a ratio no spread when both sides slow down together', () => {
    const ratio = ratioOfMedians([20, 40, 60], [10, 20, 30]);
    expect(ratio).toEqual({ ratio: 2, low: 2, high: 2, min: 2, max: 2 });
  });

  it('shows in the spread that rounds disagree', () => {
    const ratio = ratioOfMedians([20, 20, 20, 20, 30], [10, 10, 10, 20, 10]);
    expect(ratio).toEqual({ ratio: 2, low: 2, high: 2, min: 1, max: 3 });
  });

  it('weighs a doubling and a halving alike in the geometric mean', () => {
    expect(geometricMean([2, 0.5])).toBeCloseTo(1, 12);
    expect(geometricMean([1, 10, 100])).toBeCloseTo(10, 12);
  });

  it('takes the geometric mean of ratios over workloads and its spread over rounds', () => {
    const ours = [
      [2, 4],
      [8, 16],
    ];
    const reference = [
      [1, 2],
      [1, 1],
    ];
    const mean = geometricMeanRatio(ours, reference);
    expect(mean.ratio).toBeCloseTo(Math.sqrt((3 / 1.5) * 12), 12);
    expect(mean.min).toBeCloseTo(Math.sqrt(2 * 8), 12);
    expect(mean.max).toBeCloseTo(Math.sqrt(2 * 16), 12);
  });

  it.each([
    ['no rounds', () => median([])],
    ['a quantile outside 0 to 1', () => quantile([1], 1.5)],
    ['unpaired rounds', () => ratioOfMedians([1, 2], [1])],
    ['a denominator of zero', () => ratioOfMedians([1], [0])],
    ['a geometric mean with a zero', () => geometricMean([1, 0])],
    ['a geometric mean of nothing', () => geometricMean([])],
    ['different workloads', () => geometricMeanRatio([[1]], [])],
    ['workloads with different rounds', () => geometricMeanRatio([[1], [1, 2]], [[1], [1, 2]])],
  ])('refuses %s', (_what, call) => {
    expect(call).toThrow(InvariantError);
  });
});

describe('the printed table', () => {
  const reference = [2, 2, 2];
  const zeroing = [4, 4, 4];

  it('has a line a workload with medians and ratio, and one with the geometric means', () => {
    const lines = formatMicro([
      { name: 'map', reference, zeroing, ours: [4, 4, 4] },
      { name: 'unmap', reference, zeroing, ours: [8, 16, 16] },
    ]).split('\n');
    expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['workload', 'C ns', 'C zeroing ns', 'ours ns', 'ours / C (quartiles)'],
      [expect.stringMatching(/^-+$/)],
      ['map', '2.00', '4.00', '4.00', '2.00 (2.00 to 2.00)'],
      ['unmap', '2.00', '4.00', '16.0', '8.00 (6.00 to 8.00)'],
      [expect.stringMatching(/^-+$/)],
      ['geometric mean', '2.00', '4.00', '8.00', '4.00 (3.41 to 4.00)'],
      ['ours / C zeroing, geometric mean: 2.00 (1.71 to 2.00)'],
    ]);
    expect(new Set(lines.slice(0, -1).map((line) => line.length)).size).toBe(1);
  });

  it('has only our own figures when a workload has no reference', () => {
    const text = formatMicro([
      { name: 'map', reference, ours: [3] },
      { name: 'unmap', ours: [12] },
    ]);
    expect(text).toContain('ours ns');
    expect(text).not.toContain('C ns');
    expect(text.split('\n').at(-1)).toMatch(/^geometric mean +6\.00$/);
  });

  it('leaves out the zeroing reference when there is none', () => {
    expect(formatMicro([{ name: 'map', reference, ours: [4, 4, 4] }])).not.toContain('C zeroing, geometric');
    expect(formatRatio({ ratio: 2, low: 1.5, high: 2.25, min: 1, max: 3 })).toBe('2.00 (1.50 to 2.25)');
  });

  it('names the machine on one line, with or without a compiler', () => {
    expect(machineLine('gcc 12\u001b[31m')).toMatch(/^.+, node v\d.*, gcc 12\\x1b\[31m$/);
    expect(machineLine()).toContain('no C compiler');
  });
});
