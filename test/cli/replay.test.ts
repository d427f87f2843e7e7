import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ReplayResult } from '../../src/lab/index.ts';
import { replaySchema } from '../schema/replay.ts';
import { ended, eventlessTrace, lines, scratchFolder, smallTrace, start, tablewalk } from './tablewalk.ts';

const folder = scratchFolder();
const packed = readFileSync(smallTrace);
const text = gunzipSync(packed);

function scratch(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function replay(...args: readonly string[]): Promise<ReplayResult> {
  const { code, stdout } = await tablewalk(['replay', '--json', ...args]);
  expect(code).toBe(0);
  expect(lines(stdout)).toHaveLength(1);
  return replaySchema.parse(JSON.parse(stdout)) as ReplayResult;
}

describe('replay --json', () => {
  it('begins with schema and command, and counts events as grep does', async () => {
    const result = await replay(smallTrace);
    expect(Object.keys(result)).toEqual(['schema', 'command', 'files', 'events']);
    const counted = (pattern: RegExp): number => text.toString('latin1').match(pattern)?.length ?? 0;
    expect(result.files[0]?.events).toMatchObject({
      'iommu:map': counted(/ map: /g),
      'iommu:unmap': counted(/ unmap: /g),
    });
    expect(result.events).toEqual(result.files[0]?.events);
    expect(result.files[0]?.file).toBe(smallTrace);
  });

  it('reads the same from a file, from gzip of any name, and from standard input', async () => {
    const plain = await replay(scratch('plain', text));
    const zipped = await replay(scratch('zipped.txt', packed));
    const { stdout } = await tablewalk(['replay', '--json', '-'], { input: packed });
    const piped = JSON.parse(stdout) as ReplayResult;
    expect(piped.files[0]?.file).toBe('standard input');
    for (const other of [zipped, piped]) {
      expect({ ...other.files[0], file: '' }).toEqual({ ...plain.files[0], file: '' });
    }
  });

  it('sums the events of several files', async () => {
    const { files, events } = await replay(smallTrace, eventlessTrace, smallTrace);
    expect(files).toHaveLength(3);
    expect(events['iommu:map']).toBe(2 * (files[0]?.events['iommu:map'] ?? Number.NaN));
  });

  it('reads a trace without IOMMU events, and warns', async () => {
    const { code, stdout, stderr } = await tablewalk(['replay', '--json', eventlessTrace]);
    expect(code).toBe(0);
    expect(lines(stderr)).toEqual([expect.stringContaining('no iommu:map or iommu:unmap event')]);
    expect(replaySchema.parse(JSON.parse(stdout)).files[0]?.events['iommu:map']).toBeUndefined();
  });

  it('counts a last line that is cut', async () => {
    const { files } = await replay(scratch('cut', text.subarray(0, text.lastIndexOf(' unmap: ') + 20)));
    expect(files[0]?.skipped.reduce((sum, { count }) => sum + count, 0)).toBe(1);
  });
});

describe('inputs that cannot be read: one line that names them, exit 2', () => {
  const whole = gzipSync(text);
  const middle = Math.floor(whole.length / 2);
  const damaged = Buffer.concat([whole.subarray(0, middle), Buffer.alloc(200, 0xa5), whole.subarray(middle + 200)]);
  const cases: readonly (readonly [name: string, path: string, says: RegExp])[] = [
    ['a file that is not there', join(folder, 'nothing'), /there is no such file/],
    ['a directory', folder, /this is a directory/],
    ['a path through a file', join(smallTrace, 'x'), /not a directory/],
    ['an empty file', scratch('empty', ''), /the input is empty/],
    ['an empty gzip file', scratch('empty.gz', gzipSync('')), /the input is empty/],
    ['a binary file', scratch('binary', Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i) % 256))), /binary/],
    [
      'text that is no trace',
      scratch('prose', 'It was a dark\nand stormy night.\n'),
      /none of its first 2 lines looks like/,
    ],
    ['xz', scratch('t.xz', Buffer.from('fd377a585a000004e6d6b446', 'hex')), /xz -dc \S+t\.xz \| tablewalk replay -/],
    ['zstd', scratch('t.zst', Buffer.from('28b52ffd0458', 'hex')), /zstd -dc \S+t\.zst \| tablewalk replay -/],
    [
      'gzip that ends early',
      scratch('cut.gz', packed.subarray(0, 700)),
      /byte \d+ after unpacking: the gzip data ends too early/,
    ],
    ['gzip that is damaged', scratch('damaged.gz', damaged), /gzip data is damaged/],
  ];
  for (const [name, path, says] of cases) {
    it(name, async () => {
      const { code, stdout, stderr } = await tablewalk(['replay', path]);
      expect(lines(stderr)).toEqual([expect.stringMatching(says)]);
      expect(stderr.startsWith(`tablewalk: ${path}: `)).toBe(true);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    });
  }

  it('keeps the good files of several', async () => {
    const { code, stdout, stderr } = await tablewalk(['replay', '--json', join(folder, 'nothing'), smallTrace]);
    expect({ code, files: replaySchema.parse(JSON.parse(stdout)).files.length }).toEqual({ code: 2, files: 1 });
    expect(lines(stderr)).toHaveLength(1);
  });

  it('shows a hostile name on one line', async () => {
    const { stderr } = await tablewalk(['replay', 'a\nb\x1b[31m']);
    expect(lines(stderr)).toHaveLength(1);
    expect(stderr).not.toContain('\x1b');
  });
});

describe('replay for people', () => {
  it('prints no escape codes into a pipe, nor with NO_COLOR', async () => {
    for (const env of [{}, { NO_COLOR: '1' }, { FORCE_COLOR: '' }]) {
      const { code, stdout } = await tablewalk(['replay', smallTrace], { env });
      expect(code).toBe(0);
      expect(stdout).toContain('lazy-prune');
      expect(stdout).not.toContain('\x1b');
    }
  });

  it('stays within 100 columns, and within ASCII where the locale says so', async () => {
    const { stdout } = await tablewalk(['replay', smallTrace], { env: { LC_ALL: 'C' } });
    expect(stdout).not.toMatch(/[^\n\x20-\x7e]/);
    for (const line of lines(stdout)) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('writes a page that stands alone, and says where', async () => {
    const page = join(folder, 'report.html');
    expect(await tablewalk(['replay', smallTrace, '--html', page])).toMatchObject({
      code: 0,
      stdout: `wrote ${page}\n`,
    });
    const html = readFileSync(page, 'utf8');
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).toContain('uPlot');
    expect(html).not.toMatch(/(?:src|href)="https?:[^"]*\.(?:js|css)"/);
    // Its own page may be written again.
    expect((await tablewalk(['replay', smallTrace, '--html', page])).code).toBe(0);
  });

  it('never overwrites what is not its own', async () => {
    const trace = scratch('precious.txt', text);
    const { code, stderr } = await tablewalk(['replay', smallTrace, '--html', trace]);
    expect({ code, lines: lines(stderr).length }).toEqual({ code: 2, lines: 1 });
    expect(readFileSync(trace)).toEqual(text);
    expect((await tablewalk(['replay', smallTrace, '--html', join(folder, 'no', 'r.html')])).code).toBe(2);
  });
});

describe('replay, interrupted', () => {
  it('reports what came so far', async () => {
    const child = start(['replay', '--json', '-']);
    const end = ended(child);
    child.stdin?.write(text);
    // It says nothing while it reads.
    await new Promise((done) => setTimeout(done, 2500));
    child.kill('SIGINT');
    const { code, stdout, stderr } = await end;
    child.stdin?.destroy();
    expect(code).toBe(130);
    expect(lines(stderr).at(-1)).toContain('interrupted');
    expect(replaySchema.parse(JSON.parse(stdout)).files[0]?.events['iommu:map']).toBeGreaterThan(0);
  });

  it('does not wait for a pipe that nobody writes to', async () => {
    const pipe = join(folder, 'pipe');
    if (spawnSync('mkfifo', [pipe]).status !== 0) return;
    const child = start(['replay', pipe]);
    const end = ended(child);
    await new Promise((done) => setTimeout(done, 1000));
    child.kill('SIGINT');
    const { code, signal } = await end;
    expect([code, signal]).toEqual([null, 'SIGINT']);
  });
});
