import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Buckets } from './buckets.ts';

const gaps = fc.array(
  fc.oneof(fc.double({ min: 0, max: 1e-3, noNaN: true }), fc.double({ min: 0, max: 90, noNaN: true })),
  {
    minLength: 1,
    maxLength: 300,
  },
);

function timesOf(start: number, all: readonly number[]): number[] {
  let now = start;
  return all.map((gap) => {
    now += gap;
    return now;
  });
}

describe('buckets', () => {
  test('hold what a second pass with the final width would put into them', () => {
    fc.assert(
      fc.property(fc.nat(1e6), gaps, (start, all) => {
        const times = timesOf(start, all);
        const buckets = new Buckets([]);
        buckets.restart(times[0]!);
        times.forEach((now, i) => {
          buckets.advance(now, i);
          buckets.record(1, i % 2, i + 1);
        });
        expect(buckets.length).toBeLessThanOrEqual(400);
        const at = times.map((now) => Math.floor((now - times[0]!) / buckets.width));
        expect(buckets.maps).toEqual(buckets.maps.map((_, b) => at.filter((index) => index === b).length));
        expect(buckets.livePages).toEqual(buckets.maps.map((_, b) => at.filter((index) => index <= b).length));
      }),
      { numRuns: 100, seed: 5 },
    );
  });

  test('are as few as there are events when lines carry no time', () => {
    const buckets = new Buckets([]);
    for (let event = 0; event < 5; event++) {
      buckets.advance(event, 0);
      buckets.record(1, 0, 0);
    }
    expect(buckets.times(0)).toEqual([0, 1, 2, 3, 4]);
  });

  test('stay few and finite over times that are hostile', () => {
    const buckets = new Buckets([]);
    buckets.advance(0, 0);
    buckets.advance(Number.MAX_VALUE, 0);
    expect(buckets.length).toBeLessThanOrEqual(400);
    expect(buckets.times(0).every(Number.isFinite)).toBe(true);
  });
});
