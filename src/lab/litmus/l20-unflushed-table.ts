/**
 * L20, 22d169bdd284 (fixes 194b3348bdbb): a new PASID table is zeroed by the CPU, and its pointer stored in the directory before the zeroes have
 * left the cache. A unit that does not see the CPU's caches finds what was in the page before.
 */
import type { Flow, World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { PASID_ENTRY, PGTT_FIRST_STAGE, writeEntry } from '../../hw/index.ts';
import { type Patch, VTD_C } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { PASID, VtdMachine } from './vtd-machine.ts';

const ENTRY = 8 * PASID;

function program(world: World, kernel: Build): Program {
  const machine = new VtdMachine(world, kernel, { nonCoherent: true });
  const { memory, tables } = machine;
  const cache = machine.cache!;
  const [a, former] = [machine.mm('mm A'), machine.mm('a former one')];
  const garbage = { P: 1, PGTT: PGTT_FIRST_STAGE, DID: 9, FSPTPTR: former.pgd };
  writeEntry(memory, tables.table, ENTRY, PASID_ENTRY, garbage);
  function* device(): Flow<void> {
    const reached = yield* machine.access(PASID, a);
    world.reach(reached === null ? 'refused' : 'through');
  }
  return {
    threads: machine.threads({
      bind: machine.kernel.iommu_sva_bind_device(machine.dev, a),
      device: device(),
      'line of the directory': { daemon: cache.eviction(tables.directory, 0) },
      'line of the entry': { daemon: cache.eviction(tables.table, ENTRY) },
    }),
    reachable: ['through', 'refused'],
  };
}

/** `flushed`: what is flushed behind the store of the pointer, in this order. */
const pointerFirst = (flushed: 'table, directory' | 'directory, table' | 'directory'): Patch => ({
  replace: {
    *intel_pasid_install_table(iommu, directory, pasid) {
      const table = yield* this.iommu_alloc_pasid_table(iommu, pasid);
      yield* this.intel_pasid_store_directory(iommu, directory, pasid, table);
      for (const one of flushed.split(', ')) {
        if (one === 'table') yield* this.clflush_cache_range(iommu, table, 8 * pasid);
        else yield* this.clflush_cache_range(iommu, directory, 0);
      }
      return table;
    },
  },
});

export const L20: Litmus = {
  name: 'L20 unflushed table',
  source: '22d169bdd284, fixes 194b3348bdbb',
  about: 'The first PASID of a device is bound while it works, on a unit that is not coherent.',
  bounds: 'one write of the device; two lines of the cache, each written back whenever it is dirty',
  program,
  cases: [
    {
      name: 'as it was: pointer, table, directory',
      expect: 'violated',
      changes: [VTD_C, pointerFirst('table, directory')],
    },
    { name: 'fixed: table, pointer, directory', expect: 'holds', changes: [VTD_C] },
    {
      name: 'wrong fix: the table is flushed last',
      expect: 'violated',
      changes: [VTD_C, pointerFirst('directory, table')],
    },
    { name: 'wrong fix: the table is not flushed', expect: 'violated', changes: [VTD_C, pointerFirst('directory')] },
  ],
};
