/** A page as text for a terminal: the same sections as in HTML, within the width of the window. */
import { unreachable } from '../../base/assert.ts';
import {
  type Claim,
  type Claims,
  type Heading,
  type Holds,
  holdsWords,
  type Inline,
  isEmptyChart,
  isEmptyTable,
  type KeyFigures,
  type Notice,
  type ReportPage,
  type Section,
} from './page.ts';
import { barLines, timeChartLines } from './terminal-chart.ts';
import { gridLines } from './terminal-grid.ts';
import { tableLines } from './terminal-table.ts';
import {
  type Colors,
  clean,
  cut,
  padEnd,
  plainColors,
  type TerminalOptions,
  textWidth,
  wrap,
} from './terminal-text.ts';

export { type Colors, plainColors, type TerminalOptions };

/** Running text is not set wider than this: long lines are hard to read. */
const measure = 88;
/** Narrower windows are served as if they were this wide. */
const leastWidth = 20;

type Lines = readonly string[];

export function renderTerminal(page: ReportPage, options: TerminalOptions): string {
  const own = { ...options, width: Math.max(leastWidth, Math.floor(options.width)) };
  const blocks: Lines[] = [
    textLines(page.title, own).map(own.color.bold),
    ...page.lede.map((text) => textLines(inlineText(text), own)),
    ...page.sections.flatMap((section) => blocksOf(section, own)),
    textLines(inlineText(page.footer), own).map(own.color.dim),
  ];
  const shown = blocks.filter((lines) => lines.length > 0);
  return `${shown.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** Blocks are set apart by an empty line. */
function blocksOf(section: Section, options: TerminalOptions): readonly Lines[] {
  const { color } = options;
  switch (section.kind) {
    case 'heading':
      return [headingLines(section, options)];
    case 'prose':
      return [textLines(inlineText(section.text), options)];
    case 'notice':
      return [noticeLines(section, options)];
    case 'key-figures':
      return [figureLines(section, options)];
    case 'table': {
      if (isEmptyTable(section)) return [emptyLines(section.caption, section.empty, options)];
      const note = section.note === undefined ? [] : textLines(section.note, options).map(color.dim);
      return [[...captionLines(section.caption, options), ...tableLines(section, options), ...note]];
    }
    case 'claims':
      return claimsBlocks(section, options);
    case 'time-chart': {
      if (isEmptyChart(section)) return [emptyLines(section.title, section.empty, options)];
      const head = [...captionLines(section.title, options), ...textLines(section.summary, options).map(color.dim)];
      return [[...head, ...timeChartLines(section, options)]];
    }
    case 'bar-chart': {
      if (section.bars.length === 0) return [emptyLines(section.caption, section.empty, options)];
      const head = [...captionLines(section.caption, options), ...textLines(section.summary, options).map(color.dim)];
      return [[...head, ...barLines(section, options)]];
    }
    case 'grid': {
      if (section.rows.length === 0) return [emptyLines(section.caption, section.empty, options)];
      const note = section.note === undefined ? [] : textLines(section.note, options).map(color.dim);
      return [[...captionLines(section.caption, options), ...gridLines(section, options), ...note]];
    }
    case 'columns':
      return section.sections.flatMap((one) => blocksOf(one, options));
    default:
      return unreachable(section);
  }
}

function inlineText(text: readonly Inline[]): string {
  return text
    .map((piece) =>
      typeof piece === 'string' ? piece : 'code' in piece ? piece.code : `${piece.text} <${piece.link}>`,
    )
    .join('');
}

function textLines(text: string, options: TerminalOptions): Lines {
  return wrap(clean(text, options.unicode).trim(), Math.min(measure, options.width));
}

function captionLines(text: string, options: TerminalOptions): Lines {
  return textLines(text, options).map(options.color.bold);
}

function emptyLines(caption: string, text: string, options: TerminalOptions): Lines {
  return [...captionLines(caption, options), ...textLines(text, options).map(options.color.dim)];
}

function headingLines(heading: Heading, options: TerminalOptions): Lines {
  const text = clean(heading.text, options.unicode);
  const lines = wrap(text, options.width);
  const rule = (heading.level === 2 ? '═' : '─').repeat(options.width);
  const under = options.unicode ? rule : (heading.level === 2 ? '=' : '-').repeat(options.width);
  const size = heading.level === 2 ? options.width : Math.max(...lines.map(textWidth));
  return [...lines.map(options.color.bold), options.color.dim(under.slice(0, size))];
}

function noticeLines(notice: Notice, options: TerminalOptions): Lines {
  if (notice.items.length === 0) return [];
  const items = notice.items.flatMap((item) =>
    wrap(clean(item, options.unicode), Math.min(measure, options.width - 2)).map(
      (line, i) => `${i === 0 ? '- ' : '  '}${line}`,
    ),
  );
  return [...textLines(notice.title, options).map(options.color.yellow), ...items];
}

function figureLines(section: KeyFigures, options: TerminalOptions): Lines {
  const figures = section.figures.map(({ label, value, note }) => ({
    label: clean(label, options.unicode),
    text: clean(note === undefined ? value : `${value} (${note})`, options.unicode),
  }));
  const width = Math.min(Math.max(0, ...figures.map(({ label }) => textWidth(label))), Math.floor(options.width / 2));
  return figures.flatMap(({ label, text }) => {
    const head = padEnd(cut(label, width, options.unicode), width);
    return wrap(text, options.width - width - 2).map(
      (line, i) => `${i === 0 ? options.color.dim(head) : ' '.repeat(width)}  ${line}`,
    );
  });
}

const marks: Readonly<Record<Holds, string>> = { yes: '✓', no: '✗', partly: '◐', 'not-measured': '–' };

/** One block a claim: four columns of prose do not fit beside each other in 80 columns. */
function claimsBlocks(section: Claims, options: TerminalOptions): readonly Lines[] {
  if (section.claims.length === 0) return [emptyLines(section.caption, section.empty, options)];
  return [captionLines(section.caption, options), ...section.claims.map((claim) => claimLines(claim, options))];
}

function claimLines(claim: Claim, options: TerminalOptions): Lines {
  const verdict = clean(`${marks[claim.holds]} ${holdsWords[claim.holds]}`, options.unicode);
  return [
    ...captionLines(claim.claim, options),
    ...labelled('thread', claim.thread, options),
    ...labelled('measured', claim.measured, options),
    ...labelled('holds?', verdict, options, verdictColor(claim.holds, options.color)),
    ...(claim.note === '' ? [] : labelled('note', claim.note, options)),
  ];
}

function verdictColor(holds: Holds, color: Colors): (text: string) => string {
  return holds === 'yes' ? color.green : holds === 'no' ? color.red : holds === 'partly' ? color.yellow : color.dim;
}

const labelSize = 'measured'.length + 4;

function labelled(
  label: string,
  text: string,
  options: TerminalOptions,
  paint = (line: string): string => line,
): Lines {
  const lines = wrap(clean(text, options.unicode), Math.min(measure, options.width - labelSize));
  return lines.map((line, i) => `${options.color.dim(padEnd(i === 0 ? `  ${label}` : '', labelSize))}${paint(line)}`);
}
