/** A grid of letters as markup: names of columns stand upright, and each letter says in words what it is. */
import { escapeHtml } from './html-escape.ts';
import type { Grid, GridMark, GridRow } from './page.ts';

export function gridHtml(grid: Grid, id: string): string {
  const heads = [
    `<th scope="col">${escapeHtml(grid.corner)}</th>`,
    ...grid.columns.map((name) => `<th scope="col" class="letter">${escapeHtml(name)}</th>`),
    ...grid.more.map((name) => `<th scope="col" class="number">${escapeHtml(name)}</th>`),
  ];
  const note = grid.note === undefined ? '' : `<p class="note">${escapeHtml(grid.note)}</p>`;
  const caption = `<caption id="${id}"><span>${escapeHtml(grid.caption)}</span></caption>`;
  const body = `<tbody>${grid.rows.map(rowHtml).join('\n')}</tbody>`;
  const table = `<table>${caption}<thead><tr>${heads.join('')}</tr></thead>${body}</table>`;
  return `<div class="scroll grid" role="region" aria-labelledby="${id}" tabindex="0">${table}</div>${note}`;
}

function rowHtml({ label, marks, more }: GridRow): string {
  const numbers = more.map((text) => `<td class="number">${escapeHtml(text)}</td>`);
  return `<tr><th scope="row" class="name">${escapeHtml(label)}</th>${marks.map(markHtml).join('')}${numbers.join('')}</tr>`;
}

function markHtml(mark: GridMark | null): string {
  if (mark === null) return '<td class="letter"></td>';
  return `<td class="letter ${mark.tone}"><abbr title="${escapeHtml(mark.words)}">${escapeHtml(mark.text)}</abbr></td>`;
}
