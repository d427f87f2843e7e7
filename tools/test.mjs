/**
 * `npm test`: everything that says whether the house stands, in one go: format and lint, the build (with fresh
 * straight-line twins), types, and all tests. The last line counts them: `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (path) => join(root, 'node_modules', path);

let passed = 0;
let failed = 0;

function step(name, script, ...args) {
  process.stdout.write(`\n== ${name}\n`);
  const done = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' });
  const ok = done.status === 0;
  if (ok) passed++;
  else failed++;
  if (!ok) process.stdout.write(`${name}: failed\n`);
  return ok;
}

step('format and lint', bin('@biomejs/biome/bin/biome'), 'ci', '.');
const built = step('build', join(root, 'tools/build.mjs'));
step('types of the models (no node, no DOM)', bin('typescript/bin/tsc'), '-p', 'tsconfig.models.json', '--noEmit');
step('types of everything', bin('typescript/bin/tsc'), '-p', 'tsconfig.json', '--noEmit');

if (built) {
  const folder = mkdtempSync(join(tmpdir(), 'tablewalk-test-'));
  const report = join(folder, 'vitest.json');
  process.stdout.write('\n== tests\n');
  const done = spawnSync(
    process.execPath,
    [bin('vitest/vitest.mjs'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    { cwd: root, stdio: 'inherit' },
  );
  try {
    const counts = JSON.parse(readFileSync(report, 'utf8'));
    passed += counts.numPassedTests;
    failed += counts.numFailedTests;
    // A file that does not load has no tests to fail.
    if (done.status !== 0 && counts.numFailedTests === 0) failed++;
  } catch {
    process.stdout.write('the test runner left no report\n');
    failed++;
  }
  rmSync(folder, { recursive: true, force: true });
}

process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
