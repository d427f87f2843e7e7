import { expect, it } from 'vitest';
import { coincidingLines, logBounds, placeOn } from './coincide.ts';

const line = (...values: number[]) => ({ label: '', color: 0, values });

it('puts lines together that are closer than a line is thick everywhere', () => {
  const chart = { top: 1000, lines: [line(1000, 0), line(10, 10), line(14, 10), line(998, 2), line(10, 900)] };
  expect(coincidingLines(chart, 'linear')).toEqual([[0, 3], [1, 2], [4]]);
});

it('parts lines on a logarithmic scale that coincide on a linear one', () => {
  const chart = { top: 2 ** 30, lines: [line(2 ** 30), line(4096), line(8192)] };
  expect(coincidingLines(chart, 'linear')).toEqual([[0], [1, 2]]);
  expect(coincidingLines(chart, 'log')).toEqual([[0], [1], [2]]);
});

it('has a place for every value, also where all are zero or equal', () => {
  const zero = { top: 0, lines: [line(0, 0), line(0, 0)] };
  expect(coincidingLines(zero, 'linear')).toEqual([[0, 1]]);
  expect(coincidingLines(zero, 'log')).toEqual([[0, 1]]);
  expect(logBounds(zero)).toEqual({ low: 1, high: 1 });
  const flat = { top: 7, lines: [line(7)] };
  expect([placeOn('linear', flat)(7), placeOn('log', flat)(7), placeOn('log', flat)(0)]).toEqual([1, 1, -1]);
});
