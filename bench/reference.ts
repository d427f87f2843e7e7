/**
 * Builds and runs the C reference (bench/reference/page-table.c). A machine without a C compiler is no error of the bench:
 * every function here returns a message instead of throwing, and the bench then prints our own figures only.
 *
 * The binary goes to .bench/ in the project's root (ignored by git), or to a temporary folder when that is not writable.
 *
 * Each run is a spawn, and a spawn forks: it leaves all memory of this process copy-on-write, and the next write to each
 * page of a table in this process costs a page fault (measured: stride-2m-map 950 ns instead of 37). So after every call
 * of `runReference...` run an untimed round of our own before the timed one, as the reference itself does, or keep the
 * table in a process that spawns nothing.
 */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type ReferenceResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string };

export interface ReferenceBinary {
  readonly path: string;
  /** First line of the compiler's `--version`. */
  readonly compiler: string;
  readonly zeroTables: boolean;
}

export interface ReferenceReport {
  readonly mode: string;
  readonly free: boolean;
  readonly zeroTables: boolean;
  /** Nanoseconds an operation, of every round. */
  readonly workloads: readonly { readonly name: string; readonly ns: readonly number[] }[];
  readonly checksum: number;
  readonly failures: number;
  readonly tables: number;
  readonly peakTables: number;
}

const SOURCE = join('bench', 'reference', 'page-table.c');
const COMPILERS = ['gcc', 'cc'];
const FLAGS = ['-O2', '-std=c11'];
const LONGEST_RUN_MS = 300_000;

/** With `zeroTables`, the one that clears 4 KiB at each table allocation. */
export function buildReference(options: { zeroTables: boolean }): ReferenceResult<ReferenceBinary> {
  const root = projectRoot();
  if (root === undefined) return failed(`${SOURCE} is not in this installation: run the bench from the repository`);
  const found = findCompiler();
  if (found === undefined) return failed(`no C compiler (tried ${COMPILERS.join(', ')}): no C figures to compare with`);
  const folder = outputFolder(root);
  if (folder === undefined)
    return failed(`neither .bench/ nor ${tmpdir()} can be written: no C figures to compare with`);
  const path = join(folder, options.zeroTables ? 'page-table-zero' : 'page-table');
  const flags = options.zeroTables ? [...FLAGS, '-DZERO_TABLES'] : FLAGS;
  const message = compile(found.command, [...flags, join(root, SOURCE)], path);
  if (message !== undefined) return failed(message);
  return { ok: true, value: { path, compiler: found.version, zeroTables: options.zeroTables } };
}

/** `micro`: the 18 workloads, one untimed round and `rounds` timed ones. Call with one round at a time to interleave. */
export function runReferenceMicro(
  binary: ReferenceBinary,
  options: { rounds: number; scale?: number },
): ReferenceResult<ReferenceReport> {
  return run(binary, ['micro', `${options.rounds}`, `${options.scale ?? 1}`]);
}

/** `stress`: map and unmap a 4 KiB page, go on 2 MiB; `never` keeps every table and needs 4 KiB of memory a pair. */
export function runReferenceStress(
  binary: ReferenceBinary,
  options: { freeing: 'free' | 'never'; pairs: number; rounds: number },
): ReferenceResult<ReferenceReport> {
  return run(binary, ['stress', options.freeing, `${options.pairs}`, `${options.rounds}`]);
}

/** The JSON line that the reference prints; undefined when it is something else. */
export function parseReport(text: string): ReferenceReport | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isReport(value) ? value : undefined;
}

function failed(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message };
}

/** Upwards from this file, which may have been compiled to elsewhere in the project, else from the working folder. */
function projectRoot(): string | undefined {
  for (const start of [dirname(fileURLToPath(import.meta.url)), process.cwd()]) {
    for (let folder = start; ; folder = dirname(folder)) {
      if (existsSync(join(folder, SOURCE))) return folder;
      if (folder === dirname(folder)) break;
    }
  }
  return undefined;
}

function findCompiler(): { command: string; version: string } | undefined {
  for (const command of COMPILERS) {
    const asked = spawnSync(command, ['--version'], { encoding: 'utf8', timeout: 10_000 });
    if (asked.status === 0) return { command, version: asked.stdout.split('\n', 1)[0]! };
  }
  return undefined;
}

function outputFolder(root: string): string | undefined {
  const folder = join(root, '.bench');
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return folder;
  } catch {
    return temporaryFolder();
  }
}

function temporaryFolder(): string | undefined {
  try {
    return mkdtempSync(join(tmpdir(), 'tablewalk-bench-'));
  } catch {
    return undefined;
  }
}

/** What went wrong, if anything. Renamed into place, so that a bench that runs at the same time never sees half a file. */
function compile(command: string, args: readonly string[], path: string): string | undefined {
  const partial = `${path}.${process.pid}`;
  const compiled = spawnSync(command, [...args, '-o', partial], { encoding: 'utf8', timeout: 60_000 });
  if (compiled.status !== 0) return `${command} did not compile ${SOURCE}: ${reasonOf(compiled)}`;
  renameSync(partial, path);
  return undefined;
}

function run(binary: ReferenceBinary, args: readonly string[]): ReferenceResult<ReferenceReport> {
  const ran = spawnSync(binary.path, args, { encoding: 'utf8', timeout: LONGEST_RUN_MS, maxBuffer: 1 << 26 });
  const command = [binary.path, ...args].join(' ');
  const report = parseReport(ran.stdout ?? '');
  if (report === undefined) return failed(`${command} gave no figures: ${reasonOf(ran)}`);
  if (report.failures !== 0) return failed(`${command}: ${report.failures} failures in the reference itself`);
  return { ok: true, value: report };
}

function reasonOf(child: {
  error?: Error;
  signal: string | null;
  status: number | null;
  stderr: string | null;
}): string {
  const said = child.stderr?.trim() ?? '';
  if (said !== '') return said.slice(0, 2000);
  if (child.error !== undefined) return child.error.message;
  return child.signal === null ? `it ended with status ${child.status}` : `it was ended by ${child.signal}`;
}

type Unchecked<T> = { readonly [K in keyof T]?: unknown };

function isReport(value: unknown): value is ReferenceReport {
  if (typeof value !== 'object' || value === null) return false;
  const report: Unchecked<ReferenceReport> = value;
  const { mode, free, zeroTables, workloads, checksum, failures, tables, peakTables } = report;
  return (
    typeof mode === 'string' &&
    typeof free === 'boolean' &&
    typeof zeroTables === 'boolean' &&
    [checksum, failures, tables, peakTables].every((count) => Number.isSafeInteger(count)) &&
    Array.isArray(workloads) &&
    workloads.every(isWorkload)
  );
}

function isWorkload(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { name, ns }: Unchecked<ReferenceReport['workloads'][number]> = value;
  return typeof name === 'string' && Array.isArray(ns) && ns.every((time) => Number.isFinite(time));
}
