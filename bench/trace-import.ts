/**
 * Trace import against mawk splitting the same file into fields: both read the file in one process and one thread, in turn, and the
 * medians are compared. Reading the file is part of both; starting node is not, starting mawk is (a millisecond).
 *
 *   xz -dc big.trace.txt.xz > big.trace.txt; node COMPILED/bench/trace-import.js big.trace.txt
 */

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatInputError } from '../src/base/result.ts';
import { TraceTextParser } from '../src/trace/index.ts';

const CHUNK_BYTES = 512 * 1024;
const RUNS = 7;

export interface TraceImportTimes {
  /** Medians. */
  readonly seconds: number;
  readonly mawkSeconds: number;
  readonly ratio: number;
  /** All runs, shortest first. */
  readonly allSeconds: readonly number[];
  readonly allMawkSeconds: readonly number[];
}

export function benchTraceImport(path: string, runs: number = RUNS): TraceImportTimes {
  const ours: number[] = [];
  const mawk: number[] = [];
  for (let run = 0; run < runs; run++) {
    mawk.push(timed(() => splitFields(path)));
    ours.push(timed(() => importTrace(path)));
  }
  const allSeconds = ours.sort((a, b) => a - b);
  const allMawkSeconds = mawk.sort((a, b) => a - b);
  const seconds = allSeconds[Math.floor(runs / 2)]!;
  const mawkSeconds = allMawkSeconds[Math.floor(runs / 2)]!;
  return { seconds, mawkSeconds, ratio: seconds / mawkSeconds, allSeconds, allMawkSeconds };
}

function timed(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

function splitFields(path: string): void {
  const { status, error, stderr } = spawnSync('mawk', ['{n+=NF} END{print n}', path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mawk did not run (apt-get install mawk): ${error?.message ?? stderr}`);
}

function importTrace(path: string): void {
  let pages = 0;
  const parser = new TraceTextParser({
    map: (record) => {
      pages += record.pages;
    },
    unmap: (record) => {
      pages -= record.unmappedPages;
    },
  });
  const chunk = new Uint8Array(CHUNK_BYTES);
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const size = readSync(file, chunk, 0, CHUNK_BYTES, null);
      if (size === 0) break;
      parser.push(chunk.subarray(0, size));
    }
  } finally {
    closeSync(file);
  }
  const result = parser.end();
  if (!result.ok) throw new Error(formatInputError({ place: path, ...result.error }));
  if (!Number.isFinite(pages)) throw new Error('the pages that were read are no number');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = process.argv[2];
  if (path === undefined) {
    process.stderr.write('usage: node trace-import.js FILE (a kernel trace, of some hundred megabytes)\n');
    process.exitCode = 2;
  } else process.stdout.write(`${JSON.stringify(benchTraceImport(path), null, 2)}\n`);
}
