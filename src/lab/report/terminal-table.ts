/**
 * Tables in a terminal: columns as wide as they need, texts cut where the window is too narrow, and a table that still
 * does not fit is printed in bands, each of which begins with the first column again.
 */
import type { Column, Table } from './page.ts';
import { clean, cut, padEnd, padStart, type TerminalOptions, textWidth, wrap } from './terminal-text.ts';

const gap = 2;
/** Columns are not made narrower than this to save a band: names have to stay apart, and addresses whole. */
const narrowest = { text: 12, code: 20, name: 24, number: Number.POSITIVE_INFINITY } as const;
/** Room that the first column leaves to the others. */
const leastOther = 12;

interface Band {
  /** Indices of the columns, the first of the table always among them. */
  readonly columns: readonly number[];
  readonly widths: readonly number[];
}

export function tableLines(table: Table, options: TerminalOptions): readonly string[] {
  const groups = table.groups.map(({ label, rows }) => ({
    label: label === null ? null : clean(label, options.unicode),
    rows: rows.map((row) => row.map((text) => clean(text, options.unicode))),
  }));
  const labels = table.columns.map((column) => clean(column.label, options.unicode));
  const rows = groups.flatMap((group) => group.rows);
  const widths = shrink(
    labels.map((label, i) => Math.max(longestWord(label), ...rows.map((row) => textWidth(row[i] ?? '')))),
    table.columns,
    options.width,
  );
  const bands = bandsOf(widths, options.width);
  return bands.flatMap((band, index) => [
    ...(index === 0 ? [] : ['']),
    ...headLines(band, labels, table.columns, options),
    ...groups.flatMap(({ label, rows }, place) => [
      ...(place === 0 ? [] : ['']),
      ...(label === null ? [] : [options.color.cyan(cut(label, options.width, options.unicode))]),
      ...rows.map((row) => rowLine(row, band, table.columns, options)),
    ]),
  ]);
}

function longestWord(text: string): number {
  return Math.max(0, ...text.split(' ').map(textWidth));
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + gap, -gap);
}

/** Takes from the widest text column, one after the other, until the table fits or all are narrow. */
function shrink(natural: readonly number[], columns: readonly Column[], width: number): readonly number[] {
  const widths = [...natural];
  const least = (index: number): number => narrowest[columns[index]?.align ?? 'number'];
  for (let over = total(widths) - width; over > 0; over = total(widths) - width) {
    let widest = -1;
    widths.forEach((one, i) => {
      if (one > least(i) && one > (widths[widest] ?? 0)) widest = i;
    });
    if (widest < 0) break;
    widths[widest] = Math.max(least(widest), widths[widest]! - over);
  }
  return widths;
}

/** As few bands as the window allows, and those about equally wide. */
function bandsOf(widths: readonly number[], width: number): readonly Band[] {
  const first = Math.min(widths[0] ?? 0, Math.max(1, width - gap - Math.min(leastOther, Math.floor(width / 2))));
  const others = widths.slice(1).map((own) => Math.max(1, Math.min(own, width - first - gap)));
  const widest = Math.max(0, ...others);
  let bands = fillBands(first, others, width);
  for (let limit = width - 1; limit >= first + gap + widest; limit--) {
    const narrower = fillBands(first, others, limit);
    if (narrower.length > bands.length) break;
    bands = narrower;
  }
  return bands;
}

function fillBands(first: number, others: readonly number[], width: number): readonly Band[] {
  const bands = [{ columns: [0], widths: [first] }];
  let room = width - first;
  others.forEach((own, i) => {
    if (room < own + gap) {
      bands.push({ columns: [0], widths: [first] });
      room = width - first;
    }
    const band = bands[bands.length - 1]!;
    band.columns.push(i + 1);
    band.widths.push(own);
    room -= own + gap;
  });
  return bands;
}

function headLines(
  band: Band,
  labels: readonly string[],
  columns: readonly Column[],
  options: TerminalOptions,
): readonly string[] {
  const wrapped = band.columns.map((index, place) => wrap(labels[index]!, band.widths[place]!));
  const height = Math.max(...wrapped.map((lines) => lines.length));
  const lines = Array.from({ length: height }, (_, line) => {
    const cells = wrapped.map((own, place) => {
      const text = own[line - (height - own.length)] ?? '';
      return align(text, columns[band.columns[place]!], band.widths[place]!);
    });
    return options.color.bold(cells.join(' '.repeat(gap)).trimEnd());
  });
  const rule = band.widths.map((width) => (options.unicode ? '─' : '-').repeat(width)).join(' '.repeat(gap));
  return [...lines, options.color.dim(rule)];
}

function rowLine(row: readonly string[], band: Band, columns: readonly Column[], options: TerminalOptions): string {
  const cells = band.columns.map((index, place) => {
    const width = band.widths[place]!;
    return align(cut(row[index] ?? '', width, options.unicode), columns[index], width);
  });
  return cells.join(' '.repeat(gap)).trimEnd();
}

function align(text: string, column: Column | undefined, width: number): string {
  return column?.align === 'number' ? padStart(text, width) : padEnd(text, width);
}
