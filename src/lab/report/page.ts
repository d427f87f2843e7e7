/**
 * What a report says, apart from how it looks: a page is a list of typed sections that html.ts and terminal.ts both
 * know how to show. Builders (replay-page.ts, lab-page.ts) write pages; renderers read them. Every string may come from
 * a trace, so no string here is markup: the renderers escape all of them.
 */

/** A piece of running text. A link must begin with `https://`. */
export type Inline = string | { readonly code: string } | { readonly link: string; readonly text: string };

export interface Heading {
  readonly kind: 'heading';
  readonly level: 2 | 3 | 4;
  readonly text: string;
  /** The text is a name (of a file, say) and is set in the typewriter face. */
  readonly code?: boolean;
}

export interface Prose {
  readonly kind: 'prose';
  readonly text: readonly Inline[];
}

/** A few sentences that must not be overlooked. */
export interface Notice {
  readonly kind: 'notice';
  readonly title: string;
  readonly items: readonly string[];
}

export interface KeyFigure {
  readonly label: string;
  readonly value: string;
  /** A short remark below the value. */
  readonly note?: string;
}

export interface KeyFigures {
  readonly kind: 'key-figures';
  readonly label: string;
  readonly figures: readonly KeyFigure[];
}

export interface Column {
  readonly label: string;
  /** Numbers are set flush right, in figures of equal width; a name is not broken; `code` is in the typewriter face. */
  readonly align: 'text' | 'name' | 'code' | 'number';
}

export interface RowGroup {
  readonly label: string | null;
  /** One string a column; the first is the row's header. */
  readonly rows: readonly (readonly string[])[];
}

export interface Table {
  readonly kind: 'table';
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly groups: readonly RowGroup[];
  /** Shown in place of a table without rows. */
  readonly empty: string;
  /** Shown below the table. */
  readonly note?: string;
}

export type Holds = 'yes' | 'no' | 'partly' | 'not-measured';

/** One claim of a mailing-list thread, beside what was measured here. */
export interface Claim {
  readonly claim: string;
  readonly thread: string;
  readonly measured: string;
  readonly holds: Holds;
  readonly note: string;
}

export interface Claims {
  readonly kind: 'claims';
  readonly caption: string;
  readonly claims: readonly Claim[];
  readonly empty: string;
}

export type TimeUnit = 'seconds' | 'ticks' | 'none';

export interface ChartLine {
  readonly label: string;
  /** Lines of one colour number look alike in all charts of a page. */
  readonly color: number;
  readonly values: readonly number[];
}

export interface TimeChart {
  readonly kind: 'time-chart';
  readonly title: string;
  /** One sentence that says what the chart shows, for those who do not see it. */
  readonly summary: string;
  readonly unit: 'bytes' | 'count';
  readonly timeUnit: TimeUnit;
  /** Start of each bucket; `end` is the end of the last one. */
  readonly time: readonly number[];
  readonly end: number;
  readonly lines: readonly ChartLine[];
  /** Top of the value axis, so that sibling charts can be compared. */
  readonly top: number;
  /** The values are so far apart that a logarithmic axis is worth a switch. */
  readonly wideSpread: boolean;
  readonly empty: string;
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The value as it is printed. */
  readonly text: string;
  /** `reference` is somebody else's number, drawn apart from ours. */
  readonly source: 'ours' | 'reference';
}

export interface BarChart {
  readonly kind: 'bar-chart';
  readonly caption: string;
  readonly summary: string;
  readonly bars: readonly Bar[];
  /** A line across all bars, at this value. */
  readonly marker?: number;
  readonly empty: string;
}

export interface GridMark {
  /** A letter or two. */
  readonly text: string;
  /** The same in words, for those who point at it or have it read out. */
  readonly words: string;
  readonly tone: 'good' | 'bad' | 'warn' | 'muted';
}

export interface GridRow {
  readonly label: string;
  /** One a column of the grid; null: there is none. */
  readonly marks: readonly (GridMark | null)[];
  /** One a further column. */
  readonly more: readonly string[];
}

/** A table of letters, which are to be taken in at a glance. */
export interface Grid {
  readonly kind: 'grid';
  readonly caption: string;
  /** What the rows are; and the columns. */
  readonly corner: string;
  readonly columns: readonly string[];
  /** Several grids have these columns, and a list above them numbers them from 1. */
  readonly columnsAbove?: true;
  /** Columns of numbers, to the right of the letters. */
  readonly more: readonly string[];
  readonly rows: readonly GridRow[];
  /** Shown in place of a grid without rows. */
  readonly empty: string;
  readonly note?: string;
}

/** Small sections that may stand side by side where there is room. */
export interface Columns {
  readonly kind: 'columns';
  readonly sections: readonly Section[];
}

export type Section = Heading | Prose | Notice | KeyFigures | Table | Claims | TimeChart | BarChart | Grid | Columns;

export interface ReportPage {
  /** The line above the title: which command made this. */
  readonly kicker: string;
  readonly title: string;
  readonly lede: readonly (readonly Inline[])[];
  readonly sections: readonly Section[];
  readonly footer: readonly Inline[];
}

export function isEmptyTable(table: Table): boolean {
  return table.groups.every((group) => group.rows.length === 0);
}

export function isEmptyChart(chart: TimeChart): boolean {
  return chart.time.length === 0 || chart.lines.length === 0;
}

/** What `holds` is called on the page. */
export const holdsWords: Readonly<Record<Holds, string>> = {
  yes: 'yes',
  no: 'no',
  partly: 'partly',
  'not-measured': 'not measured',
};
