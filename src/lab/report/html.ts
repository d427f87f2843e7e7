/**
 * A page as one self-contained HTML file: styles, script, chart library and data are inside, and a Content-Security-Policy
 * forbids every request. It can be mailed, archived and opened from a disk without a network.
 */
import { type ChartData, chartData } from './html-chart.ts';
import { escapeHtml, escapeJson, escapeRawText } from './html-escape.ts';
import { pageScript } from './html-script.ts';
import { type HtmlContext, inlineHtml, sectionHtml } from './html-sections.ts';
import { pageStyle } from './html-style.ts';
import type { Heading, ReportPage } from './page.ts';
import { darkTheme, lightTheme } from './palette.ts';

/** The chart library's own files: uplot/dist/uPlot.iife.min.js and uPlot.min.css. */
export interface HtmlAssets {
  readonly uplotJs: string;
  readonly uplotCss: string;
}

interface PlacedHeading {
  readonly id: string;
  readonly heading: Heading;
}

const policy =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

export function renderHtml(page: ReportPage, assets: HtmlAssets): string {
  const charts: ChartData[] = [];
  const headings: PlacedHeading[] = [];
  let ids = 0;
  const context: HtmlContext = {
    newId: (prefix) => `${prefix}${++ids}`,
    addChart: (id, chart) => charts.push(chartData(id, chart)),
    addHeading: (id, heading) => headings.push({ id, heading }),
  };
  const body = page.sections.map((section) => sectionHtml(section, context));
  return `<!doctype html>
<html lang="en">
${headHtml(page, assets)}
<body>
<a class="skip" href="#content">Skip to the content</a>
<header><p class="kicker">${escapeHtml(page.kicker)}</p><h1>${escapeHtml(page.title)}</h1>
${page.lede.map((text) => `<p class="lede">${inlineHtml(text)}</p>`).join('\n')}
${contentsHtml(headings)}</header>
<main id="content">
${body.join('\n')}
</main>
<footer><p>${inlineHtml(page.footer)}</p></footer>
${scriptsHtml(charts, assets)}
</body>
</html>
`;
}

function headHtml(page: ReportPage, assets: HtmlAssets): string {
  return `<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(page.title)}</title>
<link rel="icon" href="data:,">
<style>${escapeRawText(assets.uplotCss, 'style')}</style>
<style>${pageStyle}</style>
</head>`;
}

function contentsHtml(headings: readonly PlacedHeading[]): string {
  const main = headings.filter(({ heading }) => heading.level === 2);
  if (main.length < 2) return '';
  const links = main.map(({ id, heading }) => `<li><a href="#${id}">${escapeHtml(heading.text)}</a></li>`).join('');
  return `<nav aria-label="Contents"><ul>${links}</ul></nav>`;
}

function scriptsHtml(charts: readonly ChartData[], assets: HtmlAssets): string {
  if (charts.length === 0) return '';
  const data = escapeJson({ light: lightTheme, dark: darkTheme, charts });
  return `<script type="application/json" id="report-data">${data}</script>
<script>${escapeRawText(assets.uplotJs, 'script')}</script>
<script>${pageScript}</script>`;
}
