/** The report of `replay`: every file of the result, from the cost of each design down to the lines that were skipped. */

import type { ReplayFile, ReplayResult } from '../replay/result.ts';
import type { ReportPage, Section, Table } from './page.ts';
import { designSections } from './replay-designs.ts';
import { mappingSections, readingSections } from './replay-trace.ts';
import { formatBytes, formatCount, formatPercent, formatSeconds } from './units.ts';

const pageBytes = 4096;

export interface PageOptions {
  /** Closes the page: which program, version and machine made it. */
  readonly footer?: string;
}

export function replayPage(result: ReplayResult, options: PageOptions = {}): ReportPage {
  const [first] = result.files;
  return {
    kicker: 'tablewalk replay',
    title: result.files.length === 1 && first !== undefined ? first.file : `${formatCount(result.files.length)} traces`,
    lede: [
      [
        'The map and unmap events of a real kernel trace, replayed through page tables of each design: how much memory ',
        'their tables would have held, what was freed, and what the freeing would have cost in locks and flushes.',
      ],
    ],
    // One file alone is the page's title already.
    sections: result.files.length === 1 && first !== undefined ? fileSections(first) : replaySections(result),
    footer: [options.footer ?? 'Made by tablewalk.'],
  };
}

/** The same sections without the frame, for a page that has more to say. */
export function replaySections(result: ReplayResult): readonly Section[] {
  if (result.files.length === 0) return [{ kind: 'prose', text: ['No trace was replayed.'] }];
  const overview = result.files.length > 1 ? [overviewTable(result.files)] : [];
  return [...overview, ...result.files.flatMap((file) => [fileHeading(file), ...fileSections(file)])];
}

function fileHeading(file: ReplayFile): Section {
  return { kind: 'heading', level: 2, text: file.file, code: true };
}

function fileSections(file: ReplayFile): readonly Section[] {
  return [
    {
      kind: 'key-figures',
      label: 'Key figures',
      figures: [
        {
          label: 'Events',
          value: formatCount(eventCount(file)),
          note: `in ${formatCount(file.lines)} lines, ${file.format}`,
        },
        { label: 'Duration', value: durationText(file), note: rateText(file) },
        {
          label: 'Mapped at the peak',
          value: formatBytes(file.livePagesPeak * pageBytes),
          note: `${formatCount(file.liveMappingsPeak)} mappings`,
        },
        {
          label: 'Mapped at the end',
          value: formatBytes(file.livePagesEnd * pageBytes),
          note: `${formatCount(file.liveMappingsEnd)} mappings`,
        },
        {
          label: 'Occupancy at the peak',
          value: formatPercent(file.occupancyPeak),
          note: 'of the IOVA span ever mapped',
        },
        {
          label: 'IOVAs',
          value: file.iovaFirst ?? 'none',
          ...(file.iovaLast === null ? {} : { note: `to ${file.iovaLast}` }),
        },
        ...tableFigures(file),
      ],
    },
    { kind: 'notice', title: 'Read with care', items: file.warnings },
    ...(hasMappings(file) ? [...designSections(file), ...mappingSections(file)] : [nothingMapped]),
    ...readingSections(file),
  ];
}

const nothingMapped: Section = {
  kind: 'prose',
  text: [
    'The trace has no map or unmap event that could be replayed: no design built a table, and there is nothing to draw.',
  ],
};

function hasMappings(file: ReplayFile): boolean {
  return file.series.time.length > 0 || file.mapSizes.length > 0 || file.designs.length > 0;
}

/** The two ends: the most and the least that tables held at their peak, flushing at each unmap. */
function tableFigures(file: ReplayFile): readonly { label: string; value: string; note: string }[] {
  const costs = file.designs.filter((cost) => cost.mode === 'strict');
  const [first] = costs;
  if (first === undefined) return [];
  const most = costs.reduce((high, cost) => (cost.tableBytesPeak > high.tableBytesPeak ? cost : high), first);
  const least = costs.reduce((low, cost) => (cost.tableBytesPeak < low.tableBytesPeak ? cost : low), first);
  return [
    { label: 'Most table memory', value: formatBytes(most.tableBytesPeak), note: `${most.design}, strict` },
    {
      label: 'Least table memory',
      value: formatBytes(least.tableBytesPeak),
      note: `${least.design}, strict, at its peak`,
    },
  ];
}

function eventCount(file: ReplayFile): number {
  return Object.values(file.events).reduce((sum, count) => sum + count, 0);
}

function durationText(file: ReplayFile): string {
  if (file.timeUnit === 'seconds') return formatSeconds(file.duration);
  return file.timeUnit === 'ticks' ? `${formatCount(file.duration)} ticks` : 'not in the trace';
}

function rateText(file: ReplayFile): string {
  if (file.mapsPerSecond === null || file.unmapsPerSecond === null) return 'no rate: the clock does not count seconds';
  return `${formatCount(Math.round(file.mapsPerSecond))} maps and ${formatCount(Math.round(file.unmapsPerSecond))} unmaps a second`;
}

function overviewTable(files: readonly ReplayFile[]): Table {
  return {
    kind: 'table',
    caption: 'The traces',
    columns: [
      { label: 'File', align: 'code' },
      { label: 'Format', align: 'text' },
      { label: 'Size', align: 'number' },
      { label: 'Events', align: 'number' },
      { label: 'Lines skipped', align: 'number' },
      { label: 'Duration', align: 'number' },
      { label: 'Mapped at the peak', align: 'number' },
    ],
    groups: [
      {
        label: null,
        rows: files.map((file) => [
          file.file,
          file.format,
          formatBytes(file.bytes),
          formatCount(eventCount(file)),
          formatCount(file.skipped.reduce((sum, skipped) => sum + skipped.count, 0)),
          durationText(file),
          formatBytes(file.livePagesPeak * pageBytes),
        ]),
      },
    ],
    empty: 'No trace was replayed.',
  };
}
