/** Hardware sets dirty bits while software reads and clears them: each is one step, so no write goes unnoticed. */
import { expect, it } from 'vitest';
import { Cell } from '../../src/base/cell.ts';
import { type Flow, runAlone } from '../../src/base/flow.ts';
import type { World } from '../../src/base/world.ts';
import { atEnd, check, type Program } from '../../src/check/index.ts';
import { TABLE_RECLAIM } from '../../src/designs/table-reclaim/index.ts';
import { RecordedMemory } from '../../src/hw/memory/recorded-memory.ts';
import { VTD_SECOND_STAGE } from '../../src/hw/pt/formats/vtd-second-stage.ts';
import { createCpu, GENERIC_PT, type PageTable } from '../../src/hw/pt/page-table.ts';
import { createShared } from '../../src/hw/pt/shared.ts';
import { readAndClearDirty, setDirty, visitTables } from '../../src/hw/pt/walk.ts';
import { createDomain, iommuMap } from '../../src/kernel/iommu/domain.ts';

const PAGE = 5;
const NEVER = TABLE_RECLAIM.find(({ name }) => name === 'never')!;

/** A page that is dirty, though not accessed since, is written while its dirty bit is collected. */
function program(world: World): Program {
  const memory = new RecordedMemory(world);
  const shared = createShared(world, (name, value) => new Cell(world, name, value));
  const options = { memory, reclaim: NEVER, format: VTD_SECOND_STAGE, levels: 3, semantics: GENERIC_PT, shared };
  const domain = runAlone(createDomain({ ...options, lazy: false }));
  runAlone(iommuMap(domain, createCpu(), PAGE, 77, 1, 3));
  const leaf = leafTable(domain.pt);
  const { dirtyLo, accessedLo } = domain.pt.format;
  const word = memory.locate(leaf, PAGE);
  memory.store(leaf, PAGE, memory.lo(word) | dirtyLo, memory.hi(word));
  const seen: number[] = [];
  const has = (bit: number) => (memory.peekLo(leaf, PAGE) & bit) !== 0;
  return {
    threads: { device: setDirty(domain.pt, PAGE), collector: collects(domain.pt, seen) },
    always: {
      'a dirty bit stays until it is seen': atEnd(() => seen.includes(PAGE)),
      'no other bit is lost': atEnd(() => has(accessedLo)),
    },
    sometimes: {
      'the page is left dirty': atEnd(() => has(dirtyLo)),
      'the page is left clean': atEnd(() => !has(dirtyLo)),
    },
  };
}

function* collects(pt: PageTable, seen: number[]): Flow<void> {
  yield* readAndClearDirty(pt, createCpu(), PAGE, 1, (page) => void seen.push(page), false);
}

function leafTable(pt: PageTable): number {
  const leaves: number[] = [];
  runAlone(visitTables(pt, (table, level) => void (level === 0 && leaves.push(table))));
  return leaves[0]!;
}

it('no dirty or accessed bit is lost between a device and a collector', () => {
  const result = check({ name: 'dirty bits', expect: 'holds', program });
  expect([result.verdict, result.message]).toEqual(['holds', 'in every execution']);
  // The device's access of the leaf before the load, between load and clearing, and after it.
  expect(result.executions).toBe(3);
});
