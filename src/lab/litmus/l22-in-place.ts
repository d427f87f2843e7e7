/**
 * L22, c3b1edea3791 (CVE-2026-45945, fixes 7543ee63e811): a live PASID entry is given another domain by storing the new words over the old ones,
 * P set all along. Hardware reads 128 bits at a time: it takes the old domain's id with the new one's table, and caches that.
 */
import { Cell, type Flow, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { PASID_ENTRY, PGTT_FIRST_STAGE, writeEntry } from '../../hw/index.ts';
import { InvariantBroken, infoOf, type Patch, REPLACE_IN_PLACE } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { PASID, VtdMachine } from './vtd-machine.ts';

function program(world: World, kernel: Build): Program {
  const machine = new VtdMachine(world, kernel);
  const { dev, memory, tables } = machine;
  const [x, y] = [
    { mm: machine.mm('X'), did: 2 },
    { mm: machine.mm('Y'), did: 3 },
  ];
  const fields = { P: 1, PGTT: PGTT_FIRST_STAGE, DID: x.did, FSPTPTR: x.mm.pgd };
  writeEntry(memory, tables.table, 8 * PASID, PASID_ENTRY, fields);
  machine.kernel.observe_meant(dev, x.did, PGTT_FIRST_STAGE, x.mm.pgd);
  const done = new Cell(world, 'replaced', 0);
  function* replace(): Flow<void> {
    yield* machine.kernel.intel_pasid_replace_first_level(dev, PASID, x, y);
    yield;
    done.store(1);
  }
  function* device(): Flow<void> {
    for (let write = 0; write < 2; write++) {
      yield;
      const isLate = done.load() === 1;
      const reached = yield* machine.access(PASID, null);
      if (isLate && reached !== y.mm)
        throw new InvariantBroken(`INV-5: ${reached?.name ?? 'nothing'} is reached, not Y`);
      world.reach(`${reached?.name ?? 'nothing'} is reached`);
    }
  }
  return {
    threads: machine.threads({ replace: replace(), device: device() }),
    reachable: ['X is reached', 'Y is reached', 'nothing is reached'],
  };
}

/** P is clear while words are stored, and nothing is flushed before it is set again. */
const FLUSH_LAST: Patch = {
  replace: {
    *intel_pasid_replace_first_level(dev, pasid, { did }, next) {
      const { iommu } = infoOf(dev);
      yield iommu.lock.acquire();
      const pte = yield* this.intel_pasid_get_entry(dev, pasid);
      yield* this.pasid_clear_present(pte);
      yield* this.pasid_fill_first_level(dev, pte, next.mm, next.did);
      yield iommu.lock.release();
      yield* this.intel_pasid_flush_entry(dev, pasid, { did, pgtt: PGTT_FIRST_STAGE });
    },
  },
};

export const L22: Litmus = {
  name: 'L22 replaced in place',
  source: 'c3b1edea3791, CVE-2026-45945',
  about: 'A device works while its PASID is given another domain.',
  bounds: 'two writes of the device, one replacement, all caches of the unit, no device TLB',
  program,
  cases: [
    { name: 'as it was: in place', expect: 'violated', changes: [REPLACE_IN_PLACE] },
    { name: 'fixed: clear, flush, set up', expect: 'holds' },
    { name: 'wrong fix: flushed at the end alone', expect: 'violated', changes: [FLUSH_LAST] },
    {
      name: 'wrong fix: no PASID cache flush',
      expect: 'violated',
      changes: [{ omit: ['pasid_cache_invalidation_with_pasid'] }],
    },
  ],
};
