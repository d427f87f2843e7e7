import { describe, expect, test } from 'vitest';
import { TABLE_RECLAIM } from '../../designs/table-reclaim/index.straight.ts';
import { totalEvents } from './file.ts';
import { cost, KIB, MIB, map, pushAll, replayed, unmap } from './trace-lines.ts';

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
