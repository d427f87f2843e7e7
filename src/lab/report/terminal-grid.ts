/** A grid of letters in a terminal: columns are called by numbers where their names do not fit, and a list says which is which. */
import type { Grid, GridMark, GridRow } from './page.ts';
import { type Colors, clean, cut, padEnd, padStart, type TerminalOptions, textWidth, wrap } from './terminal-text.ts';

/** What a column of letters takes at least, with what sets it apart. */
const NARROW = 3;
const WIDEST_LABEL = 40;
const GAP = 2;

export function gridLines(grid: Grid, options: TerminalOptions): readonly string[] {
  const widest = Math.max(textWidth(grid.corner), ...grid.rows.map(({ label }) => textWidth(label)));
  const more = grid.more.map((name, i) =>
    Math.max(textWidth(name), ...grid.rows.map((row) => textWidth(row.more[i] ?? ''))),
  );
  const taken = more.reduce((sum, width) => sum + width + GAP, 0);
  const label = Math.min(widest, WIDEST_LABEL);
  const names = grid.columns.map((name) => clean(name, options.unicode));
  const named = names.map((name) => textWidth(name) + GAP);
  const fits = !grid.columnsAbove && label + taken + named.reduce((sum, width) => sum + width, 0) <= options.width;
  const heads = fits ? names : names.map((_, i) => String(i + 1));
  const letters = Math.max(0, ...grid.rows.flatMap(({ marks }) => marks.map((mark) => textWidth(mark?.text ?? ''))));
  const widths = heads.map((head) => Math.max(NARROW, letters + 1, fits ? textWidth(head) + GAP : 0));
  // Numbers give way where the window is narrow: the letters say the most.
  const room = options.width - label - widths.reduce((sum, width) => sum + width, 0);
  const shape: Shape = { label, widths, more: room >= taken ? more : [] };
  return [
    ...(fits || grid.columnsAbove === true ? [] : columnsLines(names, options)),
    options.color.dim(
      line(
        grid.corner,
        heads.map((head, i) => padStart(head, widths[i]!)),
        grid.more,
        shape,
        options,
      ),
    ),
    ...grid.rows.map((row) => rowLine(row, shape, options)),
  ];
}

interface Shape {
  readonly label: number;
  readonly widths: readonly number[];
  readonly more: readonly number[];
}

/** `1 name  2 name`, as many in a line as fit. */
export function columnsLines(names: readonly string[], options: TerminalOptions): readonly string[] {
  // Spaces within an item are kept together.
  const items = names.map((name, i) => `${i + 1} ${name}`.replaceAll(' ', '\u00a0'));
  return wrap(items.join('  '), options.width).map((text) =>
    options.color.dim(text.replaceAll('\u00a0', ' ').trimEnd()),
  );
}

function rowLine({ label, marks, more }: GridRow, shape: Shape, options: TerminalOptions): string {
  const cells = shape.widths.map((width, i) => {
    const mark = marks[i] ?? null;
    if (mark === null) return ' '.repeat(width);
    return ' '.repeat(Math.max(0, width - textWidth(mark.text))) + paint(mark, options.color);
  });
  return line(label, cells, more, shape, options);
}

function line(
  label: string,
  cells: readonly string[],
  more: readonly string[],
  shape: Shape,
  { unicode }: TerminalOptions,
): string {
  const head = padEnd(cut(clean(label, unicode), shape.label, unicode), shape.label);
  const numbers = shape.more.map((width, i) => ' '.repeat(GAP) + padStart(more[i] ?? '', width));
  return `${head}${cells.join('')}${numbers.join('')}`.trimEnd();
}

function paint({ text, tone }: GridMark, color: Colors): string {
  const tones = { good: color.green, bad: color.red, warn: color.yellow, muted: color.dim };
  return tones[tone](text);
}
