import { describe, expect, it } from 'vitest';
import { tableReclaim } from '../../src/designs/table-reclaim/index.straight.ts';
import { ArenaMemory } from '../../src/hw/memory/arena-memory.ts';
import { VTD_SECOND_STAGE } from '../../src/hw/pt/formats/vtd-second-stage.ts';
import { createCpu, tablesAlive } from '../../src/hw/pt/page-table.straight.ts';
import { createDomain } from '../../src/kernel/iommu/domain.straight.ts';
import { stress, stressPairs } from '../../src/sim/workloads/iova-stress.straight.ts';

const MIB = 2 ** 20;

function stressNever(spaceTiB: number): { tables: number; hostMiB: number } {
  const memory = new ArenaMemory();
  const reclaim = tableReclaim('never');
  if (reclaim === undefined) throw new Error('no design never');
  const domain = createDomain({ memory, format: VTD_SECOND_STAGE, levels: 4, reclaim });
  expect(stress(domain, createCpu(), 0, stressPairs(spaceTiB, 1), 1)).toBe(0);
  return { tables: tablesAlive(domain.pt), hostMiB: memory.hostBytes / MIB };
}

describe('emptied tables', () => {
  it('take little host memory: 1 TiB of IOVA leaves 2 GiB of simulated tables in some 12 MiB', () => {
    const { tables, hostMiB } = stressNever(1);
    // A leaf table for each 2 MiB but the first (the IOVA is advanced before each map) and one beyond, 1,025 above them, 3, the root.
    expect(tables * 4096).toBeGreaterThanOrEqual(2 * 1024 * MIB);
    expect(hostMiB).toBeLessThan(16);
  });

  it('so 32 GiB of them, 16 TiB of IOVA, stay below 300 MiB', () => {
    // Linear but for the growth by doubling, which at worst is twice what is needed: 1/16 of the space, twice the share.
    const perTiB = stressNever(1).hostMiB;
    expect(16 * perTiB).toBeLessThan(300);
  });
});
