import { describe, expect, test } from 'vitest';
import { TABLE_RECLAIM } from '../../designs/table-reclaim/index.straight.ts';
import { Clock } from './clock.ts';
import { totalEvents } from './file.ts';
import { createReplay, type ReplayOptions } from './replay.ts';
import type { DesignCost, FlushMode, ReplayFile } from './result.ts';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

interface LineOptions {
  /** As it is printed. */
  readonly time?: string;
  readonly task?: string;
  readonly unmapped?: number;
}

const hex = (value: number): string => `0x${value.toString(16).padStart(16, '0')}`;

function head({ time = '1.500000', task = 'dma-7' }: LineOptions): string {
  const [comm, pid] = task.split('-');
  return `${comm!.padStart(16)}-${pid!.padEnd(7)} [000] ..... ${time.padStart(12)}: `;
}

function map(iova: number, paddr: number, size: number, options: LineOptions = {}): string {
  return `${head(options)}map: IOMMU: iova=${hex(iova)} - ${hex(iova + size)} paddr=${hex(paddr)} size=${size}`;
}

function unmap(iova: number, size: number, options: LineOptions = {}): string {
  const unmapped = options.unmapped ?? size;
  return `${head(options)}unmap: IOMMU: iova=${hex(iova)} - ${hex(iova + size)} size=${size} unmapped_size=${unmapped}`;
}

function pushAll(lines: readonly string[], options: ReplayOptions, chunk: number): ReturnType<typeof createReplay> {
  const replay = createReplay('test.trace.txt', options);
  const bytes = new TextEncoder().encode(`${lines.join('\n')}\n`);
  for (let at = 0; at < bytes.length; at += chunk) replay.push(bytes.subarray(at, at + chunk));
  return replay;
}

function replayed(lines: readonly string[], options: ReplayOptions = {}, chunk = 1 << 16): ReplayFile {
  const result = pushAll(lines, options, chunk).end();
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}

function cost(file: ReplayFile, design: string, mode: FlushMode): DesignCost {
  return file.designs.find((entry) => entry.design === design && entry.mode === mode)!;
}

describe('a trace of one domain', () => {
  const lines = [
    map(0x1000, 0x100000, 4 * KIB, { time: '1.000000', task: 'fio-9' }),
    map(0x2000, 0x300000, 8 * KIB, { time: '1.250000', task: 'fio-9' }),
    unmap(0x1000, 12 * KIB, { time: '1.500000', task: '<idle>-0' }),
    map(0x40000000, 0x40000000, 2 * MIB, { time: '2.000000', task: 'fio-9' }),
    unmap(0x40000000, 2 * MIB, { time: '3.000000', task: 'fio-9' }),
  ];
  const file = replayed(lines);

  test('has its sizes, tasks, rates and span', () => {
    expect(file).toMatchObject({
      file: 'test.trace.txt',
      format: 'ftrace',
      lines: 5,
      events: { 'iommu:map': 3, 'iommu:unmap': 2 },
      timeUnit: 'seconds',
      duration: 2,
      mapsPerSecond: 1.5,
      unmapsPerSecond: 1,
      iovaFirst: '0x1000',
      iovaLast: '0x401ff000',
      mapSizesOther: 0,
      liveMappingsPeak: 2,
      livePagesPeak: 512,
      liveMappingsEnd: 0,
      livePagesEnd: 0,
      skipped: [],
      warnings: [],
    });
    expect(file.mapSizes).toEqual([4 * KIB, 8 * KIB, 2 * MIB].map((bytes) => ({ bytes, count: 1 })));
    expect(file.pageSizes).toEqual([
      { bytes: 4 * KIB, count: 3 },
      { bytes: 2 * MIB, count: 1 },
    ]);
    expect(file.topTasks).toEqual([
      { task: 'fio-9', maps: 3, unmaps: 1 },
      { task: '<idle>-0', maps: 0, unmaps: 1 },
    ]);
    expect(file.occupancyPeak).toBeCloseTo((2 * MIB) / (0x40200000 - 0x1000), 12);
  });

  test('counts one unmap that ends several maps', () => {
    expect(file).toMatchObject({ unmapsEndingSeveralMaps: 1, unmapsEndingPartOfAMap: 0, unmapsPartlyMapped: 0 });
  });

  test('nothing contradicts a single domain, and that is said', () => {
    expect(file.domainInference).toMatchObject({ inferred: 1, atLeast: 1, certainty: 1, ambiguousUnmaps: 0 });
    expect(file.domainInference.explanation).toContain('nothing in the trace contradicts a single domain');
    expect(file.domains).toHaveLength(1);
  });

  test('costs each design in each mode what its rule says', () => {
    const names = file.designs.map(({ design, mode }) => `${design} ${mode}`);
    const designs = TABLE_RECLAIM.map(({ name }) => name);
    expect(names).toEqual(['strict', 'lazy'].flatMap((mode) => designs.map((design) => `${design} ${mode}`)));
    // Root, two levels, a leaf table; for the large page a directory more.
    expect(cost(file, 'never', 'strict')).toMatchObject({ tableBytesPeak: 5 * 4096, tableBytesEnd: 5 * 4096 });
    expect(cost(file, 'refcount-rwlock', 'strict')).toMatchObject({ tableBytesPeak: 4 * 4096, tableBytesEnd: 4096 });
    expect(cost(file, 'refcount-rwlock', 'lazy').tableBytesEnd).toBe(5 * 4096);
    expect(cost(file, 'lazy-prune', 'lazy').tableBytesEnd).toBe(4096);
    for (const { tablesAllocated, tablesFreed, tableBytesEnd } of file.designs) {
      expect((tablesAllocated - tablesFreed) * 4096).toBe(tableBytesEnd);
    }
  });

  test('gives a series of equal buckets whose sums are the events', () => {
    const { time, maps, unmaps, liveBytes, tableBytes } = file.series;
    expect(maps.reduce((sum, count) => sum + count)).toBe(3);
    expect(unmaps.reduce((sum, count) => sum + count)).toBe(2);
    expect(time[0]).toBe(0);
    expect(time.length).toBeLessThanOrEqual(400);
    expect(Math.max(...liveBytes)).toBe(2 * MIB);
    expect(tableBytes.map(({ design, mode, bytes }) => [design, mode, bytes.length, Math.max(...bytes)])).toEqual(
      file.designs.map(({ design, mode, tableBytesPeak }) => [design, mode, time.length, tableBytesPeak]),
    );
  });

  test('is the same in chunks of any size', () => {
    for (const chunk of [1, 7, 100]) expect(replayed(lines, {}, chunk)).toEqual(file);
  });

  test('runs only the designs that are asked for', () => {
    const two = replayed(lines, { designs: TABLE_RECLAIM.slice(1, 2) });
    expect(two.designs.map(({ mode }) => mode)).toEqual(['strict', 'lazy']);
    expect(two.designs[0]).toEqual(cost(file, 'covered-range', 'strict'));
  });
});

describe('maps and unmaps that are no plain pair', () => {
  test('the roll-back of a failed map is an unmap that was never mapped', () => {
    const file = replayed([unmap(0x5000, 4 * KIB), map(0x5000, 0x1000, 4 * KIB), unmap(0x5000, 4 * KIB)]);
    expect(file).toMatchObject({ unmapsNeverMapped: 1, livePagesEnd: 0 });
    expect(file.domainInference.inferred).toBe(1);
  });

  test('one map that is ended in pieces stays one live mapping until the last', () => {
    const file = replayed([map(0, 0x7000, 8 * KIB), unmap(0, 4 * KIB)]);
    expect(file).toMatchObject({ unmapsEndingPartOfAMap: 1, liveMappingsEnd: 1, livePagesEnd: 1 });
    const whole = replayed([map(0, 0x7000, 8 * KIB), unmap(0, 4 * KIB), unmap(0x1000, 4 * KIB)]);
    expect(whole).toMatchObject({ unmapsEndingPartOfAMap: 1, liveMappingsEnd: 0, livePagesEnd: 0 });
  });

  test('an unmap that reaches beyond what was mapped is partly mapped, and the rest passed over', () => {
    const file = replayed([map(0x2000, 0x7000, 4 * KIB), unmap(0, 2 * MIB)]);
    expect(file).toMatchObject({ unmapsPartlyMapped: 1, livePagesEnd: 0 });
    expect(cost(file, 'covered-range', 'strict').tablesFreed).toBe(1);
  });

  test('what went away is unmapped_size, not size', () => {
    const file = replayed([
      map(0, 0x200000, 2 * MIB),
      unmap(0, 4 * KIB, { unmapped: 2 * MIB }),
      map(0, 0x7000, 16 * KIB),
      unmap(0, 16 * KIB, { unmapped: 4 * KIB }),
      unmap(0x900000, 4 * KIB, { unmapped: 0 }),
    ]);
    expect(file).toMatchObject({ unmapsSizeDiffers: 3, unmapsNeverMapped: 1, livePagesEnd: 3 });
  });

  test('a large page that is unmapped in part is split, counted and warned of', () => {
    const file = replayed([map(0, 2 * MIB, 2 * MIB), unmap(64 * KIB, 4 * KIB), unmap(0, 2 * MIB)]);
    expect(file).toMatchObject({ largeLeavesSplit: 1, unmapsPartlyMapped: 1, livePagesEnd: 0 });
    expect(file.warnings.join()).toContain('unmapped in part');
  });

  test('a large page may be taken away piece by piece, on both sides of an earlier cut', () => {
    const pieces = [64, 16, 40, 200, 100].map((kib) => unmap(kib * KIB, 4 * KIB));
    const file = replayed([map(0, 2 * MIB, 2 * MIB), ...pieces]);
    expect(file).toMatchObject({ largeLeavesSplit: 1, livePagesEnd: 512 - 5, liveMappingsEnd: 1 });
  });
});

describe('a trace of two domains', () => {
  const [disk, net] = [{ task: 'disk-1' }, { task: 'net-2' }];
  const both = [map(0x1000, 0x7000, 4 * KIB, disk), map(0x1000, 0x9000, 4 * KIB, net)];

  test('keeps both mappings of one IOVA, in a table each', () => {
    const file = replayed(both);
    expect(file).toMatchObject({ mapsOverLive: 1, liveMappingsEnd: 2, livePagesEnd: 2, occupancyPeak: 1 });
    expect(file.domainInference).toMatchObject({ inferred: 2, atLeast: 2 });
    expect(cost(file, 'never', 'strict').tableBytesEnd).toBe(2 * 4 * 4096);
  });

  test('an unmap goes to the domain whose task mapped it, and is ambiguous', () => {
    const file = replayed([...both, unmap(0x1000, 4 * KIB, net)]);
    expect(file.domains).toMatchObject([
      { livePages: 1, unmaps: 0 },
      { livePages: 0, unmaps: 1 },
    ]);
    expect(file.domainInference.ambiguousUnmaps).toBe(1);
  });

  test('an unmap goes to the domain whose mapping has its boundaries before it goes to the one of its task', () => {
    const lines = [map(0, 0x70000, 64 * KIB, disk), map(0x1000, 0x9000, 4 * KIB, net), unmap(0x1000, 4 * KIB, disk)];
    expect(replayed(lines).domains).toMatchObject([{ livePages: 16 }, { livePages: 0 }]);
  });

  test('an unmap goes to the domain where all of it is live, before all else', () => {
    const lines = [map(0x1000, 0x9000, 4 * KIB, disk), map(0, 0x70000, 64 * KIB, net), unmap(0x1000, 8 * KIB, disk)];
    expect(replayed(lines).domains).toMatchObject([{ livePages: 1 }, { livePages: 14 }]);
  });

  test('an unmap whose pages lie in two domains ends them in both', () => {
    const lines = [...both, unmap(0x1000, 4 * KIB, disk), map(0x2000, 0x3000, 4 * KIB, disk), unmap(0x1000, 8 * KIB)];
    const file = replayed(lines);
    expect(file.livePagesEnd).toBe(0);
    expect(file).toMatchObject({ unmapsPartlyMapped: 0, unmapsEndingSeveralMaps: 1 });
    expect(file.domainInference).toMatchObject({ unmapsAcrossDomains: 1, ambiguousUnmaps: 2 });
  });

  test('certainty is the share of events that no other domain could have had', () => {
    // Forced: the second map, since the first domain holds that IOVA. The first might have been either's, and so might the third.
    const file = replayed([...both, map(0x8000, 0x3000, 4 * KIB), unmap(0x8000, 4 * KIB)]);
    expect(file.domainInference.certainty).toBe(1 / 4);
    // Once the other mapping is gone, the unmap of the forced one is forced too.
    const ended = replayed([...both, unmap(0x1000, 4 * KIB, disk), unmap(0x1000, 4 * KIB, net)]);
    expect(ended.domainInference.certainty).toBe(2 / 4);
    expect(ended.domainInference.explanation).toContain('at least 2 domains');
    // An unmap of more than is live may belong to a domain that the trace has not shown.
    const more = replayed([...both, unmap(0x1000, 4 * KIB, disk), unmap(0x1000, 8 * KIB, net)]);
    expect(more.domainInference.certainty).toBe(1 / 4);
  });

  test('first fit may need more domains than are proven, and says so', () => {
    const file = replayed([
      map(0x2000, 0x10000, 4 * KIB),
      map(0x2000, 0x20000, 4 * KIB),
      unmap(0x2000, 4 * KIB),
      map(0x1000, 0x30000, 4 * KIB),
      map(0x1000, 0x40000, 8 * KIB),
    ]);
    expect(file.domainInference).toMatchObject({ inferred: 3, atLeast: 2 });
    expect(file.domainInference.explanation).toContain('needed 3');
  });
});

describe('lazy mode', () => {
  const pairs = (times: readonly string[]): string[] =>
    times.flatMap((time, i) => [map(i * 4096, 0x7000, 4 * KIB, { time }), unmap(i * 4096, 4 * KIB, { time })]);

  test('leaves what is less than 10 ms old in the queue', () => {
    const file = replayed(pairs(['1.000100', '1.006100', '1.011200']));
    expect(cost(file, 'never', 'lazy').flushes).toBe(2);
  });

  test('flushes 10 ms of trace time after the first unmap that was queued', () => {
    const file = replayed(pairs(['1.000100', '1.005000', '1.009900', '1.010200', '1.030000']));
    // Three at 1.0101, one at 1.0202, one when the books are closed.
    expect(cost(file, 'never', 'lazy').flushes).toBe(3);
    expect(cost(file, 'never', 'strict').flushes).toBe(5);
  });

  test('flushes only when the ring is full if the time is in ticks or missing', () => {
    const ticks = Array.from({ length: 600 }, (_, i) => String(1000 + 1_000_000 * i));
    expect(cost(replayed(pairs(ticks)), 'never', 'lazy').flushes).toBe(3);
  });

  test('a timer that runs out after the last map or unmap still counts', () => {
    const last =
      '            fio-9       [000] .....     9.000000: sched_waking: comm=fio pid=9 prio=120 target_cpu=000';
    const file = replayed([...pairs(['1.000100']), last]);
    expect(cost(file, 'never', 'lazy').flushes).toBe(1);
    expect(file.duration).toBeCloseTo(7.9999, 6);
    expect(file.series.time.at(-1)).toBeGreaterThan(7.9);
  });
});

describe('time', () => {
  test('the number of the event stands in for a missing one', () => {
    const bare = (line: string): string => line.slice(line.indexOf(': ') + 2);
    const file = replayed([map(0, 0x7000, 4 * KIB), map(0x1000, 0x8000, 4 * KIB), unmap(0, 4 * KIB)].map(bare));
    expect(file).toMatchObject({ timeUnit: 'none', duration: 3, mapsPerSecond: null, topTasks: [] });
    expect(file.series).toMatchObject({ time: [0, 1, 2], maps: [1, 1, 0], unmaps: [0, 0, 1] });
  });

  test('the series counts from the first event of any kind', () => {
    const first =
      '            fio-9       [000] .....     1.000000: sched_waking: comm=fio pid=9 prio=120 target_cpu=000';
    expect(replayed([first, map(0, 0x7000, 4 * KIB)]).series.time).toEqual([0.5]);
  });

  test('time that goes back counts as no later', () => {
    const file = replayed([map(0, 0x7000, 4096, { time: '5.500000' }), unmap(0, 4096, { time: '2.500000' })]);
    expect(file.series.time).toHaveLength(1);
    expect(file.warnings.join()).toContain('time goes back');
    const clock = new Clock();
    const record = { taskId: 0, iovaPfn: 0, paddrPfn: 0, pages: 1, unmappedPages: 0, line: 1 };
    for (const timestamp of [5.5, 2.5]) clock.tick({ ...record, timestamp });
    expect(clock.now).toBe(5.5);
  });
});

describe('hostile input', () => {
  test('IOVAs beyond 48 bits are skipped with a reason and an example, unless 5 levels are asked for', () => {
    const lines = [map(2 ** 48, 0, 4 * KIB), map(2 ** 48 - 4096, 0, 4 * KIB), unmap(2 ** 48, 4 * KIB)];
    const file = replayed(lines);
    expect(file.skipped).toEqual([
      {
        reason: 'IOVA beyond the 48 bits of a table of 4 levels',
        count: 2,
        example: 'map: iova=0x1000000000000 size=4096 paddr=0x0',
        line: 1,
      },
    ]);
    expect(file.events).toEqual({ 'iommu:map': 2, 'iommu:unmap': 1 });
    expect(file.livePagesEnd).toBe(1);
    expect(replayed(lines, { levels: 5 })).toMatchObject({ skipped: [], livePagesEnd: 1 });
  });

  test('a single map of 2^50 bytes neither hangs nor fills memory', () => {
    const file = replayed([map(0, 4096, 2 ** 50), map(0, 4096, 2 ** 47), map(0, 0, 2 ** 47), unmap(0, 2 ** 47)]);
    expect(file.skipped.map(({ reason, count }) => [reason, count])).toEqual([
      ['IOVA beyond the 48 bits of a table of 4 levels', 1],
      ['mapping too large to replay', 1],
    ]);
    expect(file.pageSizes).toEqual([{ bytes: GIB, count: 2 ** 17 }]);
    expect(replayed([map(0, 4096, 2 ** 50)], { levels: 5 }).skipped[0]?.reason).toBe('mapping too large to replay');
  });

  test('physical addresses beyond 52 bits are skipped', () => {
    expect(replayed([map(0, 2 ** 52, 4 * KIB)]).skipped[0]?.reason).toBe('physical address beyond 52 bits');
  });

  test('tables beyond the allowed host memory end the replay with the line and a hint', () => {
    const lines = Array.from({ length: 2000 }, (_, i) => map(i * GIB, 0x1000, 4 * KIB));
    const replay = pushAll(lines, { maxHostBytes: 12 * MIB }, 1 << 20);
    const again = replay.push(new Uint8Array(10));
    expect(again).toMatchObject({ ok: false, error: { code: 'too-large', hint: expect.any(String) } });
    expect(!again.ok && again.error.place).toMatch(/^test\.trace\.txt, line 1?\d\d$/);
    expect(replay.end()).toEqual(again);
  });

  test('many sizes and many tasks are bounded and accounted for', () => {
    const lines = Array.from({ length: 100 }, (_, i) =>
      map(i * GIB, 0x1000, 4096 * (1 + (i % 40)), { task: `t${i % 30}-${i % 30}` }),
    );
    const file = replayed(lines);
    expect(file.mapSizes).toHaveLength(32);
    expect(file.mapSizes.reduce((sum, { count }) => sum + count, file.mapSizesOther)).toBe(100);
    expect(file.topTasks).toHaveLength(20);
  });

  test('what is no trace is refused as the parser refuses it', () => {
    const replay = createReplay('x');
    replay.push(new TextEncoder().encode('hello\n'));
    expect(replay.end()).toMatchObject({ ok: false, error: { code: 'not-a-trace' } });
  });

  test('a trace without iommu events has no domain and costs nothing', () => {
    const file = replayed(['# tracer: nop', '#']);
    expect(file).toMatchObject({ domains: [], iovaFirst: null, occupancyPeak: 0, mapsPerSecond: null });
    expect(file.domainInference).toMatchObject({ inferred: 0, atLeast: 0, certainty: 1 });
    expect(file.designs.every(({ tableBytesPeak }) => tableBytesPeak === 0)).toBe(true);
    expect(file.series.time).toEqual([]);
  });
});

test('totals over files are the sums of each event', () => {
  const one = replayed([map(0, 0x7000, 4096), unmap(0, 4096), unmap(0, 4096)]);
  const other = replayed([map(0, 0x7000, 4096)]);
  const totals = totalEvents([one, other, { events: { 'tlb:tlb_flush': 9, toString: 1 } }]);
  expect(Object.entries(totals)).toEqual([
    ['tlb:tlb_flush', 9],
    ['iommu:map', 2],
    ['iommu:unmap', 2],
    ['toString', 1],
  ]);
  expect(totalEvents([])).toEqual({});
});

test('progress tells the bytes, lines and events so far', () => {
  const replay = pushAll([map(0, 0x7000, 4096), unmap(0, 4096)], {}, 1 << 16);
  expect(replay.progress).toMatchObject({ lines: 2, maps: 1, unmaps: 1 });
});
