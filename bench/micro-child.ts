/** One process for one design: prints the timed rounds of the micro workloads as JSON. Usage: micro-child DESIGN ROUNDS SCALE. */

import { giveInliningRoom } from '../src/node/inlining.ts';
import { checkedRound, planMicro, timedRound } from './micro-workloads.ts';
import { PageTableBench } from './page-table-bench.ts';

const [design = 'lazy-prune', rounds = '5', scale = '1'] = process.argv.slice(2);
giveInliningRoom();
const plan = planMicro(Number(scale));
const table = new PageTableBench(design);
const checked = checkedRound(table, plan);
// The first rounds are the compiler's; it works beside us, and more slowly on a busy machine.
for (let i = 0; i < 4; i++) timedRound(table, plan, checked);
const timed: (readonly number[])[] = [];
let failures = checked.failures;
for (let i = 0; i < Number(rounds); i++) {
  const round = timedRound(table, plan, checked);
  failures += round.failures;
  timed.push(round.ns);
}
process.stdout.write(`${JSON.stringify({ checksum: checked.checksum, failures, rounds: timed })}\n`);
