/**
 * Fuzzing of the trace reader: small real traces, damaged at random. Whatever comes in, the reader must not throw, must account
 * for every line, must hand out numbers in range, and must say the same however the bytes are cut into chunks.
 */

import { createRandom, type Random } from '../../src/base/random.ts';
import type { InputError } from '../../src/base/result.ts';
import {
  type IommuRecord,
  type TraceParserOptions,
  type TraceSummary,
  TraceTextParser,
} from '../../src/trace/index.ts';

export interface ReadTrace {
  readonly events: readonly (IommuRecord & { readonly kind: 'map' | 'unmap' })[];
  readonly summary: TraceSummary | null;
  readonly error: InputError | null;
}

/** Reads `bytes` in chunks that end where `cuts` (ascending offsets) say, and keeps everything the reader hands out. */
export function readTrace(
  bytes: Uint8Array,
  cuts: readonly number[] = [],
  options: TraceParserOptions = {},
): ReadTrace {
  const events: (IommuRecord & { kind: 'map' | 'unmap' })[] = [];
  const parser = new TraceTextParser(
    {
      map: (record) => events.push({ kind: 'map', ...record }),
      unmap: (record) => events.push({ kind: 'unmap', ...record }),
    },
    options,
  );
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    // A copy, filled with other bytes afterwards: the reader may keep nothing of a chunk.
    const chunk = bytes.slice(from, cut);
    parser.push(chunk);
    chunk.fill(0x5a);
    from = cut;
  }
  const result = parser.end();
  return result.ok ? { events, summary: result.value, error: null } : { events, summary: null, error: result.error };
}

/** Lines of the input as `lines`, and the sum of all that the summary counts: equal, or a line was lost. */
export function accountedLines(summary: TraceSummary): number {
  const sum = (counts: Iterable<number>): number => [...counts].reduce((total, count) => total + count, 0);
  const { events, otherLines, skipped } = summary;
  return sum(Object.values(events)) + sum(Object.values(otherLines)) + sum(skipped.map((line) => line.count));
}

const MAPS = [
  '           iogen-275     [001] .....     6.965058: map: IOMMU: iova=0x00000000fff83000 - 0x00000000fff84000 paddr=0x000000000389d000 size=4096',
  '          <idle>-0       [000] d.h1.     6.965316: unmap: IOMMU: iova=0x00000000fff83000 - 0x00000000fff84000 size=4096 unmapped_size=4096',
  '     iova_stress-262     [001] .....  1234.910583: map: IOMMU: iova=0x0000000000000000 - 0x0000000000002000 paddr=0x0000000100a92000 size=8192',
  '           iogen-275     [001] .....     6.965058: unmap: IOMMU: iova=0x00000000fff83000 size=4096 unmapped_size=4096',
];
const SEEDS: readonly (readonly string[])[] = [
  [
    '# tracer: nop',
    '# entries-in-buffer/entries-written: 1823/8022   #P:2',
    ...MAPS,
    '         mmchurn-810     [001] ...1.    24.655956: sys_mmap -> 0x0',
    '          <idle>-0       [001] d.s2.     4.109280: qi_submit: iotlb_inv dmar0: 0x300e2 0x0 0x0 0x0',
    '        vfio_edu-330     [001] .....    24.835732: tracing_mark_write: map: IOMMU: iova=0x100000',
    'CPU:0 [LOST 113 EVENTS]',
    ' => do_syscall_64',
    ...MAPS,
  ],
  [
    'cpus=2',
    '        vfio_edu-308   [000]    58.592719: map:                  IOMMU: iova=0x0000000000000000 - 0x0000000000002000 paddr=0x000000000716c000 size=8192',
    '        vfio_edu-308   [000]    58.592749: (+30)    unmap:                iova=0x0000000000000000 size=4096 unmapped_size=4096',
    'vfio_edu-308     0d..1.    58.592757: qi_submit:            iotlb_inv dmar0: 0x400f2 0x0 0x0 0x0',
    'CPU:7 [204600 EVENTS DROPPED]',
  ],
  [
    '# tracer: function_graph',
    ' 0) + 30.205 us   |    iommu_get_dma_domain();',
    ' 0)               |      /* map: IOMMU: iova=0x00000000ffd16000 - 0x00000000ffd17000 paddr=0x0000000004039000 size=4096 */',
    ' 0)   iogen-420    =>    <idle>-0   ',
  ],
  [
    'iogen   311 [000]    22.026048:   iommu:map: IOMMU: iova=0x00000000fffba000 - 0x00000000fffbb000 paddr=0x00000000054c7000 size=4096',
    '\tffffffffaf8ddb28 __iommu_map+0x258 ([kernel.kallsyms])',
    '',
    '   iogen-307       1d.h2. 52283us+: unmap: IOMMU: iova=0x00000000ffe3f000 - 0x00000000ffe40000 size=4096 unmapped_size=4096',
    'map: IOMMU: iova=0xfffb9000 (4294676480) paddr=0xffb9000 (268144640) size=0x1000 (4096)',
    '328 0 10287101249 type: 1149',
  ],
];
const PIECES = [
  '18446744073709551616',
  '0xffffffffffffffff',
  '99999999999999999999999999',
  '-1 [000] 1.0: map: ',
  ' - 0x',
  '\r\n',
  '\n\n',
  '\0\0\0',
  '/* ',
  '😀',
  '\u202e',
  '__proto__: ',
];

/** `runs` damaged traces from `seed`. @throws Error that names the seed and the run at the first broken promise. */
export function fuzzTrace(seed: number, runs: number): void {
  const random = createRandom(seed);
  for (let run = 0; run < runs; run++) {
    const bytes = damaged(random);
    const cuts = randomCuts(random, bytes.length);
    const options =
      random.below(4) === 0 ? { maxLineBytes: 64 + random.below(200), linesToRecognise: 1 + random.below(20) } : {};
    try {
      const whole = readTrace(bytes, [], options);
      checkPromises(whole);
      checkEqual(whole, readTrace(bytes, cuts, options));
    } catch (cause) {
      const text = JSON.stringify(String.fromCharCode(...bytes.slice(0, 4000)));
      throw new Error(`fuzzTrace(${seed}, …) fails in run ${run}, cuts ${cuts.slice(0, 20)}: ${cause}\n${text}`, {
        cause,
      });
    }
  }
}

function damaged(random: Random): Uint8Array {
  const lines: string[] = [];
  const count = 1 + random.below(40);
  const seed = random.pick(SEEDS);
  for (let i = 0; i < count; i++) lines.push(random.pick(random.below(8) === 0 ? random.pick(SEEDS) : seed));
  let bytes: Uint8Array = new TextEncoder().encode(
    lines.join(random.below(10) === 0 ? '\r\n' : '\n') + (random.below(3) ? '\n' : ''),
  );
  for (let i = random.below(5); i > 0 && bytes.length > 0; i--) bytes = damage(bytes, random);
  return bytes;
}

function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length);
  const end = Math.min(bytes.length, at + random.below(60));
  const before = bytes.subarray(0, at);
  switch (random.below(7)) {
    case 0: {
      const copy = bytes.slice();
      copy[at] = copy[at]! ^ (1 << random.below(8));
      return copy;
    }
    case 1:
      return bytes.slice(0, at);
    case 2:
      return joined(before, bytes.subarray(end));
    case 3:
      return joined(before, bytes.subarray(at, end), bytes.subarray(at));
    case 4:
      return joined(before, new TextEncoder().encode(random.pick(PIECES)), bytes.subarray(random.below(2) ? at : end));
    case 5:
      return joined(
        before,
        new Uint8Array(random.below(20) === 0 ? 70_000 : random.below(300)).fill(32 + random.below(90)),
        bytes.subarray(at),
      );
    default: {
      const from = random.below(bytes.length);
      return joined(before, bytes.subarray(from, from + random.below(200)), bytes.subarray(end));
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function randomCuts(random: Random, size: number): number[] {
  const step = 1 + random.below(random.below(2) ? 40 : 2000);
  const cuts: number[] = [];
  for (let at = random.below(step + 1); at < size; at += 1 + random.below(step)) cuts.push(at);
  return cuts;
}

function checkPromises({ events, summary, error }: ReadTrace): void {
  if ((summary === null) === (error === null)) throw new Error('neither a summary nor an error, or both');
  for (const event of events) checkRecord(event, summary);
  if (summary === null) {
    if (events.length > 0) throw new Error('events were handed out of an input that is refused');
    return;
  }
  if (accountedLines(summary) !== summary.lines)
    throw new Error(`${summary.lines} lines, ${accountedLines(summary)} accounted for`);
  const told = (summary.events['iommu:map'] ?? 0) + (summary.events['iommu:unmap'] ?? 0);
  if (told !== events.length) throw new Error(`${told} maps and unmaps counted, ${events.length} handed out`);
  for (const time of [summary.firstTimestamp, summary.lastTimestamp]) {
    if (time !== null && !Number.isFinite(time)) throw new Error('a time is not finite');
  }
}

function checkRecord(record: IommuRecord, summary: TraceSummary | null): void {
  const { iovaPfn, paddrPfn, pages, unmappedPages, timestamp, taskId, line } = record;
  const pageNumbers = [iovaPfn, paddrPfn, pages, unmappedPages].every(
    (n) => Number.isInteger(n) && n >= 0 && n <= 2 ** 52,
  );
  const inRange = pages > 0 && iovaPfn + pages <= 2 ** 52 && paddrPfn + pages <= 2 ** 52;
  const known = summary === null || (taskId < summary.tasks.length && line <= summary.lines);
  if (!(pageNumbers && inRange && known && Number.isFinite(timestamp) && timestamp >= 0 && taskId >= 0 && line >= 1)) {
    throw new Error(`a record is out of range: ${JSON.stringify(record)}`);
  }
}

function checkEqual(whole: ReadTrace, cut: ReadTrace): void {
  const [a, b] = [JSON.stringify(whole), JSON.stringify(cut)];
  if (a === b) return;
  let at = 0;
  while (a[at] === b[at]) at++;
  throw new Error(
    `chunks change the answer: ${a.slice(Math.max(0, at - 200), at + 200)} became ${b.slice(Math.max(0, at - 20), at + 200)}`,
  );
}
