/** The built program, run as a user runs it. `TABLEWALK_DIST` names another build than dist/. */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, vi } from 'vitest';

export const root = resolve(import.meta.dirname, '../..');
export const main = join(process.env['TABLEWALK_DIST'] ?? join(root, 'dist'), 'cli', 'main.js');
export const traces = join(root, 'fixtures', 'traces');
/** A trace of some hundred lines with map and unmap events, and one without any. */
export const smallTrace = join(traces, 'vfio61-lazy_vfio_edu.trace.txt.gz');
export const eventlessTrace = join(traces, 'faults61-lazy_faults.trace.txt.gz');

// Processes are started, some of which measure; a loaded machine takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
if (!existsSync(main)) spawnSync(process.execPath, [join(root, 'tools/build.mjs')], { cwd: root, stdio: 'inherit' });

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs `tablewalk args…` to its end. Without `input`, standard input is empty. */
export async function tablewalk(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = start(args, options);
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input);
  return await ended(child);
}

export function start(args: readonly string[], options: RunOptions = {}): ChildProcess {
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
  const spawnOptions: SpawnOptions = { env: { ...env, ...options.env }, cwd: options.cwd ?? root, stdio: 'pipe' };
  return spawn(process.execPath, [main, ...args], spawnOptions);
}

export async function ended(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return await new Promise((done) => {
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
  });
}

/** A directory of the test file's own, which goes when the file is done. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tablewalk-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function lines(text: string): readonly string[] {
  return text.split('\n').slice(0, text.endsWith('\n') ? -1 : undefined);
}
