/**
 * GUP-fast against munmap that frees tables: the CPU that walks without a lock has interrupts off, and the table waits for that; it reads the entry again when
 * it has a reference. Each of it left out, or done in another order.
 */
import { ATOMIC, Cell, type Flow, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import type { NotifiedMm, Patch } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { SvaMachine } from './sva-machine.ts';

/** `change`: what another CPU does meanwhile. A third one gives another mm the first page that is free, with a reference. */
function programOf(change: (machine: SvaMachine, mm: NotifiedMm) => Flow<void>) {
  return (world: World, kernel: Build): Program => {
    const machine = new SvaMachine(world, kernel, { vmas: [{ start: 0, end: 1 }], devices: 0 });
    const { memory, tables } = machine;
    const mm = { ...machine.mm, gup: new Cell(world, 'CPUs that walk with interrupts off', 0) };
    function* pins(): Flow<void> {
      const pfn = yield* machine.kernel.lockless_pages_from_mm(mm, 0);
      world.reach(pfn === null ? 'not pinned' : 'pinned');
      if (pfn === null) return;
      yield ATOMIC;
      machine.kernel.observe_reached(tables, 'who pinned it', 0, pfn);
      yield* machine.kernel.put_page(tables, pfn);
    }
    function* neighbour(): Flow<void> {
      yield ATOMIC;
      const pfn = memory.allocFrame();
      memory.addRefcount(pfn, 1);
      tables.frames.set(pfn, { mm: 'mm B', level: null });
    }
    return {
      threads: { cpu: change(machine, mm), gup: pins(), 'mm B': neighbour() },
      reachable: ['pinned', 'not pinned'],
    };
  };
}

const munmap = programOf(({ kernel }, mm) => kernel.do_munmap(mm, 0, 1));
const dontneed = programOf(({ kernel }, mm) => kernel.zap_page_range_single(mm, 0, 1));

/** Looks again, and takes the reference then. */
const LOOKS_FIRST: Patch = {
  replace: {
    *gup_pte_range(mm, table, page) {
      const { memory } = mm.tables;
      const at = memory.locate(table, page % 512);
      yield;
      const pte = memory.lo(at);
      if ((pte & 1) === 0) return null;
      yield;
      if (memory.lo(at) !== pte) return null;
      return (yield* this.try_get_folio(mm, pte >>> 12)) ? pte >>> 12 : null;
    },
  },
};

/** A reference whatever the count is. */
const TAKES_ANY: Patch = {
  replace: {
    *try_get_folio({ tables }, pfn) {
      yield;
      tables.memory.addRefcount(pfn, 1);
      return true;
    },
  },
};

const COMMON = {
  source: 'linux v6.6 mm/gup.c, mm/mmu_gather.c',
  bounds: 'one mm, one page, two CPUs, one walk; another mm gets a page',
};

export const GUP_FAST_TABLES: Litmus = {
  ...COMMON,
  name: 'GUP-fast and tables',
  about: 'A page and its tables are unmapped while another CPU walks them without a lock, and pins the page.',
  program: munmap,
  cases: [
    { name: 'as it is: tables wait for an IPI', expect: 'holds' },
    {
      name: 'wrong fix: freed after the flush',
      expect: 'violated',
      changes: [{ omit: ['tlb_remove_table_sync_one'] }],
    },
  ],
};

export const GUP_FAST_PAGES: Litmus = {
  ...COMMON,
  name: 'GUP-fast and pages',
  about: 'A page goes, its tables stay, while another CPU walks them without a lock, and pins the page.',
  program: dontneed,
  cases: [
    { name: 'as it is: a reference, then the entry again', expect: 'holds' },
    { name: 'wrong fix: the entry again, then a reference', expect: 'violated', changes: [LOOKS_FIRST] },
    { name: 'wrong fix: a reference to any page', expect: 'violated', changes: [TAKES_ANY] },
  ],
};
