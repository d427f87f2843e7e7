import { describe, expect, test } from 'vitest';
import { accountedLines, readTrace } from '../../test/fuzz/trace-fuzz.ts';
import { SKIP } from './index.ts';

const HEADER = '# tracer: nop\n#\n';
const CONTEXT = '           iogen-275     [001] .....     6.965058: ';
const MAP = 'map: IOMMU: iova=0x00000000fff83000 - 0x00000000fff84000 paddr=0x000000000389d000 size=4096';
const UNMAP = 'unmap: IOMMU: iova=0x00000000fff83000 - 0x00000000fff84000 size=4096 unmapped_size=4096';

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Reads a text that must be a trace, and holds the accounts to its lines. */
function read(text: string) {
  const { events, summary, error } = readTrace(bytesOf(text));
  if (summary === null) throw new Error(`refused: ${error?.message}`);
  expect(accountedLines(summary)).toBe(summary.lines);
  const skipped = Object.fromEntries(summary.skipped.map(({ reason, count }) => [reason, count]));
  return { events, summary, skipped };
}

function tasksOf(line: string): string[] {
  return read(`${line}\n`).summary.tasks.map(({ comm, pid }) => `${comm}/${pid}`);
}

describe('the arguments of map and unmap', () => {
  function events(...args: readonly string[]) {
    return read(HEADER + args.map((line) => `${CONTEXT}${line}\n`).join('')).events;
  }

  test('are read as kernels up to 5.16 print them, without the end', () => {
    expect(
      events(
        'map: IOMMU: iova=0x00000000fff83000 paddr=0x000000000389d000 size=8192',
        'unmap: IOMMU: iova=0x00000000fff83000 size=8192 unmapped_size=4096',
      ),
    ).toMatchObject([
      { kind: 'map', iovaPfn: 0xfff83, paddrPfn: 0x389d, pages: 2, unmappedPages: 0 },
      { kind: 'unmap', iovaPfn: 0xfff83, paddrPfn: 0, pages: 2, unmappedPages: 1 },
    ]);
  });

  test('may have sizes in hexadecimal, short addresses, and the decimal in parentheses that the fields option adds', () => {
    expect(
      events(
        'map: iova=0xfffb9000 (4294676480) paddr=0xffb9000 (268144640) size=0x1000 (4096)',
        'unmap: iova=0xfffb9000 (4294676480) size=0x1000 (4096) unmapped_size=0x0 (0)',
      ),
    ).toMatchObject([
      { iovaPfn: 0xfffb9, paddrPfn: 0xffb9, pages: 1 },
      { iovaPfn: 0xfffb9, pages: 1, unmappedPages: 0 },
    ]);
  });

  test('may be followed by fields that a later kernel adds', () => {
    expect(events(`${MAP} prot=0x3 dev=0000:00:03.0`)).toHaveLength(1);
  });

  test('are exact up to the last page of 64 bits, whose end the kernel prints as 0', () => {
    const last = 'iova=0xfffffffffffff000 - 0x0000000000000000 paddr=0xfffffffffffff000 size=4096';
    expect(events(`map: IOMMU: ${last}`)).toMatchObject([{ iovaPfn: 2 ** 52 - 1, paddrPfn: 2 ** 52 - 1, pages: 1 }]);
    const most = 'iova=0x0000000000001000 - 0x0000000000000000 paddr=0x0000000000001000 size=18446744073709547520';
    expect(events(`map: IOMMU: ${most}`)).toMatchObject([{ pages: 2 ** 52 - 1 }]);
  });

  const BAD: readonly (readonly [string, string])[] = [
    ['map: IOMMU: iova=0x00000000fff83001 - 0x00000000fff84001 paddr=0x000000000389d000 size=4096', SKIP.unaligned],
    ['map: IOMMU: iova=0x00000000fff83000 - 0x00000000fff84000 paddr=0x000000000389d800 size=4096', SKIP.unaligned],
    ['map: IOMMU: iova=0x00000000fff83000 - 0x00000000fff83200 paddr=0x000000000389d000 size=512', SKIP.unaligned],
    ['unmap: IOMMU: iova=0x00000000fff83000 - 0x00000000fff84000 size=4096 unmapped_size=100', SKIP.unaligned],
    ['map: IOMMU: iova=0x00000000fff83000 - 0x00000000fff85000 paddr=0x000000000389d000 size=4096', SKIP.endMismatch],
    ['unmap: IOMMU: iova=0x00000000fff83000 - 0x0000000000000000 size=4096 unmapped_size=4096', SKIP.endMismatch],
    ['map: IOMMU: iova=0x00000000fff83000 - 0x00000000fff84001 paddr=0x000000000389d000 size=4096', SKIP.endMismatch],
    ['map: IOMMU: iova=0x00000000fff83000 paddr=0x000000000389d000 size=4097', SKIP.unaligned],
    ['map: IOMMU: iova=0x0000000000000000 paddr=0x0000000000000000 size=18446744073709551616', SKIP.beyond64Bits],
    ['map: IOMMU: iova=0x00000000fff83000 - 0x00000000fff83000 paddr=0x000000000389d000 size=0', SKIP.empty],
    ['map: IOMMU: iova=0x00000000000000000fff83000 paddr=0x10000000000000000 size=4096', SKIP.beyond64Bits],
    ['map: IOMMU: iova=0xfffffffffffff000 paddr=0x1000 size=8192', SKIP.beyond64Bits],
    ['map: IOMMU: iova=0x1000 paddr=0xfffffffffffff000 size=8192', SKIP.beyond64Bits],
    ['map: IOMMU: iova=0x1000 paddr=0x1000 size=18446744073709551616', SKIP.beyond64Bits],
    ['map: IOMMU: iova=0x1000 paddr=0x1000 size=99999999999999999999999999999', SKIP.beyond64Bits],
    ['map: IOMMU: iova=0x1000 paddr=0x1000 size=-4096', SKIP.malformed],
    ['map: IOMMU: iova=0x1000 paddr=0x1000 size=', SKIP.malformed],
    ['map: IOMMU: iova=0x1000 paddr=0x1000 size=4096garbage', SKIP.malformed],
    ['map: IOMMU: iova=0x1000 paddr=0x1000 size=4096 and more', SKIP.malformed],
    ['map: IOMMU: iova=0x paddr=0x1000 size=4096', SKIP.malformed],
    ['map: IOMMU: paddr=0x1000 iova=0x1000 size=4096', SKIP.malformed],
    ['unmap: IOMMU: iova=0x1000 size=4096', SKIP.malformed],
    ['iommu:map: some other text', SKIP.malformed],
  ];
  test.each(BAD)('%s is skipped: %s', (line, reason) => {
    // Among good lines, so that the fast reader meets it too.
    const good = `${CONTEXT}${MAP}\n`;
    const { skipped, events, summary } = read(`${HEADER}${good}${CONTEXT}${line}\n${good.repeat(8)}`);
    expect(skipped).toEqual({ [reason]: 1 });
    expect(events).toHaveLength(9);
    expect(summary.skipped[0]).toMatchObject({ line: 4, example: `${CONTEXT}${line}`.slice(0, 160) });
  });
});

describe('which events are iommu:map', () => {
  test('a kprobe named map is counted as plain map', () => {
    const { summary, events } = read(
      `${CONTEXT}map: (iommu_map+0x4/0xd0) iova=0x1000 paddr=0x1000 size=0x1000\n${CONTEXT}${MAP}\n`,
    );
    expect(summary.events).toEqual({ map: 1, 'iommu:map': 1 });
    expect(events).toHaveLength(1);
  });

  test('an event named map with other fields is counted as plain map', () => {
    expect(read(`${CONTEXT}map: dev=eth0 queue=3\n`).summary.events).toEqual({ map: 1 });
  });

  test('a kprobe with the name of another known tracepoint keeps the bare name', () => {
    const { events } = read(`${CONTEXT}dma_map_page: (iommu_dma_map_page+0x4/0x290) dev=0xff\n`).summary;
    expect(events).toEqual({ dma_map_page: 1 });
  });

  test('marker text that looks like a map is a marker', () => {
    const { summary, events } = read(
      `${HEADER}${CONTEXT}tracing_mark_write: ${MAP}\n${CONTEXT}print: tracing_mark_write: ${UNMAP}\n${CONTEXT}# 1 buf: 00\n`,
    );
    expect(events).toEqual([]);
    expect(summary.otherLines.markers).toBe(3);
    expect(summary.events).toEqual({});
  });

  test('the second line of marker text is not believed where events have a task and a time', () => {
    const { skipped, events } = read(`${CONTEXT}tracing_mark_write: two lines\n${MAP}\n`);
    expect(events).toEqual([]);
    expect(skipped).toEqual({ [SKIP.bare]: 1 });
  });

  test('a call of the function tracer to a function named map is no event', () => {
    const { summary } = read(`${CONTEXT}map <-iommu_map\n${CONTEXT}map\n`);
    expect(summary.events).toEqual({});
    expect(summary.otherLines.functions).toBe(2);
  });

  test('names that objects have of their own are names like any other', () => {
    const { summary } = read(`${CONTEXT}__proto__: a\n${CONTEXT}constructor: b\n${CONTEXT}__proto__: c\n`);
    expect(Object.entries(summary.events)).toEqual([
      ['__proto__', 2],
      ['constructor', 1],
    ]);
  });

  test('more names than are told apart share one place, and map stays itself', () => {
    const names = Array.from({ length: 3000 }, (_, index) => `${CONTEXT}event_${index}: x\n`).join('');
    const { summary } = read(`${names}${CONTEXT}${MAP}\n`);
    expect(summary.events['iommu:map']).toBe(1);
    expect(summary.events['other events']).toBeGreaterThan(1000);
    expect(Object.keys(summary.events).length).toBeLessThan(1010);
  });

  test('perf names carry their system', () => {
    const { summary, events } = read(
      `         swapper     0 [000]    11.629944:          1    iommu:map: ${MAP.slice(5)}\n`,
    );
    expect(summary).toMatchObject({
      format: 'perf-script',
      events: { 'iommu:map': 1 },
      tasks: [{ comm: 'swapper', pid: 0 }],
    });
    expect(events).toHaveLength(1);
  });
});

describe('the task of a line', () => {
  const after = `     [001] d..1.     7.910583: ${MAP}`;

  test.each([
    ['          <idle>-0  ', '<idle>/0'],
    ['           <...>-385', '<...>/385'],
    [' kworker/u8:0-ev-12 ', 'kworker/u8:0-ev/12'],
    ['      my program-77 ', 'my program/77'],
    ['     a-1 [000] x-77 ', 'a-1 [000] x/77'],
    ['         (a) [b]-77 ', '(a) [b]/77'],
    ['     a: map: IOM-77 ', 'a: map: IOM/77'],
    ['            ünï-77 ', 'ünï/77'],
  ])('is found from the right: %s', (task, expected) => {
    expect(tasksOf(task + after)).toEqual([expected]);
  });

  test('is found without the padding, and behind the prefix of trace-cmd report for several files', () => {
    expect(tasksOf(`a-1 [000] x-77 [001] .... 1.5: ${MAP}`)).toEqual(['a-1 [000] x/77']);
    expect(tasksOf(`  second.dat:           <idle>-0     [001]     7.910583: ${MAP}`)).toEqual(['<idle>/0']);
  });

  test('cannot be forged by a terminal escape', () => {
    expect(tasksOf(`       \u001b[31mred-77     [001] d..1.     7.910583: ${MAP}`)).toEqual(['\\x1b[31mred/77']);
  });

  test('is told apart by pid, and is unnamed where the line has none', () => {
    const { summary } = read(
      `              dd-1       [001] .....     6.1: ${MAP}\n              dd-2       [001] .....     6.2: ${UNMAP}\n`,
    );
    expect(summary.tasks).toEqual([
      { comm: 'dd', pid: 1 },
      { comm: 'dd', pid: 2 },
    ]);
    expect(read(`${HEADER}${MAP}\n`).summary.tasks).toEqual([{ comm: '', pid: null }]);
  });

  test('shares one place with the others past the limit', () => {
    const line = (pid: number): string =>
      `              dd-${String(pid).padEnd(7)} [001] .....     6.100000: ${MAP}\n`;
    const { summary, events } = read(Array.from({ length: 66_000 }, (_, pid) => line(pid)).join(''));
    expect(summary.tasks).toHaveLength(65_537);
    expect(summary.tasks[events.at(-1)!.taskId]).toEqual({ comm: 'other tasks', pid: null });
    expect(summary.warnings.join()).toContain('other tasks');
  });
});

describe('the fast reader', () => {
  // It takes lines of tasks it has seen; each of these differs from such a line in one byte, and the general reader must decide.
  const known = `${CONTEXT}${MAP}\n`;
  const padding = known.repeat(8);

  test('says what the general one says of a line with another byte anywhere', () => {
    for (let column = 0; column < known.length; column++) {
      for (const byte of ['x', '0', ' ', '-', '[', ':', '1']) {
        const line = known.slice(0, column) + byte + known.slice(column + 1);
        const bytes = bytesOf(known + line + padding);
        const everyByte = Array.from({ length: known.length + line.length }, (_, at) => at);
        expect(readTrace(bytes), line).toEqual(readTrace(bytes, everyByte));
      }
    }
  });
});

describe('time', () => {
  test('that goes back is counted, and the earliest and the latest are told', () => {
    const lines = ['5.000001', '7.5', '3.25', '6.000000'].map(
      (time) => `              dd-1       [001] .....     ${time}: ${MAP}\n`,
    );
    expect(read(lines.join('')).summary).toMatchObject({ firstTimestamp: 3.25, lastTimestamp: 7.5, timeWentBack: 1 });
  });

  test('in another unit than the first is not mixed with it', () => {
    const { summary, events } = read(
      `              dd-1       [001] .....     5.5: ${MAP}\n              dd-1       [001] .....     26881308270: ${MAP}\n`,
    );
    expect(events.map((event) => event.timestamp)).toEqual([5.5, 5.5]);
    expect(summary.warnings.join()).toContain('another unit');
  });

  test('of latency-format with verbose is in milliseconds, or in ticks of another clock', () => {
    const verbose = '           iogen     307   1 1 00000000 00000012 ';
    expect(read(`${verbose}[0000000000027f00] 52.283ms (+0.085ms): ${MAP}\n`).events).toMatchObject([
      { timestamp: 0.052283 },
    ]);
    expect(read(`${verbose}[0000000000027f00] 52283 (+85): ${MAP}\n`).summary).toMatchObject({
      timeUnit: 'ticks',
      lastTimestamp: 52283,
    });
  });

  test('of funcgraph-abstime is kept', () => {
    const { events } = read(`# tracer: function_graph\n   12.345678 |   0)               |      /* ${MAP} */\n`);
    expect(events).toMatchObject([{ timestamp: 12.345678 }]);
  });
});

describe('losses', () => {
  test('are gaps, with or without a count, of ftrace and of trace-cmd', () => {
    const { summary } = read(
      'CPU:0 [LOST 12 EVENTS]\nCPU:1 [LOST EVENTS]\nCPU:7 [204600 EVENTS DROPPED]\nCPU:3 [EVENTS DROPPED]\n',
    );
    expect(summary.gaps).toEqual([
      { kind: 'lost-events', line: 1, events: 12 },
      { kind: 'lost-events', line: 2, events: null },
      { kind: 'dropped-events', line: 3, events: 204600 },
      { kind: 'dropped-events', line: 4, events: null },
    ]);
  });

  test('past the hundredth are only counted', () => {
    expect(read('CPU:0 [LOST 1 EVENTS]\n'.repeat(250)).summary).toMatchObject({
      gapsOmitted: 150,
      otherLines: { losses: 250 },
    });
  });

  test('are also in the head of latency-format', () => {
    expect(read(`${HEADER}# latency: 0 us, #294/394, CPU#0 | (M:desktop VP:0)\n`).summary.gaps).toMatchObject([
      { events: 100 },
    ]);
  });
});

describe('lines that are not whole', () => {
  test('a complete last line without a newline is an event', () => {
    expect(read(`${HEADER}${CONTEXT}${UNMAP}`)).toMatchObject({ events: [{ kind: 'unmap' }], summary: { lines: 3 } });
  });

  test('a last line cut anywhere is never taken for a whole one', () => {
    const large = 'unmap: IOMMU: iova=0x0000000000014000 - 0x0000000000028000 size=81920 unmapped_size=81920';
    for (const event of [MAP, UNMAP, large]) {
      const line = CONTEXT + event;
      for (let end = CONTEXT.length + 1; end < line.length; end++) {
        const { events, skipped, summary } = read(`${HEADER}${line.slice(0, end)}`);
        expect(events).toEqual([]);
        expect(skipped).toEqual({ [SKIP.truncated]: 1 });
        expect(summary.warnings.join()).toContain('cut short');
      }
    }
  });

  test('a line that is too long is counted and passed over, wherever it stands', () => {
    const long = 'x'.repeat(70_000);
    const { skipped, events, summary } = read(`${HEADER}${CONTEXT}${MAP}\n${long}\n${CONTEXT}${UNMAP}\n${long}`);
    expect(skipped).toEqual({ [SKIP.overlong]: 2 });
    expect(events).toHaveLength(2);
    expect(summary.skipped[0]?.example).toHaveLength(160);
    expect(read(`${CONTEXT}${MAP}${' '.repeat(70_000)}\n${CONTEXT}${MAP}\n`).skipped).toEqual({ [SKIP.overlong]: 1 });
  });

  test('a first line cut down to its event does not decide the format', () => {
    expect(read(`${MAP}\n${CONTEXT}${UNMAP}\n`).summary).toMatchObject({ format: 'ftrace', timeUnit: 'seconds' });
  });

  test('binary data far into a trace is a skipped line', () => {
    const { skipped, events } = read(`${CONTEXT}${MAP}\n\0\0\u0001\n${CONTEXT}${MAP}\n`);
    expect(skipped).toEqual({ [SKIP.binary]: 1 });
    expect(events).toHaveLength(2);
  });

  test('an example is printable and says where it was', () => {
    const { summary } = read(`${HEADER}\u001b]0;title\u0007\u202e not a trace line\n`);
    expect(summary.skipped).toEqual([
      { reason: SKIP.notUnderstood, count: 1, example: '\\x1b]0;title\\x07\\x202e not a trace line', line: 3 },
    ]);
  });
});
