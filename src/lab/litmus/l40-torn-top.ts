/**
 * L40, AMD's page table until generic_pt took its place: when the address space grows, a table is put above the top one, and the number of levels goes up: two words. A walk on another CPU that reads
 * the new one of the first and the old one of the second begins at the wrong level. Fixed by one word that has both.
 *
 * Wrong fixes: the other order of the stores; the other order of the loads.
 */
import { ATOMIC, Cell, type Flow, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { IOMMU_READ, IOMMU_WRITE, indexAt, RecordedMemory, VTD_SECOND_STAGE } from '../../hw/index.ts';
import { InvariantBroken } from '../../kernel/index.ts';
import type { Litmus } from './scenario.ts';

/** Level of the top table before it grows. */
const OLD_TOP = 1;
const PFN = 77;

/** Where the top table is, and at which level. */
interface Top {
  readonly root: number;
  readonly level: number;
}

/** Reads and writes of the two, in some order. */
interface TopWord {
  read(): Flow<Top>;
  write(top: Top): Flow<void>;
}

function twoWords(world: World, top: Top, reads: 'root' | 'level', writes: 'root' | 'level'): TopWord {
  const root = new Cell(world, 'root', top.root);
  const level = new Cell(world, 'mode', top.level);
  return {
    *read() {
      yield;
      if (reads === 'root') {
        const first = root.load();
        yield;
        return { root: first, level: level.load() };
      }
      const first = level.load();
      yield;
      return { root: root.load(), level: first };
    },
    *write(grown) {
      yield;
      if (writes === 'root') root.store(grown.root);
      else level.store(grown.level);
      yield;
      if (writes === 'root') level.store(grown.level);
      else root.store(grown.root);
    },
  };
}

/** PT_TOP_LEVEL_BITS. */
function oneWord(world: World, { level, root }: Top): TopWord {
  const packed = new Cell(world, 'top of table', root * 8 + level);
  return {
    *read() {
      yield;
      const word = packed.load();
      return { root: Math.floor(word / 8), level: word % 8 };
    },
    *write(grown) {
      yield;
      packed.store(grown.root * 8 + grown.level);
    },
  };
}

function programOf(make: (world: World, top: Top) => TopWord) {
  return (world: World): Program => {
    const memory = new RecordedMemory(world);
    const { leafLo, tableLo } = VTD_SECOND_STAGE;
    const [root, leaves, grown] = [memory.allocFrame(), memory.allocFrame(), memory.allocFrame()];
    memory.store(root, 0, (leaves << 12) | tableLo, 0);
    memory.store(leaves, 0, (PFN << 12) | leafLo[IOMMU_READ | IOMMU_WRITE]!, 0);
    const top = make(world, { root, level: OLD_TOP });
    /** linux v5.10 drivers/iommu/amd/io_pgtable.c: increase_address_space */
    function* grows(): Flow<void> {
      yield ATOMIC;
      memory.store(grown, 0, (root << 12) | tableLo, 0);
      yield* top.write({ root: grown, level: OLD_TOP + 1 });
    }
    /** linux v5.10 drivers/iommu/amd/io_pgtable.c: fetch_pte */
    function* walks(): Flow<void> {
      const { level, root: first } = yield* top.read();
      let table = first;
      for (let at = level; at >= 0; at--) {
        yield ATOMIC;
        // A page that is taken for a table.
        if (!memory.isInUse(table)) break;
        const lo = memory.lo(memory.locate(table, indexAt(0, at)));
        if ((lo & VTD_SECOND_STAGE.presentLo) === 0) break;
        table = lo >>> 12;
        if (at === 0 && table === PFN) {
          world.reach(`walked from level ${level}`);
          return;
        }
      }
      throw new InvariantBroken(`INV-10: a walk from frame ${first} at level ${level} does not end at the page`);
    }
    return {
      threads: { 'maps far up': grows(), iova_to_phys: walks() },
      reachable: [`walked from level ${OLD_TOP}`, `walked from level ${OLD_TOP + 1}`],
    };
  };
}

export const L40: Litmus = {
  name: 'L40 torn top of table',
  source: 'drivers/iommu/amd, until generic_pt (6.19)',
  about: 'A CPU maps an address for which the table needs another level, while another looks up one that is there.',
  bounds: 'one table that grows once, one walk',
  cases: [
    { name: 'as it was', expect: 'violated', program: programOf((world, top) => twoWords(world, top, 'root', 'root')) },
    { name: 'fixed: one word', expect: 'holds', program: programOf(oneWord) },
    {
      name: 'wrong fix: levels are stored first',
      expect: 'violated',
      program: programOf((world, top) => twoWords(world, top, 'root', 'level')),
    },
    {
      name: 'wrong fix: levels are loaded first',
      expect: 'violated',
      program: programOf((world, top) => twoWords(world, top, 'level', 'root')),
    },
  ],
};
