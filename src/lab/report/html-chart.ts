/**
 * Time charts: a figure with its caption, a box of fixed height that html-script.ts draws into, and a legend of buttons.
 * The figures that the script needs go into the page's one JSON element.
 */
import { coincidingLines, type Scale } from './coincide.ts';
import { escapeHtml } from './html-escape.ts';
import { type ChartLine, isEmptyChart, type TimeChart, type TimeUnit } from './page.ts';
import { lineColors } from './palette.ts';
import { joinWords } from './text.ts';
import { formatBytes, formatCount } from './units.ts';

/** What the script draws one chart from. */
export interface ChartData {
  readonly id: string;
  readonly unit: TimeChart['unit'];
  readonly timeUnit: TimeUnit;
  readonly end: number;
  readonly top: number;
  readonly time: readonly number[];
  readonly lines: readonly {
    readonly color: number;
    /** The colour is used a second time; the line is dashed. */
    readonly again: boolean;
    readonly groups: Readonly<Record<Scale, number>>;
    readonly values: readonly number[];
  }[];
}

export interface ChartContext {
  /** A new id for an element; never made from text of a trace. */
  newId(prefix: string): string;
  addChart(id: string, chart: TimeChart): void;
}

export function chartData(id: string, chart: TimeChart): ChartData {
  const linear = coincidingLines(chart, 'linear');
  const log = coincidingLines(chart, 'log');
  return {
    id,
    unit: chart.unit,
    timeUnit: chart.timeUnit,
    end: chart.end,
    top: chart.top,
    time: chart.time,
    lines: chart.lines.map((line, index) => ({
      color: line.color % lineColors,
      again: line.color >= lineColors,
      groups: {
        linear: linear.findIndex((group) => group.includes(index)),
        log: log.findIndex((group) => group.includes(index)),
      },
      values: line.values,
    })),
  };
}

export function chartHtml(chart: TimeChart, context: ChartContext): string {
  const title = escapeHtml(chart.title);
  if (isEmptyChart(chart))
    return `<div class="empty"><p class="caption">${title}</p><p>${escapeHtml(chart.empty)}</p></div>`;
  const id = context.newId('c');
  context.addChart(id, chart);
  const log = chart.wideSpread
    ? '<button type="button" class="log" aria-pressed="false" hidden>Logarithmic scale</button>'
    : '';
  return `<figure id="${id}" class="chart"><figcaption><p class="caption" id="${id}-t">${title}</p>
<p id="${id}-s">${escapeHtml(chart.summary)}</p>${stripesHtml(chart, 'linear')}${chart.wideSpread ? stripesHtml(chart, 'log') : ''}</figcaption>${log}
<div class="plot" role="group" tabindex="0" aria-labelledby="${id}-t" aria-describedby="${id}-s"></div>
<p class="unseen" role="status"></p><div class="legend"><p class="row"><span class="when">Highest</span><span class="hint">drag to zoom, double-click for all; arrow keys move the cursor</span></p><ul>${chart.lines.map(legendHtml(chart)).join('')}</ul></div>
<noscript><p class="note">The lines are drawn by a script in this file; without it, the summary above and the tables remain.</p></noscript></figure>`;
}

function stripesHtml(chart: TimeChart, scale: Scale): string {
  const groups = coincidingLines(chart, scale).filter((group) => group.length > 1);
  const names = groups.map((group) => joinWords(group.map((index) => chart.lines[index]!.label)));
  const text = groups.length === 0 ? '' : `In stripes, because they coincide: ${names.join('; ')}.`;
  return `<p data-scale="${scale}"${scale === 'log' ? ' hidden' : ''}>${escapeHtml(text)}</p>`;
}

function legendHtml(chart: TimeChart): (line: ChartLine, index: number) => string {
  const format = chart.unit === 'bytes' ? formatBytes : formatCount;
  return (line, index) => {
    const highest = format(line.values.reduce((high, value) => Math.max(high, value), 0));
    return `<li><button type="button" aria-pressed="true" data-line="${index}"><i class="swatch line${line.color % lineColors}${line.color < lineColors ? '' : ' again'}"></i>\
<span class="name">${escapeHtml(line.label)}</span> <span class="value">${highest}</span></button></li>`;
  };
}
