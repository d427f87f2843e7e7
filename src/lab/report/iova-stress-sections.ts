/**
 * The benchmark of the thread "iommu/intel: Free empty page tables on unmaps" (20 Dec 2023, cover letter): its figures
 * beside ours. The thread ran 4 KiB of DMA through 16 TiB of IOVA space, on a kernel: 22.297 s and about 32,783 MiB of
 * table memory lost without the patch, 23.388 s and about 0 MiB with it.
 */
import type { IovaStressResult, IovaStressRun } from '../../sim/workloads/iova-stress-result.ts';
import type { Bar, BarChart, Column, Prose, Section, Table } from './page.ts';
import { joinWords } from './text.ts';
import { formatBytes, formatCount, formatRatio, formatSeconds } from './units.ts';

export const threadLink = 'https://lore.kernel.org/all/20231221031915.619337-1-pasha.tatashin@soleen.com/';

interface ThreadRun {
  readonly label: string;
  readonly seconds: number;
  readonly tableBytes: number;
  /** The text of the thread gives whole MiB, and "~". */
  readonly tableText: string;
}

export const threadSpaceTiB = 16;
export const threadDmaBytes = 4096;
export const threadBase: ThreadRun = {
  label: 'the thread, without the patch',
  seconds: 22.297,
  tableBytes: 32_783 * 2 ** 20,
  tableText: '~32,783 MiB',
};
export const threadPatched: ThreadRun = {
  label: 'the thread, with the patch',
  seconds: 23.388,
  tableBytes: 0,
  tableText: '~0 MiB',
};

/** The design that never frees: what every other is compared with. */
const baseDesign = 'never';

export function iovaStressSections(result: IovaStressResult): readonly Section[] {
  const size = result.runs.find((run) => run.dmaBytes === threadDmaBytes)?.dmaBytes ?? result.runs[0]?.dmaBytes;
  const charted = result.runs.filter((run) => run.dmaBytes === size);
  return [
    introduction(result),
    memoryBars(charted, result.spaceTiB),
    timeBars(charted),
    {
      ...stressTable(
        result.runs,
        'Time and memory, with a flush at each unmap',
        resultColumns,
        result.spaceTiB === threadSpaceTiB,
      ),
      note: 'Host memory is the peak resident memory of the process that ran this design alone. A dash: the thread does not say.',
    },
    stressTable(result.runs, 'Locks and flushes, with a flush at each unmap', workColumns, false),
    ...(result.lazyRuns.length === 0
      ? []
      : [
          stressTable(result.lazyRuns, 'Time and memory, with queued flushes', resultColumns, false),
          stressTable(result.lazyRuns, 'Locks and flushes, with queued flushes', workColumns, false),
        ]),
  ];
}

function introduction(result: IovaStressResult): Prose {
  const other = ` The thread’s run covered ${threadSpaceTiB} TiB and this one ${formatCount(result.spaceTiB)} TiB: amounts differ, ratios may be compared.`;
  return {
    kind: 'prose',
    text: [
      'One buffer is mapped and unmapped at ever higher IOVAs, and every leaf table is used once. Whoever never frees keeps all of them.',
      result.spaceTiB === threadSpaceTiB ? '' : other,
    ],
  };
}

function memoryBars(runs: readonly IovaStressRun[], spaceTiB: number): BarChart {
  const ours = runs.map((run): Bar => bar(run, run.tableBytesEnd, formatBytes(run.tableBytesEnd, 'MiB')));
  const bars =
    spaceTiB === threadSpaceTiB
      ? besideThread(
          ours,
          (run) => run.tableBytes,
          (run) => run.tableText,
        )
      : ours;
  const kept = Math.max(0, ...runs.map((run) => run.tableBytesEnd));
  const most = runs.filter((run) => run.tableBytesEnd === kept).map((run) => run.design);
  return {
    kind: 'bar-chart',
    caption: `Table memory left at the end${dmaText(runs)}`,
    summary: `Held most after the last unmap: ${formatBytes(kept, 'MiB')} (${joinWords(most)}).`,
    bars: runs.length === 0 ? [] : bars,
    empty: 'The benchmark was not run.',
  };
}

function timeBars(runs: readonly IovaStressRun[]): BarChart {
  const base = baseOf(runs, runs[0]);
  const ours = runs.flatMap((run): readonly Bar[] => {
    const ratio = ratioTo(base, run);
    return ratio === null ? [] : [bar(run, ratio, formatRatio(ratio))];
  });
  const thread = threadPatched.seconds / threadBase.seconds;
  const bars = besideThread(
    ours,
    (run) => run.seconds / threadBase.seconds,
    (run) => formatRatio(run.seconds / threadBase.seconds),
  );
  return {
    kind: 'bar-chart',
    caption: `Time against never freeing${dmaText(runs)}`,
    summary: `Below 1, freeing is cheaper than not freeing. The thread’s patch took ${formatRatio(thread)}.`,
    bars: ours.length === 0 ? [] : bars,
    marker: 1,
    empty: 'There is no run of a design that never frees to compare with.',
  };
}

function bar(run: IovaStressRun, value: number, text: string): Bar {
  return { label: run.design, value, text, source: 'ours' };
}

/** The thread's two runs first, then ours. */
function besideThread(
  ours: readonly Bar[],
  value: (run: ThreadRun) => number,
  text: (run: ThreadRun) => string,
): readonly Bar[] {
  const thread = [threadBase, threadPatched].map(
    (run): Bar => ({ label: run.label, value: value(run), text: text(run), source: 'reference' }),
  );
  return [...thread, ...ours];
}

interface StressColumn {
  readonly label: string;
  readonly ours: (run: IovaStressRun, base: IovaStressRun | undefined) => string;
  /** What the thread says of its own run; a dash where it says nothing. */
  readonly thread?: (run: ThreadRun) => string;
}

const resultColumns: readonly StressColumn[] = [
  {
    label: 'Time',
    ours: (run) => formatSeconds(run.seconds, 3),
    thread: (run) => formatSeconds(run.seconds, 3),
  },
  {
    label: 'Against never',
    ours: (run, base) => ratioText(ratioTo(base, run)),
    thread: (run) => formatRatio(run.seconds / threadBase.seconds),
  },
  {
    label: 'Table memory, end',
    ours: (run) => formatBytes(run.tableBytesEnd, 'MiB'),
    thread: (run) => run.tableText,
  },
  { label: 'Table memory, peak', ours: (run) => formatBytes(run.tableBytesPeak, 'MiB') },
  { label: 'Tables allocated', ours: (run) => formatCount(run.tablesAllocated) },
  { label: 'Tables freed', ours: (run) => formatCount(run.tablesFreed) },
  { label: 'Host memory', ours: (run) => formatBytes(run.hostRssPeakBytes, 'MiB') },
];

const workColumns: readonly StressColumn[] = [
  { label: 'Read locks', ours: (run) => formatCount(run.readLocks) },
  { label: 'Write locks', ours: (run) => formatCount(run.writeLocks) },
  { label: 'Count updates', ours: (run) => formatCount(run.countUpdates) },
  { label: 'Flushes', ours: (run) => formatCount(run.flushes) },
  { label: 'Pages flushed beyond the request', ours: (run) => formatCount(run.flushEnlargedPages) },
];

function stressTable(
  runs: readonly IovaStressRun[],
  caption: string,
  columns: readonly StressColumn[],
  withThread: boolean,
): Table {
  const sizes = [...new Set(runs.map((run) => run.dmaBytes))];
  return {
    kind: 'table',
    caption,
    columns: [{ label: 'Design', align: 'name' }, ...columns.map(({ label }): Column => ({ label, align: 'number' }))],
    groups: sizes.map((size) => {
      const own = runs.filter((run) => run.dmaBytes === size);
      const thread = withThread && size === threadDmaBytes ? [threadBase, threadPatched] : [];
      return {
        label: `${formatBytes(size)} of DMA, ${formatCount(Math.max(...own.map((run) => run.pairs)))} map and unmap pairs`,
        rows: [
          ...thread.map((run) => [run.label, ...columns.map((column) => column.thread?.(run) ?? '–')]),
          ...own.map((run) => [run.design, ...columns.map((column) => column.ours(run, baseOf(runs, run)))]),
        ],
      };
    }),
    empty: 'The benchmark was not run.',
  };
}

function baseOf(runs: readonly IovaStressRun[], like: IovaStressRun | undefined): IovaStressRun | undefined {
  return runs.find((run) => run.design === baseDesign && run.dmaBytes === like?.dmaBytes);
}

function ratioTo(base: IovaStressRun | undefined, run: IovaStressRun): number | null {
  return base === undefined || base.seconds === 0 ? null : run.seconds / base.seconds;
}

function dmaText(runs: readonly IovaStressRun[]): string {
  const [first] = runs;
  return first === undefined ? '' : `, ${formatBytes(first.dmaBytes)} of DMA`;
}

function ratioText(ratio: number | null): string {
  return ratio === null ? '–' : formatRatio(ratio);
}
