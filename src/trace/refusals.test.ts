import { describe, expect, test } from 'vitest';
import { readTrace } from '../../test/fuzz/trace-fuzz.ts';
import { SKIP, type TraceSummary, TraceTextParser } from './index.ts';

const HEADER = '# tracer: nop\n#\n';
const CONTEXT = '           iogen-275     [001] .....     6.965058: ';
const MAP = 'map: IOMMU: iova=0x00000000fff83000 - 0x00000000fff84000 paddr=0x000000000389d000 size=4096';
const UNMAP = 'unmap: IOMMU: iova=0x00000000fff83000 - 0x00000000fff84000 size=4096 unmapped_size=4096';

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function summaryOf(text: string): TraceSummary {
  const { summary, error } = readTrace(bytesOf(text));
  if (summary === null) throw new Error(`refused: ${error?.message}`);
  return summary;
}

function refusal(bytes: Uint8Array) {
  const { events, error } = readTrace(bytes);
  expect(events).toEqual([]);
  return error;
}

describe('encodings', () => {
  test('CRLF line ends and a UTF-8 byte order mark are accepted', () => {
    const summary = summaryOf(`\ufeff${HEADER}${CONTEXT}${MAP}\n\n${CONTEXT}${UNMAP}\n`.replaceAll('\n', '\r\n'));
    expect(summary.events).toEqual({ 'iommu:map': 1, 'iommu:unmap': 1 });
    expect(summary.otherLines).toMatchObject({ comments: 2, blank: 1 });
  });

  test('UTF-16 is refused, with and without a byte order mark', () => {
    const utf16 = new Uint8Array(Uint16Array.from(`${HEADER}${CONTEXT}${MAP}\n`, (char) => char.charCodeAt(0)).buffer);
    expect(refusal(utf16)).toMatchObject({ code: 'binary' });
    expect(refusal(Uint8Array.of(0xff, 0xfe, ...utf16))).toMatchObject({ code: 'utf-16' });
  });
});

describe('refusals', () => {
  const bytes = (...parts: readonly (string | number)[]): Uint8Array =>
    Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...bytesOf(part)])));

  test.each([
    ['nothing', bytes(), 'empty-input', 'trace-cmd record'],
    ['trace.dat', bytes(0x17, 0x08, 0x44, 'tracing6', 0, 0), 'trace-dat', 'trace-cmd report FILE'],
    ['perf.data', bytes('PERFILE2', 0x68, 0), 'perf-data', 'perf script'],
    ['xz', bytes(0xfd, '7zXZ', 0, 0, 4), 'compressed', 'xz -dc FILE | tablewalk replay -'],
    ['gzip', bytes(0x1f, 0x8b, 8, 0), 'compressed', 'gzip -dc FILE | tablewalk replay -'],
    ['NUL bytes', bytes('hello\nwor', 0, 'ld\n'), 'binary', 'trace-cmd'],
    ['one long line with NUL bytes', bytes('x'.repeat(100), 0, 'x'.repeat(70_000)), 'binary', 'trace-cmd'],
    ['prose', bytes('Dear list,\nthis is: not a trace.\n'), 'not-a-trace', 'trace-cmd record'],
    [
      'the kernel log',
      bytes('[    1.234567] DMAR: Host address width 39\n'.repeat(3)),
      'not-a-trace',
      'trace-cmd record',
    ],
    ['a byte order mark alone', bytes(0xef, 0xbb, 0xbf), 'not-a-trace', 'trace-cmd record'],
    ['blank lines', bytes('\n\n\n'), 'not-a-trace', 'trace-cmd record'],
  ])('%s is refused with a hint', (_, input, code, hint) => {
    const error = refusal(input);
    expect(error?.code).toBe(code);
    expect(error?.hint).toContain(hint);
  });

  test('come after a thousand lines, and not if the thousandth is a trace', () => {
    const prose = 'lorem ipsum\n';
    const parser = new TraceTextParser({ map: () => {}, unmap: () => {} });
    expect(parser.push(bytesOf(prose.repeat(999)))).toMatchObject({ ok: true });
    expect(parser.push(bytesOf(prose))).toMatchObject({ ok: false, error: { code: 'not-a-trace' } });
    expect(parser.push(bytesOf(`${CONTEXT}${MAP}\n`))).toMatchObject({ ok: false });
    expect(parser.end()).toMatchObject({ ok: false, error: { code: 'not-a-trace' } });
    expect(summaryOf(`${prose.repeat(999)}${CONTEXT}${MAP}\n`).skipped).toMatchObject([
      { reason: SKIP.notUnderstood, count: 999 },
    ]);
  });

  test('a head alone is a trace without events', () => {
    expect(summaryOf('# tracer: nop\n')).toMatchObject({
      format: 'ftrace',
      events: {},
      timeUnit: 'none',
      firstTimestamp: null,
    });
    expect(summaryOf('cpus=2\nversion = 7\nCPU 1 is empty\n')).toMatchObject({
      format: 'trace-cmd-report',
      otherLines: { headers: 3 },
    });
  });
});
