/**
 * Builds dist/: checks that the straight-line twins are fresh, compiles src/ (tsc keeps one module a file), turns the `.ts`
 * specifiers that tsc leaves in declarations into `.js`, and makes the command executable.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeApart } from './apart.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');

function run(script, ...args) {
  const done = spawnSync(process.execPath, [join(root, script), ...args], { cwd: root, stdio: 'inherit' });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

run('tools/straight.mjs');
rmSync(dist, { recursive: true, force: true });
run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');

const declarations = readdirSync(dist, { recursive: true })
  .map((name) => join(dist, String(name)))
  .filter((path) => path.endsWith('.d.ts'));
for (const path of declarations) {
  const text = readFileSync(path, 'utf8');
  const fixed = text.replace(/((?:from|import)\s*\(?\s*['"]\.{1,2}\/[^'"]*)\.ts(['"])/g, '$1.js$2');
  if (fixed !== text) writeFileSync(path, fixed);
}

await writeApart(root, dist);

const main = join(dist, 'cli', 'main.js');
if (existsSync(main)) chmodSync(main, 0o755);
