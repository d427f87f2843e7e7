import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LITMUS } from '../../src/lab/litmus/index.ts';
import { labSchema } from '../schema/lab.ts';
import { ended, lines, root, scratchFolder, start, tablewalk } from './tablewalk.ts';

const folder = scratchFolder();

describe('lab, over 1 TiB', async () => {
  const done = await tablewalk(['lab', '--json', '-s', '1', '--out', join(folder, 'out')], { cwd: folder });

  it('prints one document, the same as report.json, and writes a page', () => {
    expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines(done.stdout)).toHaveLength(1);
    expect(readdirSync(join(folder, 'out')).sort()).toEqual(['index.html', 'report.json']);
    expect(readFileSync(join(folder, 'out', 'report.json'), 'utf8')).toBe(done.stdout);
    expect(readFileSync(join(folder, 'out', 'index.html'), 'utf8')).toMatch(/^<!doctype html>/);
  });

  it('has the verdict on each built-in test, and agrees with what it ran again', () => {
    const { verdicts } = labSchema.parse(JSON.parse(done.stdout));
    expect(verdicts.map(({ name }) => name)).toEqual(LITMUS.map(({ name }) => name));
    const again = verdicts.flatMap((one) => one.again ?? []);
    expect(again.length).toBeGreaterThan(0);
    expect(again.filter(({ agrees }) => !agrees)).toEqual([]);
  });

  it('judges claims by what it measured', () => {
    const { claims, iovaStress, replay } = labSchema.parse(JSON.parse(done.stdout));
    const holds = (words: string) => claims.find(({ claim }) => claim.includes(words))?.holds;
    expect(holds('in both flush modes')).toBe('partly');
    expect(holds('nothing is left behind')).toBe('yes');
    expect(holds('only to unlink')).toBe('yes');
    // 1 TiB says nothing about 16.
    expect(holds('16 TiB')).toBe('not-measured');
    expect(iovaStress.runs.length).toBe(iovaStress.lazyRuns.length);
    expect(replay.files.map(({ file }) => file)).toEqual(
      readdirSync(join(root, 'fixtures', 'lab'))
        .filter((name) => name.endsWith('.gz'))
        .sort(),
    );
  });
});

describe('lab and files', () => {
  it('leaves alone a report that is not its own', async () => {
    const path = join(folder, 'index.html');
    writeFileSync(path, 'mine');
    const { code, stderr } = await tablewalk(['lab', '--out', folder]);
    expect({ code, lines: lines(stderr).length, text: readFileSync(path, 'utf8') }).toEqual({
      code: 2,
      lines: 1,
      text: 'mine',
    });
  });
});

describe('lab, interrupted', () => {
  it('writes what it has, and ends with 130', async () => {
    const out = join(folder, 'partial');
    const child = start(['lab', '-s', '255', '--out', out]);
    const end = ended(child);
    // Said when the traces are done and the benchmark begins.
    child.stdout?.on('data', (text: Buffer) => {
      if (text.includes('iova_stress')) child.kill('SIGINT');
    });
    const { code, stdout } = await end;
    expect(code).toBe(130);
    expect(stdout).toContain('not measured');
    const result = labSchema.parse(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')));
    expect(result).toMatchObject({ interrupted: true, iovaStress: { runs: [], lazyRuns: [] } });
    expect(result.replay.files.length).toBeGreaterThan(0);
  });
});
