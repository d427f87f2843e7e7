/** The programs of docs/checker.md and docs/vtd.md are run as a reader would run them, and come out as they say. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { CHECKER_TESTS as FILES, CHECKER_TEXT as TEXT, VTD_TESTS } from '../support/documented.ts';

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
