/** What one trace costs under each design: table memory over time, strict and lazy apart, and the counts behind it. */
import type { DesignCost, ReplayFile } from '../replay/result.ts';
import type { ChartLine, Section, Table, TimeChart } from './page.ts';
import { joinWords, momentText, seriesEnd } from './text.ts';
import { formatBytes, formatCount } from './units.ts';

type Mode = DesignCost['mode'];

const modes: readonly { readonly mode: Mode; readonly label: string }[] = [
  { mode: 'strict', label: 'Strict: the IOTLB is flushed at each unmap' },
  { mode: 'lazy', label: 'Lazy: flushes are queued' },
];

/** From here on, a linear axis shows the small ones as a line on the ground. */
const wideSpreadFactor = 20;

export function designSections(file: ReplayFile): readonly Section[] {
  const present = modes.filter(({ mode }) => file.series.tableBytes.some((series) => series.mode === mode));
  const charts = present.length === 0 ? [modeChart(file, 'strict')] : present.map(({ mode }) => modeChart(file, mode));
  return [{ kind: 'heading', level: 3, text: 'Table memory by reclaim design' }, ...charts, designTable(file.designs)];
}

function modeChart(file: ReplayFile, mode: Mode): TimeChart {
  const { series } = file;
  const colors = [...new Set(series.tableBytes.map(({ design }) => design))];
  const lines = series.tableBytes
    .filter((one) => one.mode === mode)
    .map(({ design, bytes }) => ({ label: design, color: colors.indexOf(design), values: bytes }));
  const peaks = series.tableBytes.map(({ bytes }) => highest(bytes));
  const positive = peaks.filter((peak) => peak > 0);
  const top = highest(peaks);
  return {
    kind: 'time-chart',
    title: mode === 'strict' ? 'Table memory over time, strict' : 'Table memory over time, lazy',
    summary: tableSummary(lines, file),
    unit: 'bytes',
    timeUnit: file.timeUnit,
    time: series.time,
    end: seriesEnd(file),
    lines,
    top,
    wideSpread: positive.length > 1 && top / Math.min(...positive) >= wideSpreadFactor,
    empty: 'The trace has no map or unmap event, so no table was ever built.',
  };
}

/** Who held most and who least, with ties named together. */
function tableSummary(lines: readonly ChartLine[], file: ReplayFile): string {
  const peaks = lines.map((line) => ({ label: line.label, peak: highest(line.values) }));
  if (peaks.length === 0 || file.series.time.length === 0) return 'Nothing to show.';
  const named = (value: number): string =>
    joinWords(peaks.filter(({ peak }) => peak === value).map(({ label }) => label));
  const most = highest(peaks.map(({ peak }) => peak));
  const least = Math.min(...peaks.map(({ peak }) => peak));
  const span = file.timeUnit === 'none' ? '' : ` within ${momentText(file.timeUnit, seriesEnd(file))}`;
  if (most === least) return `All designs alike reach ${formatBytes(most)} at most${span}.`;
  return `Most at its peak${span}: ${formatBytes(most)} (${named(most)}); least: ${formatBytes(least)} (${named(least)}).`;
}

export function designTable(costs: readonly DesignCost[]): Table {
  return {
    kind: 'table',
    caption: 'What each design costs on this trace',
    columns: [
      { label: 'Design', align: 'name' },
      { label: 'Peak', align: 'number' },
      { label: 'End', align: 'number' },
      { label: 'Tables allocated', align: 'number' },
      { label: 'Tables freed', align: 'number' },
      { label: 'Read locks', align: 'number' },
      { label: 'Write locks', align: 'number' },
      { label: 'Count updates', align: 'number' },
      { label: 'Flushes', align: 'number' },
      { label: 'Pages flushed beyond the request', align: 'number' },
    ],
    groups: modes
      .map(({ mode, label }) => ({ label, rows: costs.filter((cost) => cost.mode === mode).map(designRow) }))
      .filter((group) => group.rows.length > 0),
    empty: 'No design was run on this trace.',
    note: 'Peak and end are bytes of table pages, roots included. Count updates are changes of a per-table count of entries; flushes are IOTLB invalidations.',
  };
}

function designRow(cost: DesignCost): readonly string[] {
  return [
    cost.design,
    formatBytes(cost.tableBytesPeak),
    formatBytes(cost.tableBytesEnd),
    formatCount(cost.tablesAllocated),
    formatCount(cost.tablesFreed),
    formatCount(cost.readLocks),
    formatCount(cost.writeLocks),
    formatCount(cost.countUpdates),
    formatCount(cost.flushes),
    formatCount(cost.flushEnlargedPages),
  ];
}

function highest(values: readonly number[]): number {
  return values.reduce((high, value) => Math.max(high, value), 0);
}
