/**
 * Made-up results of realistic size and shape, for the tests here and for looking at a page by eye. No number in them was
 * measured. The task and file names are as hostile as `hostile` asks for.
 */
import { createRandom } from '../../base/random.ts';
import type { IovaStressResult, IovaStressRun } from '../../sim/workloads/iova-stress-result.ts';
import type { DesignCost, ReplayFile, ReplayResult } from '../replay/result.ts';
import type { Claim } from './page.ts';

export const sampleDesigns = [
  'never',
  'covered-range',
  'refcount-rwlock',
  'mapcount-rwlock',
  'per-table-lock',
  'lazy-prune',
] as const;

/** The patches act in strict mode only, so with queued flushes they keep what `never` keeps. */
function keepsAll(design: string, mode: DesignCost['mode']): boolean {
  return design === 'never' || (mode === 'lazy' && (design === 'refcount-rwlock' || design === 'mapcount-rwlock'));
}

function sampleSeries(buckets: number, seconds: number): ReplayFile['series'] {
  const random = createRandom(7);
  const width = seconds / Math.max(1, buckets);
  const time = Array.from({ length: buckets }, (_, i) => i * width);
  let live = 24 * 2 ** 20;
  const liveBytes = time.map((_, i) => {
    live = Math.max(2 ** 20, live + (random.fraction() - 0.48) * 6 * 2 ** 20 + (i === 90 ? 40 * 2 ** 20 : 0));
    return Math.round(live / 4096) * 4096;
  });
  const maps = time.map((_, i) => 600 + random.below(900) + (i > 85 && i < 110 ? 2400 : 0));
  const unmaps = maps.map((count) => Math.max(0, count - 120 + random.below(240)));
  const tables = (design: string, mode: DesignCost['mode']): number[] =>
    liveBytes.map((bytes, i) => {
      const all = 2 ** 20 + i * 190_000 + (i > 90 ? 6_000_000 : 0);
      const used = 40 + Math.round(bytes / 2 ** 19) + (design === 'covered-range' ? 30 + Math.round(i / 8) : 0);
      return Math.round((keepsAll(design, mode) ? all : used * 4096 + (mode === 'lazy' ? 40_960 : 0)) / 4096) * 4096;
    });
  const tableBytes = (['strict', 'lazy'] as const).flatMap((mode) =>
    sampleDesigns.map((design) => ({ design, mode, bytes: tables(design, mode) })),
  );
  return { time, liveBytes, maps, unmaps, tableBytes };
}

function sampleCosts(series: ReplayFile['series']): readonly DesignCost[] {
  return series.tableBytes.map(({ design, mode, bytes }) => {
    const counts = design === 'never' || design === 'covered-range' ? 0 : 468_112;
    return {
      design,
      mode,
      tableBytesPeak: Math.max(0, ...bytes),
      tableBytesEnd: bytes.at(-1) ?? 0,
      tablesAllocated: keepsAll(design, mode) ? 11_204 : 48_290,
      tablesFreed: keepsAll(design, mode) ? 0 : 47_912,
      readLocks: counts === 0 ? 0 : 468_112,
      writeLocks: counts === 0 || mode === 'lazy' ? 0 : 47_912,
      countUpdates: counts,
      flushes: mode === 'strict' ? 233_950 : 1_240,
      flushEnlargedPages: keepsAll(design, mode) || design === 'covered-range' ? 0 : 24_496_300,
    };
  });
}

export interface SampleOptions {
  readonly buckets?: number;
  /** Goes into every text that comes from a trace. */
  readonly hostile?: string;
  readonly file?: string;
}

export function sampleFile({
  buckets = 200,
  hostile = '',
  file = 'nvme61-lazy/fio-randread.trace.txt',
}: SampleOptions = {}): ReplayFile {
  const seconds = 12.4;
  const series = sampleSeries(buckets, seconds);
  return {
    file: `${file}${hostile}`,
    format: `ftrace${hostile}`,
    lines: 471_226,
    bytes: 48_211_940,
    events: { 'iommu:map': 234_162, 'iommu:unmap': 233_950, 'iommu:io_page_fault': 3, [`other${hostile}`]: 1 },
    skipped: [
      {
        reason: `no known event${hostile}`,
        count: 3_090,
        example: `fio-1412 [001] d..1. 61.204: nvme_sq: ${hostile}`,
        line: 14,
      },
      { reason: 'cut short', count: 1, example: 'fio-1412  [000] .....    73.1', line: 471_226 },
    ],
    gaps: [
      { kind: 'lost-events', line: 20_118, events: 512 },
      { kind: 'overwritten', line: 4, events: null },
    ],
    gapsOmitted: 2,
    warnings: [`The trace begins with mappings already live: 1,204 unmaps had no map before them.${hostile}`],
    timeUnit: 'seconds',
    duration: seconds,
    mapsPerSecond: 18_884.03,
    unmapsPerSecond: 18_866.9,
    iovaFirst: '0xffbe0000',
    iovaLast: '0xfffff000',
    occupancyPeak: 0.0231,
    liveMappingsPeak: 9_120,
    liveMappingsEnd: 4_410,
    livePagesPeak: Math.max(0, ...series.liveBytes) / 4096 + 902,
    livePagesEnd: (series.liveBytes.at(-1) ?? 0) / 4096,
    mapSizes: [4096, 8192, 65_536, 131_072, 524_288, 2_097_152].map((bytes, i) => ({
      bytes,
      count: Math.round(180_000 / 3 ** i),
    })),
    mapSizesOther: 0,
    pageSizes: [
      { bytes: 4096, count: 1_204_112 },
      { bytes: 2_097_152, count: 741 },
    ],
    topTasks: [
      { task: `fio${hostile}`, maps: 190_022, unmaps: 121_040 },
      { task: 'kworker/1:1H', maps: 31_871, unmaps: 30_112 },
      { task: 'ksoftirqd/0', maps: 0, unmaps: 71_220 },
    ],
    mapsOverLive: 0,
    unmapsNeverMapped: 1_204,
    unmapsPartlyMapped: 2,
    unmapsEndingSeveralMaps: 19,
    unmapsEndingPartOfAMap: 0,
    unmapsSizeDiffers: 0,
    largeLeavesSplit: 0,
    domains: [
      {
        id: 0,
        maps: 230_110,
        unmaps: 229_940,
        liveMappings: 4_200,
        livePages: 10_800,
        iovaFirst: '0xffbe0000',
        iovaLast: '0xfffff000',
      },
      {
        id: 1,
        maps: 4_052,
        unmaps: 4_010,
        liveMappings: 210,
        livePages: 202,
        iovaFirst: '0xfff00000',
        iovaLast: '0xfffff000',
      },
    ],
    domainInference: {
      inferred: 2,
      atLeast: 2,
      certainty: 0.9831,
      ambiguousUnmaps: 412,
      unmapsAcrossDomains: 3,
      explanation: `The events carry no domain; two mappings of one IOVA that live at once must belong to two.${hostile}`,
    },
    designs: sampleCosts(series),
    series,
  };
}

export function sampleReplay(options: SampleOptions = {}): ReplayResult {
  const file = sampleFile(options);
  return { schema: 1, command: 'replay', files: [file], events: file.events };
}

/** A trace without a single event. */
export function emptyFile(): ReplayFile {
  return {
    ...sampleFile({ buckets: 0, file: 'empty.trace.txt' }),
    ...{
      lines: 0,
      bytes: 0,
      events: {},
      skipped: [],
      gaps: [],
      gapsOmitted: 0,
      warnings: [],
      timeUnit: 'none',
      duration: 0,
    },
    ...{
      mapsPerSecond: null,
      unmapsPerSecond: null,
      iovaFirst: null,
      iovaLast: null,
      occupancyPeak: 0,
      liveMappingsPeak: 0,
    },
    ...{
      liveMappingsEnd: 0,
      livePagesPeak: 0,
      livePagesEnd: 0,
      mapSizes: [],
      pageSizes: [],
      topTasks: [],
      unmapsNeverMapped: 0,
    },
    ...{ unmapsPartlyMapped: 0, unmapsEndingSeveralMaps: 0, domains: [], designs: [] },
    domainInference: {
      inferred: 0,
      atLeast: 0,
      certainty: 1,
      ambiguousUnmaps: 0,
      unmapsAcrossDomains: 0,
      explanation: '',
    },
    series: { time: [], liveBytes: [], maps: [], unmaps: [], tableBytes: [] },
  };
}

function sampleRun(design: string, mode: IovaStressRun['mode'], dmaBytes: number, seconds: number): IovaStressRun {
  const pairs = (16 * 2 ** 40) / 2 ** 21;
  const keeps = keepsAll(design, mode) || (design === 'covered-range' && dmaBytes === 4096);
  const counts = design === 'never' || design === 'covered-range' ? 0 : 2 * pairs;
  return {
    design,
    mode,
    dmaBytes,
    pairs,
    seconds,
    tableBytesPeak: keeps ? 34_427_006_976 : 20_480,
    tableBytesEnd: keeps ? 34_427_006_976 : 4096,
    tablesAllocated: 8_405_027,
    tablesFreed: keeps ? 0 : 8_405_026,
    readLocks: counts,
    writeLocks: counts / 2,
    countUpdates: counts,
    flushes: mode === 'strict' ? pairs : 32_768,
    flushEnlargedPages: counts === 0 ? 0 : 511 * pairs,
    hostRssPeakBytes: (keeps ? 159 : 47) * 2 ** 20,
  };
}

export function sampleIovaStress(): IovaStressResult {
  const seconds = [0.37, 0.374, 0.431, 0.428, 0.512, 0.328];
  const runs = sampleDesigns.flatMap((design, i) => [
    sampleRun(design, 'strict', 4096, seconds[i]!),
    sampleRun(design, 'strict', 2 ** 21, seconds[i]! * 1.4),
  ]);
  return {
    schema: 1,
    command: 'iova-stress',
    spaceTiB: 16,
    runs,
    lazyRuns: sampleDesigns.map((design, i) => sampleRun(design, 'lazy', 4096, seconds[i]! * 0.8)),
  };
}

export function sampleClaims(): readonly Claim[] {
  return [
    {
      claim: 'Without the patch, empty tables pile up',
      thread: 'Base uses 32G of memory (32,783 MiB)',
      measured: '32,832 MiB in 8,405,027 tables',
      holds: 'yes',
      note: 'The thread gives lost free memory, a less exact measure than a count of tables.',
    },
    {
      claim: 'Freeing empty tables has a low overhead',
      thread: '22.297 s against 23.388 s: 1.049×',
      measured: '1.165× (refcount-rwlock), 0.886× (lazy-prune)',
      holds: 'partly',
      note: 'Freeing can be cheaper than not freeing, when the emptied tables are pruned later and together.',
    },
    {
      claim: 'Most of the time the lock is held as a reader',
      thread: 'It is held as a writer for a short period',
      measured: 'One write lock in three in iova_stress, one in eleven in the trace',
      holds: 'no',
      note: '',
    },
    {
      claim: 'A lock in each table scales better',
      thread: 'A more scalable solution would be to spread the lock',
      measured: 'One CPU only',
      holds: 'not-measured',
      note: 'Contention needs the simulator.',
    },
  ];
}
