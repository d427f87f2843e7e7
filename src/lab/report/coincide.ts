/**
 * Which lines of a chart cannot be told apart by eye, because they differ by less than a line's width everywhere. Charts
 * draw such lines in stripes (on paper) or once (in a terminal) and say which they are: a line must not hide another.
 */
import type { ChartLine, TimeChart } from './page.ts';

export type Scale = 'linear' | 'log';

/** Share of the value axis that a line is thick. */
const lineWidthShare = 0.005;

/** Indices of the lines, those that coincide together, in the order of their first line. */
export function coincidingLines(chart: Pick<TimeChart, 'lines' | 'top'>, scale: Scale): readonly (readonly number[])[] {
  const place = placeOn(scale, chart);
  const groups: number[][] = [];
  chart.lines.forEach((line, index) => {
    const home = groups.find((group) => coincide(line, chart.lines[group[0]!]!, place));
    if (home === undefined) groups.push([index]);
    else home.push(index);
  });
  return groups;
}

/** Lowest and highest value that a logarithmic axis must show. */
export function logBounds(chart: Pick<TimeChart, 'lines' | 'top'>): { readonly low: number; readonly high: number } {
  const low = chart.lines.reduce(
    (least, line) => line.values.reduce((low, value) => (value > 0 && value < low ? value : low), least),
    chart.top,
  );
  return { low: low > 0 ? low : 1, high: Math.max(chart.top, low, 1) };
}

function coincide(one: ChartLine, other: ChartLine, place: (value: number) => number): boolean {
  return (
    one.values.length === other.values.length &&
    one.values.every((value, index) => Math.abs(place(value) - place(other.values[index]!)) <= lineWidthShare)
  );
}

/** Where a value stands on the axis: 0 at its foot, 1 at its top. Zero has no place on a logarithmic axis: -1. */
export function placeOn(scale: Scale, chart: Pick<TimeChart, 'lines' | 'top'>): (value: number) => number {
  if (scale === 'linear') return (value) => (chart.top > 0 ? value / chart.top : 0);
  const { low, high } = logBounds(chart);
  const span = Math.log(high / low);
  return (value) => (value <= 0 ? -1 : span === 0 ? 1 : Math.log(value / low) / span);
}
