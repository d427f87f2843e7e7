/**
 * `npm run bench [-- micro|stress|trace|check|vtd …]`: ratios in one run, each with its spread, never a claim without its command.
 *
 * micro: the workloads of micro-workloads.ts, our page table (lazy-prune and covered-range) against the C reference, with
 * and without clearing tables; processes take turns. stress: iova_stress over 16 TiB, freeing against not freeing.
 * trace: our decoder against mawk splitting the same file into fields. check: the explorer on programs with known counts.
 * vtd: the VT-d unit's hits and walks.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { benchCheck } from './check.ts';
import { formatMicro, formatRatio, type MicroRow, machineLine } from './format.ts';
import { buildReference, type ReferenceBinary, runReferenceMicro } from './reference.ts';
import { ratioOfMedians, summarize } from './stats.ts';
import { benchTraceImport } from './trace-import.ts';
import { benchVtd } from './vtd.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const TURNS = 3;
const ROUNDS = 3;

interface ChildRounds {
  readonly checksum: number;
  readonly failures: number;
  readonly rounds: readonly (readonly number[])[];
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function child<T>(script: string, ...args: string[]): T {
  const done = spawnSync(process.execPath, [join(HERE, script), ...args], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (done.status !== 0) throw new Error(`${script} ${args.join(' ')} failed: ${done.stderr}`);
  return JSON.parse(done.stdout) as T;
}

function micro(design: string): void {
  const plain = buildReference({ zeroTables: false });
  const zeroing = buildReference({ zeroTables: true });
  if (!plain.ok) say(plain.message);
  const ours: number[][] = [];
  const c: number[][] = [];
  const cZero: number[][] = [];
  let names: readonly string[] = [];
  const checksums = new Set<number>();
  for (let turn = 0; turn < TURNS; turn++) {
    if (plain.ok) names = addReference(plain.value, c, checksums);
    if (zeroing.ok) addReference(zeroing.value, cZero, checksums);
    const run = child<ChildRounds>('micro-child.js', design, String(ROUNDS));
    if (run.failures !== 0) throw new Error(`${design}: ${run.failures} operations failed`);
    checksums.add(run.checksum);
    for (const round of run.rounds) {
      for (const [i, ns] of round.entries()) push(ours, i, ns);
    }
  }
  say(`\n== micro workloads, ${design}: ns an operation (${machineLine(plain.ok ? plain.value.compiler : undefined)})`);
  if (checksums.size !== 1) throw new Error(`checksums differ: ${[...checksums].join(', ')}`);
  say(`checksum over all translations and entries: ${[...checksums][0]}, the same in all`);
  const rows = ours.map((values, i): MicroRow => {
    const name = names[i] ?? `workload ${i}`;
    return plain.ok && zeroing.ok
      ? { name, ours: values, reference: c[i] ?? [], zeroing: cZero[i] ?? [] }
      : { name, ours: values };
  });
  say(formatMicro(rows));
}

function addReference(binary: ReferenceBinary, into: number[][], checksums: Set<number>): readonly string[] {
  const run = runReferenceMicro(binary, { rounds: ROUNDS });
  if (!run.ok) throw new Error(run.message);
  checksums.add(run.value.checksum);
  run.value.workloads.forEach(({ ns }, i) => {
    for (const value of ns) push(into, i, value);
  });
  return run.value.workloads.map(({ name }) => name);
}

function push(lists: number[][], index: number, value: number): void {
  let list = lists[index];
  if (list === undefined) {
    list = [];
    lists[index] = list;
  }
  list.push(value);
}

function stress(): void {
  const turns = 5;
  const seconds = new Map<string, number[]>();
  const designs = ['covered-range', 'lazy-prune', 'refcount-rwlock', 'mapcount-rwlock', 'per-table-lock'];
  for (let turn = 0; turn < turns; turn++) {
    for (const design of designs) {
      const run = child<{ seconds: number }>('stress-child.js', design, '16');
      seconds.set(design, [...(seconds.get(design) ?? []), run.seconds]);
    }
  }
  say(`\n== iova_stress, 16 TiB, 8,388,608 pairs, ${turns} turns (${machineLine()})`);
  const base = seconds.get('covered-range') ?? [];
  for (const [design, values] of seconds) {
    const { median, min, max } = summarize(values);
    const ratio = formatRatio(ratioOfMedians(values, base));
    say(
      `${design.padEnd(16)} ${median.toFixed(3)} s (${min.toFixed(3)} to ${max.toFixed(3)})  of covered-range: ${ratio}`,
    );
  }
}

/** The bundled trace, repeated until it is large enough to time. */
function trace(): void {
  const source = [join(HERE, '../../../fixtures/lab/dbg612-lazy_until-vfio-mapped.trace.txt.gz')].find(existsSync);
  const given = process.env['TABLEWALK_BENCH_TRACE'];
  const folder = mkdtempSync(join(tmpdir(), 'tablewalk-bench-'));
  try {
    const path = given ?? (source === undefined ? undefined : repeated(source, join(folder, 'trace.txt'), 100e6));
    if (path === undefined) {
      say('no trace to import: name one in TABLEWALK_BENCH_TRACE');
      return;
    }
    const result = benchTraceImport(path);
    say(`\n== trace import (${machineLine()})`);
    say(
      `ours ${result.seconds.toFixed(3)} s, mawk '{n+=NF}' ${result.mawkSeconds.toFixed(3)} s, ratio ${formatRatio(ratioOfMedians(result.allSeconds, result.allMawkSeconds))}`,
    );
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function repeated(source: string, path: string, bytes: number): string {
  const text = gunzipSync(readFileSync(source));
  const file = openSync(path, 'w');
  for (let size = 0; size < bytes; size += text.length) writeSync(file, text);
  return path;
}

const parts = process.argv.slice(2);
const known = ['micro', 'stress', 'trace', 'check', 'vtd'];
const unknown = parts.find((part) => !known.includes(part));
if (unknown !== undefined) {
  process.stderr.write(`bench: no part is called ${unknown} (npm run bench -- ${known.join(' ')})\n`);
  process.exitCode = 2;
} else {
  const wanted = (part: string) => parts.length === 0 || parts.includes(part);
  if (wanted('micro')) micro('lazy-prune');
  if (wanted('stress')) stress();
  if (wanted('trace')) trace();
  if (wanted('check')) benchCheck(say);
  if (wanted('vtd')) benchVtd(say, (...args) => child<number[]>('vtd-child.js', ...args));
}
