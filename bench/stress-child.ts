/** One process for one design: the seconds of iova_stress over TIB. Usage: stress-child DESIGN TIB. */
import { tableReclaim } from '../src/designs/table-reclaim/index.straight.ts';
import { ArenaMemory } from '../src/hw/memory/arena-memory.ts';
import { VTD_SECOND_STAGE } from '../src/hw/pt/formats/vtd-second-stage.ts';
import { createCpu } from '../src/hw/pt/page-table.straight.ts';
import { createDomain } from '../src/kernel/iommu/domain.straight.ts';
import { giveInliningRoom } from '../src/node/inlining.ts';
import { stress, stressPairs } from '../src/sim/workloads/iova-stress.straight.ts';

const [design = 'lazy-prune', tib = '16'] = process.argv.slice(2);
const reclaim = tableReclaim(design);
if (reclaim === undefined) throw new RangeError(`no table-reclaim design is called ${design}`);

giveInliningRoom();

function run(pairs: number, afterPage = 0): number {
  const upper = Math.ceil(pairs / 500) + 16;
  const room = reclaim!.freesEmpty ? {} : { expectFrames: pairs + upper, expectNonZeroFrames: upper };
  const memory = new ArenaMemory({ keepZeroFrames: reclaim!.freesEmpty, ...room });
  const domain = createDomain({ memory, format: VTD_SECOND_STAGE, levels: 4, reclaim: reclaim! });
  const start = performance.now();
  const failed = stress(domain, createCpu(), afterPage, pairs, 1);
  if (failed !== 0) throw new Error(`${failed} pairs failed`);
  return (performance.now() - start) / 1000;
}

run(20_000);
// Pages beyond int32 are other code to V8: half of the space has them.
run(20_000, 2 ** 32);
process.stdout.write(`${JSON.stringify({ seconds: run(stressPairs(Number(tib), 1)) })}\n`);
