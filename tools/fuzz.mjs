/**
 * `npm run fuzz -- --runs 1000000 --seed N`: mutates small traces and option strings for as long as asked. The
 * same fuzzers run a few thousand times in `npm test`. Exits 1 with the seed that fails.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const runs = Number(values.runs);
const seed = Number(values.seed);
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed) || seed < 0) {
  process.stderr.write(
    'fuzz: --runs takes a whole number from 1, --seed one from 0 (npm run fuzz -- --runs 100000 --seed 7)\n',
  );
  process.exit(2);
}
const done = spawnSync(
  process.execPath,
  [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/fuzz', '--testTimeout=0', '--reporter=default'],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, TABLEWALK_FUZZ_RUNS: String(runs), TABLEWALK_FUZZ_SEED: String(seed) },
  },
);
process.exitCode = done.status ?? 1;
