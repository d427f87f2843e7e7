/** What was in the trace itself: mappings over time, sizes, tasks, domains; and what could not be read. */
import type { ReplayFile } from '../replay/result.ts';
import type { Columns, Section, Table, TimeChart } from './page.ts';
import { counted, momentText, seriesEnd } from './text.ts';
import { formatBytes, formatCount, formatPercent } from './units.ts';

/** A report is for reading: longer tables end here, and say so. The whole is in the JSON. */
const rowLimit = 16;

const noMappings = 'The trace has no map or unmap event.';

export function mappingSections(file: ReplayFile): readonly Section[] {
  return [
    { kind: 'heading', level: 3, text: 'Mappings' },
    liveChart(file),
    rateChart(file),
    sizeTables(file),
    { kind: 'columns', sections: [taskTable(file), oddityTable(file)] },
    { kind: 'heading', level: 3, text: 'Inferred domains' },
    { kind: 'prose', text: [domainText(file)] },
    domainTable(file),
  ];
}

export function readingSections(file: ReplayFile): readonly Section[] {
  return [
    { kind: 'heading', level: 3, text: 'How the trace was read' },
    { kind: 'columns', sections: [eventTable(file), gapTable(file)] },
    skippedTable(file),
  ];
}

function liveChart(file: ReplayFile): TimeChart {
  const { time, liveBytes } = file.series;
  const top = highest(liveBytes);
  const at = time[liveBytes.indexOf(top)] ?? 0;
  return {
    kind: 'time-chart',
    title: 'Mapped bytes over time',
    summary: `Taken at the end of each bucket: highest at ${momentText(file.timeUnit, at)} with ${formatBytes(top)}, and ${formatBytes(liveBytes.at(-1) ?? 0)} at the end.`,
    unit: 'bytes',
    timeUnit: file.timeUnit,
    time,
    end: seriesEnd(file),
    lines: [{ label: 'mapped', color: 1, values: liveBytes }],
    top,
    wideSpread: false,
    empty: noMappings,
  };
}

function rateChart(file: ReplayFile): TimeChart {
  const { time, maps, unmaps } = file.series;
  const most = `at most ${counted(highest(maps), 'map')} and ${counted(highest(unmaps), 'unmap')} in one`;
  return {
    kind: 'time-chart',
    title: 'Maps and unmaps in each bucket of time',
    summary: `${counted(time.length, 'bucket')}${bucketText(file)}; ${most}.`,
    unit: 'count',
    timeUnit: file.timeUnit,
    time,
    end: seriesEnd(file),
    lines: [
      { label: 'maps', color: 1, values: maps },
      { label: 'unmaps', color: 2, values: unmaps },
    ],
    top: Math.max(highest(maps), highest(unmaps)),
    wideSpread: false,
    empty: noMappings,
  };
}

function bucketText(file: ReplayFile): string {
  const [first, second] = file.series.time;
  if (first === undefined || second === undefined || file.timeUnit === 'none') return '';
  return ` of ${momentText(file.timeUnit, second - first)}`;
}

function sizeTables(file: ReplayFile): Columns {
  const rows = (sizes: ReplayFile['mapSizes']): readonly string[][] =>
    sizes.map(({ bytes, count }) => [formatBytes(bytes), formatCount(count)]);
  return {
    kind: 'columns',
    sections: [
      shortTable('Map events by size', ['Size', 'Maps'], rows(file.mapSizes), noMappings),
      shortTable(
        'Leaf entries written, by page size',
        ['Page size', 'Entries'],
        rows(file.pageSizes),
        'No leaf entry was written.',
      ),
    ],
  };
}

function taskTable(file: ReplayFile): Table {
  const rows = file.topTasks.map(({ task, maps, unmaps }) => [task, formatCount(maps), formatCount(unmaps)]);
  const table = shortTable('Busiest tasks', ['Task', 'Maps', 'Unmaps'], rows, 'The trace names no task.');
  return { ...table, columns: [{ label: 'Task', align: 'code' }, ...table.columns.slice(1)] };
}

function oddityTable(file: ReplayFile): Table {
  const rows = [
    ['Maps over a live mapping', file.mapsOverLive],
    ['Unmaps of what was never mapped', file.unmapsNeverMapped],
    ['Unmaps of what was partly mapped', file.unmapsPartlyMapped],
    ['Unmaps that end several maps', file.unmapsEndingSeveralMaps],
    ['Unmaps that end part of a map', file.unmapsEndingPartOfAMap],
    ['Unmaps whose size and unmapped_size differ', file.unmapsSizeDiffers],
    ['Large pages unmapped in part', file.largeLeavesSplit],
  ] as const;
  return shortTable(
    'Maps and unmaps that are not a plain pair',
    ['What', 'Events'],
    rows.map(([label, count]) => [label, formatCount(count)]),
    noMappings,
  );
}

function domainText(file: ReplayFile): string {
  const { inferred, certainty, ambiguousUnmaps, explanation } = file.domainInference;
  const found = `${counted(inferred, 'domain')} inferred; for ${formatPercent(certainty)} of the map and unmap events only one was possible`;
  const doubt = ambiguousUnmaps === 0 ? '' : `, and for ${counted(ambiguousUnmaps, 'unmap')} several were`;
  return `${found}${doubt}. ${explanation}`.trim();
}

function domainTable(file: ReplayFile): Table {
  const domains = [...file.domains].sort((a, b) => b.maps - a.maps || a.id - b.id);
  const rows = domains.map((domain) => [
    String(domain.id),
    formatCount(domain.maps),
    formatCount(domain.unmaps),
    formatCount(domain.liveMappings),
    formatCount(domain.livePages),
    domain.iovaFirst ?? 'none',
    domain.iovaLast ?? 'none',
  ]);
  const labels = ['Domain', 'Maps', 'Unmaps', 'Live mappings', 'Live pages', 'First IOVA', 'Last IOVA'];
  const table = shortTable('Domains, busiest first', labels, rows, 'No domain could be inferred.');
  return { ...table, columns: table.columns.map((column, i) => (i < 5 ? column : { ...column, align: 'code' })) };
}

function eventTable(file: ReplayFile): Table {
  const events = Object.entries(file.events).sort(([, a], [, b]) => b - a);
  const rows = events.map(([name, count]) => [name, formatCount(count)]);
  return shortTable('Events by type', ['Event', 'Count'], rows, 'The trace has no event that tablewalk knows.');
}

const gapNames: Readonly<Record<ReplayFile['gaps'][number]['kind'], string>> = {
  'lost-events': 'events lost',
  overwritten: 'buffer overwritten before it was read',
  'dropped-events': 'events dropped',
};

function gapTable(file: ReplayFile): Table {
  const rows = file.gaps.map((gap) => [
    gapNames[gap.kind],
    formatCount(gap.line),
    gap.events === null ? 'unknown' : formatCount(gap.events),
  ]);
  const table = shortTable('Gaps', ['Kind', 'Line', 'Events lost'], rows, 'The trace reports no lost events.');
  if (file.gapsOmitted === 0) return table;
  return { ...table, note: `${counted(file.gapsOmitted, 'more gap')} in the trace.` };
}

function skippedTable(file: ReplayFile): Table {
  const rows = file.skipped.map(({ reason, count, line, example }) => [
    reason,
    formatCount(count),
    formatCount(line),
    example,
  ]);
  const table = shortTable(
    'Lines that were skipped',
    ['Reason', 'Lines', 'First at line', 'Example'],
    rows,
    'No lines were skipped.',
  );
  const [reason, lines, first, example] = table.columns;
  return { ...table, columns: [reason!, lines!, first!, { ...example!, align: 'code' }] };
}

/** A table whose first column is text and the others numbers, cut after `rowLimit` rows. */
function shortTable(
  caption: string,
  labels: readonly string[],
  rows: readonly (readonly string[])[],
  empty: string,
): Table {
  const over = rows.length - rowLimit;
  return {
    kind: 'table',
    caption,
    columns: labels.map((label, index) => ({ label, align: index === 0 ? 'text' : 'number' })),
    groups: [{ label: null, rows: rows.slice(0, rowLimit) }],
    empty,
    ...(over > 0 ? { note: `${counted(over, 'more row')} in the JSON.` } : {}),
  };
}

function highest(values: readonly number[]): number {
  return values.reduce((high, value) => Math.max(high, value), 0);
}
