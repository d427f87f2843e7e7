/** The programs of docs/checker.md and docs/vtd.md are run as a reader would run them, and come out as they say. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { BASE } from '../../src/kernel/index.ts';
import {
  CHECKER_TESTS as FILES,
  LITMUS_TESTS,
  LITMUS_TEXT,
  CHECKER_TEXT as TEXT,
  VTD_TESTS,
} from '../support/documented.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const folder = mkdtempSync(join(tmpdir(), 'tablewalk-docs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('docs/checker.md', () => {
  it('has three worked examples', () => {
    expect(FILES.map(({ name }) => name)).toEqual(['lost-update.ts', 'store-buffering.ts', 'stale-entry.ts']);
  });

  for (const { name, code } of FILES) {
    it(`${name} comes out as it expects`, () => {
      const path = join(folder, name);
      writeFileSync(path, code);
      const done = spawnSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), 'check', path], { encoding: 'utf8' });
      expect({ status: done.status, stderr: done.stderr }).toEqual({ status: 0, stderr: '' });
    });
  }

  it('shows the lost update as it is printed', () => {
    const path = join(folder, 'lost-update.ts');
    const done = spawnSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), 'check', path], { encoding: 'utf8' });
    const rows = TEXT.split('\n').filter((line) => /^ +[1-4]>? .*lost-update\.ts:\d+$/.test(line));
    expect(rows).toHaveLength(4);
    for (const row of rows) expect(done.stdout).toContain(row);
  });
});

describe('docs/vtd.md', () => {
  it('has a test whose programs come out as they expect', () => {
    expect(VTD_TESTS.map(({ name }) => name)).toEqual(['free-table.ts']);
    const path = join(folder, VTD_TESTS[0]!.name);
    writeFileSync(path, VTD_TESTS[0]!.code);
    const done = spawnSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), 'check', path], { encoding: 'utf8' });
    expect({ status: done.status, stderr: done.stderr }).toEqual({ status: 0, stderr: '' });
    // Steps of the unit are shown where they stand in the unit.
    expect(done.stdout).toContain('second-stage.js');
    expect(done.stdout).not.toContain('recorded');
  });
});

describe('docs/litmus.md', () => {
  it('has a design that falls in its test, beside the kernel as it is', () => {
    expect(LITMUS_TESTS.map(({ name }) => name)).toEqual(['free-when-idle.ts', 'idle.ts', 'flushed-once.ts']);
    for (const { name, code } of LITMUS_TESTS) writeFileSync(join(folder, name), code);
    const path = join(folder, 'idle.ts');
    const done = spawnSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), 'check', path], { encoding: 'utf8' });
    expect({ status: done.status, stderr: done.stderr }).toEqual({ status: 0, stderr: '' });
    expect(done.stdout).toContain('2 tests: 1 holds, 1 violated; all as expected');
    expect(done.stdout).toMatch(/INV-2: ENQCMD of T2 takes PASID 1, and mm A has 2/);
  });

  it('has a test of coherence whose patch falls', () => {
    const [{ code, name }] = LITMUS_TESTS.filter((one) => one.name === 'flushed-once.ts') as [
      { code: string; name: string },
    ];
    const path = join(folder, name);
    writeFileSync(path, code);
    const done = spawnSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), 'check', path], { encoding: 'utf8' });
    expect({ status: done.status, stderr: done.stderr }).toEqual({ status: 0, stderr: '' });
    expect(done.stdout).toMatch(/INV-5: dev0 reaches frame \d+ through page 0 of mm A: which is free/);
  });

  it('names functions that the kernel has', () => {
    const rows = LITMUS_TEXT.split("## The kernel's functions")[1]!.split('## What is looked at')[0]!;
    const named = [...rows.matchAll(/^\| [^|]+ \| (.+) \|$/gm)].flatMap(([, list]) => list!.match(/`(\w+)`/g) ?? []);
    expect(named.length).toBeGreaterThan(100);
    expect(named.map((name) => name.slice(1, -1)).filter((name) => !(name in BASE))).toEqual([]);
  });
});
