/** `npm run bench [-- PART…]`: compiles bench/ and runs it. Parts: micro, stress, trace, check, vtd; all without. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

function run(script, ...args) {
  const done = spawnSync(process.execPath, [join(root, script), ...args], { cwd: root, stdio: 'inherit' });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

run('tools/build.mjs');
run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json');
writeFileSync(join(root, '.bench/dist/package.json'), '{"type":"module"}\n');
run('.bench/dist/bench/main.js', ...process.argv.slice(2));
