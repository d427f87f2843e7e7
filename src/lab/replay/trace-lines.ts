/** For the tests here: lines of ftrace text as the kernel prints them, and their replay. */
import { createReplay, type Replay, type ReplayOptions } from './replay.ts';
import type { DesignCost, FlushMode, ReplayFile } from './result.ts';

export const KIB = 2 ** 10;
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

export interface LineOptions {
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

export function map(iova: number, paddr: number, size: number, options: LineOptions = {}): string {
  return `${head(options)}map: IOMMU: iova=${hex(iova)} - ${hex(iova + size)} paddr=${hex(paddr)} size=${size}`;
}

export function unmap(iova: number, size: number, options: LineOptions = {}): string {
  const unmapped = options.unmapped ?? size;
  return `${head(options)}unmap: IOMMU: iova=${hex(iova)} - ${hex(iova + size)} size=${size} unmapped_size=${unmapped}`;
}

export function pushAll(lines: readonly string[], options: ReplayOptions, chunk: number): Replay {
  const replay = createReplay('test.trace.txt', options);
  const bytes = Uint8Array.from(`${lines.join('\n')}\n`, (char) => char.charCodeAt(0));
  for (let at = 0; at < bytes.length; at += chunk) replay.push(bytes.subarray(at, at + chunk));
  return replay;
}

export function replayed(lines: readonly string[], options: ReplayOptions = {}, chunk = 1 << 16): ReplayFile {
  const result = pushAll(lines, options, chunk).end();
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}

export function cost(file: ReplayFile, design: string, mode: FlushMode): DesignCost {
  return file.designs.find((entry) => entry.design === design && entry.mode === mode)!;
}
