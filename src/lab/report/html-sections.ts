/** One function a kind of section: typed content in, markup out. All text goes through escapeHtml. */
import { unreachable } from '../../base/assert.ts';
import { type ChartContext, chartHtml } from './html-chart.ts';
import { escapeHtml, safeLink } from './html-escape.ts';
import { gridHtml } from './html-grid.ts';
import {
  type BarChart,
  type Claim,
  type Claims,
  type Column,
  type Heading,
  type Holds,
  holdsWords,
  type Inline,
  isEmptyTable,
  type KeyFigure,
  type KeyFigures,
  type Notice,
  type Section,
  type Table,
} from './page.ts';

/** Collects what the frame of the page needs: its charts and its headings, in the order of rendering. */
export interface HtmlContext extends ChartContext {
  addHeading(id: string, heading: Heading): void;
}

export function sectionHtml(section: Section, context: HtmlContext): string {
  switch (section.kind) {
    case 'heading':
      return headingHtml(section, context);
    case 'prose':
      return `<p class="prose">${inlineHtml(section.text)}</p>`;
    case 'notice':
      return noticeHtml(section);
    case 'key-figures':
      return keyFiguresHtml(section);
    case 'table':
      return tableHtml(section, context.newId('t'));
    case 'claims':
      return claimsHtml(section);
    case 'time-chart':
      return chartHtml(section, context);
    case 'bar-chart':
      return barsHtml(section);
    case 'grid':
      return section.rows.length === 0
        ? emptyHtml(section.caption, section.empty)
        : gridHtml(section, context.newId('g'));
    case 'columns':
      return `<div class="columns">${section.sections.map((one) => `<div>${sectionHtml(one, context)}</div>`).join('\n')}</div>`;
    default:
      return unreachable(section);
  }
}

export function inlineHtml(text: readonly Inline[]): string {
  return text.map(inlinePieceHtml).join('');
}

function inlinePieceHtml(piece: Inline): string {
  if (typeof piece === 'string') return escapeHtml(piece);
  if ('code' in piece) return `<code>${escapeHtml(piece.code)}</code>`;
  const link = safeLink(piece.link);
  return link === null ? escapeHtml(piece.text) : `<a href="${escapeHtml(link)}">${escapeHtml(piece.text)}</a>`;
}

function headingHtml(heading: Heading, context: HtmlContext): string {
  const id = context.newId('h');
  context.addHeading(id, heading);
  const text = escapeHtml(heading.text);
  return `<h${heading.level} id="${id}">${heading.code === true ? `<code>${text}</code>` : text}</h${heading.level}>`;
}

function noticeHtml(notice: Notice): string {
  if (notice.items.length === 0) return '';
  const items = notice.items.map((item) => `<li>${escapeHtml(item)}</li>`).join('');
  return `<aside class="notice"><p><strong>${escapeHtml(notice.title)}</strong></p><ul>${items}</ul></aside>`;
}

function keyFiguresHtml(section: KeyFigures): string {
  const figures = section.figures.map(keyFigureHtml).join('\n');
  return `<dl class="figures" aria-label="${escapeHtml(section.label)}">${figures}</dl>`;
}

function keyFigureHtml(figure: KeyFigure): string {
  const note = figure.note === undefined ? '' : `<dd class="aside">${escapeHtml(figure.note)}</dd>`;
  return `<div><dt>${escapeHtml(figure.label)}</dt><dd>${escapeHtml(figure.value)}</dd>${note}</div>`;
}

function emptyHtml(caption: string, text: string): string {
  return `<div class="empty"><p class="caption">${escapeHtml(caption)}</p><p>${escapeHtml(text)}</p></div>`;
}

/** From here on a table needs tighter setting to fit a window of 1280 pixels. */
const manyColumns = 9;

function tableHtml(table: Table, id: string): string {
  if (isEmptyTable(table)) return emptyHtml(table.caption, table.empty);
  const head = table.columns
    .map((column) => `<th scope="col"${classOf(column)}>${escapeHtml(column.label)}</th>`)
    .join('');
  const bodies = table.groups.map((group) => {
    const label = `<tr><th scope="rowgroup" class="group" colspan="${table.columns.length}">`;
    const first = group.label === null ? '' : `${label}<span>${escapeHtml(group.label)}</span></th></tr>`;
    return `<tbody>${first}${group.rows.map((row) => rowHtml(row, table.columns)).join('\n')}</tbody>`;
  });
  const note = table.note === undefined ? '' : `<p class="note">${escapeHtml(table.note)}</p>`;
  const caption = `<caption id="${id}"><span>${escapeHtml(table.caption)}</span></caption>`;
  const body = `<table>${caption}<thead><tr>${head}</tr></thead>${bodies.join('\n')}</table>`;
  const dense = table.columns.length > manyColumns ? ' dense' : '';
  return `<div class="scroll${dense}" role="region" aria-labelledby="${id}" tabindex="0">${body}</div>${note}`;
}

function rowHtml(row: readonly string[], columns: readonly Column[]): string {
  const cells = row.map((text, index) => {
    const column = columns[index];
    const attributes = column === undefined ? '' : classOf(column);
    return index === 0
      ? `<th scope="row"${attributes}>${escapeHtml(text)}</th>`
      : `<td${attributes}>${escapeHtml(text)}</td>`;
  });
  return `<tr>${cells.join('')}</tr>`;
}

function classOf(column: Column): string {
  return column.align === 'text' ? '' : ` class="${column.align}"`;
}

const marks: Readonly<Record<Holds, string>> = { yes: '✓', no: '✗', partly: '◐', 'not-measured': '–' };

/** The roles are written out because the style sheet turns the rows into cards on a narrow screen. */
function claimsHtml(section: Claims): string {
  if (section.claims.length === 0) return emptyHtml(section.caption, section.empty);
  const head = ['Claim', 'What the thread said', 'What we measured', 'Holds?']
    .map((label) => `<th scope="col" role="columnheader">${label}</th>`)
    .join('');
  return `<table class="claims" role="table"><caption>${escapeHtml(section.caption)}</caption>
<thead role="rowgroup"><tr role="row">${head}</tr></thead>
<tbody role="rowgroup">${section.claims.map(claimHtml).join('\n')}</tbody></table>`;
}

function claimHtml(row: Claim): string {
  const note = row.note === '' ? '' : `<p class="aside">${escapeHtml(row.note)}</p>`;
  const mark = `<span aria-hidden="true">${marks[row.holds]}</span> ${holdsWords[row.holds]}`;
  return `<tr role="row"><th scope="row" role="rowheader">${escapeHtml(row.claim)}</th>
<td role="cell" data-label="The thread">${escapeHtml(row.thread)}</td>
<td role="cell" data-label="Measured">${escapeHtml(row.measured)}${note}</td>
<td role="cell" data-label="Holds?" class="holds ${row.holds}">${mark}</td></tr>`;
}

function barsHtml(chart: BarChart): string {
  if (chart.bars.length === 0) return emptyHtml(chart.caption, chart.empty);
  const top = Math.max(chart.marker ?? 0, ...chart.bars.map((bar) => bar.value));
  const share = (value: number): string => (top > 0 ? Math.max(0, (100 * value) / top) : 0).toFixed(3);
  const marker = chart.marker === undefined ? '' : `<i class="mark" style="left:${share(chart.marker)}%"></i>`;
  const rows = chart.bars.map(
    (bar) => `<tr class="${bar.source}"><th scope="row">${escapeHtml(bar.label)}</th><td>
<span class="track" aria-hidden="true"><i class="bar" style="width:${share(bar.value)}%"></i>${marker}</span>
<span class="value">${escapeHtml(bar.text)}</span></td></tr>`,
  );
  return `<table class="bars"><caption>${escapeHtml(chart.caption)}<span class="summary">${escapeHtml(chart.summary)}</span></caption>
<thead class="unseen"><tr><th scope="col">Name</th><th scope="col">Value</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table>`;
}
