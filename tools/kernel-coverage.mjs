/**
 * `npm run coverage:kernel [-- --executions N --all]`: which functions of the kernel no litmus test enters; with `--all` also which test is the
 * first to enter each of the others.
 */
import { parseArgs } from 'node:util';
import { createJiti } from 'jiti';

const { values } = parseArgs({
  options: { executions: { type: 'string', default: '200' }, all: { type: 'boolean', default: false } },
});
const executions = Number(values.executions);
if (!Number.isInteger(executions) || executions < 1) {
  process.stderr.write('coverage:kernel: --executions takes a whole number from 1\n');
  process.exit(2);
}
const jiti = createJiti(import.meta.url);
const { LITMUS } = await jiti.import('../src/lab/litmus/index.ts');
const { coverageText, kernelCoverage } = await jiti.import('../src/lab/litmus/coverage.ts');
process.stdout.write(`${coverageText(kernelCoverage(LITMUS, executions), values.all).join('\n')}\n`);
