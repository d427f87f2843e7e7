import { describe, expect, test } from 'vitest';
import { Clock } from './clock.ts';
import { createReplay } from './replay.ts';
import { cost, GIB, KIB, MIB, map, pushAll, replayed, unmap } from './trace-lines.ts';

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
