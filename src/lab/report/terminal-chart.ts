/**
 * Charts in a terminal. One line is drawn as columns with axes; several are drawn below each other, one row each on a
 * common scale, because colour may be missing and rows stay apart without it. Lines that coincide share a row.
 */
import { coincidingLines, logBounds, placeOn, type Scale } from './coincide.ts';
import type { BarChart, TimeChart } from './page.ts';
import { clean, cut, padEnd, padStart, type TerminalOptions, textWidth, wrap } from './terminal-text.ts';
import { momentText } from './text.ts';
import { formatBytes, formatCount } from './units.ts';

const chartRows = 6;
const blocks = '▁▂▃▄▅▆▇█';
/** Without blocks: by height where a row is one of several, by darkness where it is alone. */
const asciiHeights = '.:#';
const asciiShades = '.:-=+*#';
/** Columns of drawing below which a chart says nothing. */
const leastColumns = 8;

export function timeChartLines(chart: TimeChart, options: TerminalOptions): readonly string[] {
  const [line] = chart.lines;
  return chart.lines.length === 1 && line !== undefined
    ? tallChart(chart, line.values, options)
    : rowsChart(chart, options);
}

function tallChart(chart: TimeChart, values: readonly number[], options: TerminalOptions): readonly string[] {
  const format = formatOf(chart, options);
  const labels = Array.from({ length: chartRows }, (_, row) => axisLabel(row, format, chart.top));
  const labelWidth = Math.max(...labels.map(textWidth));
  const columns = options.width - labelWidth - 2;
  if (columns < leastColumns) return [];
  const levels = options.unicode ? blocks : asciiHeights;
  const shares = resample(values, columns).map(placeOn('linear', chart));
  const [corner, wall] = options.unicode ? ['└', '│'] : ['+', '|'];
  const rows = labels.map((label, row) => {
    const bottom = chartRows - 1 - row;
    const cells = shares.map((share) => glyph(share * chartRows - bottom, levels, share > 0 && bottom === 0));
    return `${padStart(label, labelWidth)} ${options.color.dim(wall)}${options.color.cyan(cells.join('').trimEnd())}`;
  });
  const floor = `${' '.repeat(labelWidth)} ${options.color.dim(corner + (options.unicode ? '─' : '-').repeat(columns))}`;
  return [...rows, floor, `${' '.repeat(labelWidth + 2)}${options.color.dim(timeAxis(chart, columns, options))}`];
}

/** The top of the scale at the top, half of it in the middle, nothing at the foot. */
function axisLabel(row: number, format: (value: number) => string, top: number): string {
  if (row === 0) return format(top);
  if (row === chartRows / 2) return format(top / 2);
  return row === chartRows - 1 ? format(0) : '';
}

function rowsChart(chart: TimeChart, options: TerminalOptions): readonly string[] {
  const scale: Scale = chart.wideSpread ? 'log' : 'linear';
  const format = formatOf(chart, options);
  const rows = coincidingLines(chart, scale).map((group) => ({
    label: clean(group.map((index) => chart.lines[index]!.label).join(', '), options.unicode),
    values: chart.lines[group[0]!]!.values,
  }));
  const ends = rows.map(({ values }) => format(highest(values)));
  const endWidth = Math.max('highest'.length, ...ends.map(textWidth));
  const labelWidth = Math.min(Math.max(0, ...rows.map(({ label }) => textWidth(label))), Math.floor(options.width / 3));
  const columns = options.width - labelWidth - endWidth - 4;
  if (columns < leastColumns)
    return rows.map(({ label }, i) => cut(`${label}: ${ends[i]}`, options.width, options.unicode));
  const place = placeOn(scale, chart);
  const low = scale === 'log' ? logBounds(chart).low : 0;
  const head = `${format(low)} to ${format(chart.top)}${scale === 'log' ? ', log scale' : ''}`;
  const levels = options.unicode ? blocks : asciiShades;
  const lead = ' '.repeat(labelWidth + 2);
  const drawn = rows.flatMap(({ label, values }, i) => {
    // Even the lowest point of a logarithmic scale is something, and shows.
    const cells = resample(values, columns).map((value) => glyph(place(value), levels, value > 0));
    const [first = '', ...rest] = wrap(label, labelWidth);
    const line = `${padEnd(first, labelWidth)}  ${options.color.cyan(cells.join(''))}  ${padStart(ends[i]!, endWidth)}`;
    return [line, ...rest];
  });
  return [
    options.color.dim(
      `${lead}${padEnd(cut(head, columns, options.unicode), columns)}  ${padStart('highest', endWidth)}`,
    ),
    ...drawn,
    options.color.dim(`${lead}${timeAxis(chart, columns, options)}`),
  ];
}

function timeAxis(chart: TimeChart, columns: number, options: TerminalOptions): string {
  const [from, to] = [chart.time[0] ?? 0, chart.end].map((at) =>
    clean(momentText(chart.timeUnit, at), options.unicode),
  );
  const between = columns - textWidth(from!) - textWidth(to!);
  return between >= 2 ? `${from}${' '.repeat(between)}${to}` : padStart(cut(to!, columns, options.unicode), columns);
}

/** `height` in rows: full at 1 and above, nothing at 0 and below unless it must `show`. */
function glyph(height: number, levels: string, show: boolean): string {
  const level = Math.min(levels.length, Math.max(show ? 1 : 0, Math.round(height * levels.length)));
  return level <= 0 ? ' ' : levels[level - 1]!;
}

/** As many values as there are columns: the highest of those that fall into one, so that no peak is lost. */
function resample(values: readonly number[], columns: number): readonly number[] {
  return Array.from({ length: columns }, (_, column) => {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * values.length) / columns));
    return highest(values.slice(from, to));
  });
}

export function barLines(chart: BarChart, options: TerminalOptions): readonly string[] {
  const bars = chart.bars.map((bar) => ({
    ...bar,
    label: clean(bar.label, options.unicode),
    text: clean(bar.text, options.unicode),
  }));
  const labelWidth = Math.min(Math.max(0, ...bars.map((bar) => textWidth(bar.label))), Math.floor(options.width / 3));
  const textSize = Math.max(0, ...bars.map((bar) => textWidth(bar.text)));
  const columns = options.width - labelWidth - textSize - 4;
  const top = highest([...bars.map((bar) => bar.value), chart.marker ?? 0]);
  return bars.map((bar) => {
    const label = padEnd(cut(bar.label, labelWidth, options.unicode), labelWidth);
    if (columns < leastColumns) return cut(`${label}  ${bar.text}`, options.width, options.unicode);
    const ours = bar.source === 'ours';
    const drawn = barOf(top > 0 ? (bar.value / top) * columns : 0, ours, options.unicode);
    return `${label}  ${ours ? options.color.cyan(drawn) : drawn}${' '.repeat(columns - textWidth(drawn))}  ${padStart(bar.text, textSize)}`;
  });
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** `length` in columns, to an eighth where the terminal can; more than nothing is never drawn as nothing. */
function barOf(length: number, ours: boolean, unicode: boolean): string {
  if (!ours || !unicode) {
    const fill = unicode ? '░' : ours ? '#' : ':';
    const whole = Math.round(length);
    return whole === 0 && length > 0 ? '|' : fill.repeat(whole);
  }
  const parts = Math.max(length > 0 ? 1 : 0, Math.round(length * 8));
  return '█'.repeat(Math.floor(parts / 8)) + eighths[parts % 8]!;
}

function formatOf(chart: TimeChart, options: TerminalOptions): (value: number) => string {
  return (value) => clean(chart.unit === 'bytes' ? formatBytes(value) : formatCount(value), options.unicode);
}

function highest(values: readonly number[]): number {
  return values.reduce((high, value) => Math.max(high, value), 0);
}
