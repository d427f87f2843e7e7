import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accountedLines, readTrace } from '../../test/fuzz/trace-fuzz.ts';
import type { TraceSummary } from './index.ts';
import { SKIP } from './index.ts';

/** Counted with regular expressions, apart from this parser: fixtures/traces/README.md. Event names without their system. */
interface Golden {
  readonly lines: number;
  readonly markers: number;
  readonly events: Readonly<Record<string, number>>;
}

const FOLDER = new URL('../../fixtures/traces/', import.meta.url);
const GOLDEN: Readonly<Record<string, Golden>> = JSON.parse(readFileSync(new URL('golden.json', FOLDER), 'utf8'));
const NAMES = Object.keys(GOLDEN);

function fixture(name: string): Uint8Array {
  return new Uint8Array(gunzipSync(readFileSync(new URL(`${name}.gz`, FOLDER))));
}

function summaryOf(name: string): TraceSummary {
  const { summary, error } = readTrace(fixture(name));
  if (summary === null) throw new Error(`${name} is refused: ${error?.message}`);
  return summary;
}

function bareNames(events: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(events).map(([name, count]) => [name.slice(name.indexOf(':') + 1), count]));
}

describe.each(NAMES)('the real trace %s', (name) => {
  const summary = summaryOf(name);
  const golden = GOLDEN[name]!;

  test('has the events that were counted in it', () => {
    expect(bareNames(summary.events)).toEqual(golden.events);
    expect(summary.otherLines.markers).toBe(golden.markers);
  });

  test('has every line accounted for', () => {
    expect(summary.lines).toBe(golden.lines);
    expect(accountedLines(summary)).toBe(summary.lines);
  });

  test('has no line that is not understood', () => {
    const reasons = summary.skipped.map((line) => line.reason);
    expect(reasons.filter((reason) => reason !== SKIP.raw && reason !== SKIP.hex)).toEqual([]);
  });

  test('has no time that goes back', () => {
    expect(summary.timeWentBack).toBe(0);
  });
});

describe('what the summary says of real traces', () => {
  test.each([
    ['variants61_clock-global.trace.txt', 'ftrace', 'seconds'],
    ['variants61_clock-x86-tsc.trace.txt', 'ftrace', 'ticks'],
    ['variants61_clock-uptime.trace.txt', 'ftrace', 'ticks'],
    ['variants61_opt-latency-format-1.trace.txt', 'ftrace-latency', 'seconds'],
    ['variants61_opt-context-info-0.trace.txt', 'ftrace-without-context', 'none'],
    ['variants61_function_graph.trace.txt', 'ftrace-function-graph', 'none'],
    ['variants61_opt-raw-1.trace.txt', 'ftrace-raw', 'none'],
    ['vfio61-lazy_vfio_edu-tc.report.txt', 'trace-cmd-report', 'seconds'],
    ['vfio61-lazy_vfio_edu-tc.report-l.txt', 'trace-cmd-report', 'seconds'],
    ['perf61-lazy_iommu-callgraph.perf-script.txt', 'perf-script', 'seconds'],
  ])('%s is %s with its time in %s', (name, format, timeUnit) => {
    expect(summaryOf(name)).toMatchObject({ format, timeUnit });
  });

  test('nanoseconds of trace-cmd report -t are kept', () => {
    expect(summaryOf('vfio61-lazy_vfio_edu-tc.report-t.txt').firstTimestamp).toBe(58.592437396);
  });

  test('microseconds of latency-format are seconds', () => {
    expect(summaryOf('variants61_opt-latency-format-1.trace.txt').firstTimestamp).toBe(0.039052);
  });

  test('each [LOST n EVENTS] is a gap with its count', () => {
    const { gaps, otherLines } = summaryOf('variants61_lost.trace_pipe.txt');
    expect(gaps).toEqual([
      { kind: 'lost-events', line: 1423, events: 113 },
      { kind: 'lost-events', line: 6832, events: 113 },
      { kind: 'lost-events', line: 9087, events: 112 },
      { kind: 'lost-events', line: 9764, events: 113 },
    ]);
    expect(otherLines.losses).toBe(4);
  });

  test('a buffer that wrapped is a gap of what it overwrote', () => {
    expect(summaryOf('variants61_wrapped.trace.txt').gaps).toEqual([
      { kind: 'overwritten', line: 3, events: 8022 - 1823 },
    ]);
  });

  test('kprobes keep their bare names beside the tracepoints', () => {
    expect(summaryOf('variants612_kprobes.trace.txt').events).toMatchObject({
      'iommu:map': 160,
      iommu_map: 60,
      dma_map_page: 60,
    });
    expect(summaryOf('boot612_boot.trace.txt').events).toMatchObject({ 'dma:dma_map_page': 289 });
  });

  test('lines of the raw and hex options are counted under their reason, with a warning that says what to do', () => {
    const raw = summaryOf('variants61_opt-raw-1.trace.txt');
    expect(raw.skipped).toEqual([{ reason: SKIP.raw, count: 329, example: '1 1 10281671283 type: 319', line: 13 }]);
    expect(raw.warnings.join()).toContain('options/raw');
    expect(summaryOf('variants61_opt-hex-1.trace.txt').skipped).toMatchObject([{ reason: SKIP.hex, count: 317 }]);
  });

  test('a trace without iommu events is read, with a warning', () => {
    expect(summaryOf('faults61-lazy_faults.trace.txt').warnings.join()).toContain('no iommu:map or iommu:unmap');
  });

  test('events of vfio_edu carry its task, its addresses and its lines', () => {
    const { events, summary } = readTrace(fixture('vfio61-lazy_vfio_edu-tc.report.txt'));
    expect(summary?.tasks).toEqual([{ comm: 'vfio_edu', pid: 308 }]);
    expect(events[0]).toEqual({
      kind: 'map',
      timestamp: 58.592719,
      taskId: 0,
      iovaPfn: 0,
      paddrPfn: 0x716c,
      pages: 2,
      unmappedPages: 0,
      line: 8,
    });
    expect(events[1]).toMatchObject({ kind: 'unmap', iovaPfn: 0, pages: 1, unmappedPages: 1, line: 9 });
  });

  test('the raw fields of trace-cmd report -R and its plain text are the same events', () => {
    const plain = readTrace(fixture('vfio61-lazy_vfio_edu-tc.report.txt'));
    for (const option of ['-R', '-l', '-tsdiff']) {
      expect(readTrace(fixture(`vfio61-lazy_vfio_edu-tc.report${option}.txt`)).events).toEqual(plain.events);
    }
  });
});

describe('where the bytes are cut into chunks', () => {
  const SMALL = [
    'variants61_percpu-all.trace.txt',
    'variants61_clock-x86-tsc.trace.txt',
    'variants61_opt-latency-format-1.trace.txt',
    'variants61_opt-record-tgid-1.trace.txt',
    'variants612_kprobes.trace.txt',
    'variants61_function_graph.trace.txt',
    'hw61-lazy_hw.trace.txt',
    'vfio61-lazy_vfio_edu-tc.report-tsdiff.txt',
    'perf61-lazy_iommu-first2000.perf-script.txt',
    'mixed61-lazy_mixed-first3000.trace.txt',
  ].map((name) => {
    const bytes = fixture(name).subarray(0, 40_000);
    return { bytes, whole: readTrace(bytes) };
  });

  test('any cuts give the same events and the same summary', () => {
    const cuts = fc.array(fc.nat(40_000), { maxLength: 60 }).map((at) => at.sort((a, b) => a - b));
    fc.assert(
      fc.property(fc.constantFrom(...SMALL), cuts, ({ bytes, whole }, at) => {
        const inside = at.filter((offset) => offset <= bytes.length);
        expect(readTrace(bytes, inside)).toEqual(whole);
      }),
      { numRuns: 60, seed: 20261121 },
    );
  });

  test.each([1, 7, 131])(
    'chunks of %i bytes give the same as one: the fast reader and the general one agree',
    (size) => {
      for (const { bytes, whole } of SMALL) {
        const cuts = Array.from({ length: Math.floor(bytes.length / size) }, (_, index) => (index + 1) * size);
        expect(readTrace(bytes, cuts)).toEqual(whole);
      }
    },
  );
});
