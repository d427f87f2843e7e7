/**
 * A driver moves a page to its device's memory (Documentation/mm/hmm.rst, migrate_vma): what it may skip, and when it may write the device's table itself.
 *
 * The call-back is told who migrates, so that a driver can skip what it caused itself: it must then take its device off the page before it copies, and
 * keep out faults that looked before. Between pages and finalize the CPU's table has a migration entry, which MADV_DONTNEED takes away as any other.
 */
import { ATOMIC, type Flow } from '../../base/index.ts';
import { atEnd } from '../../check/index.ts';
import { startEnd } from '../../designs/index.ts';
import { isSwapEntry, type Patch, peekSwapEntry } from '../../kernel/index.ts';
import type { MirrorMachine } from './mirror-machine.ts';
import type { Litmus } from './scenario.ts';
import { KEPT, mirrorProgram, ONE_PAGE } from './scenarios/mirror.ts';

const SOURCE = 'Documentation/mm/hmm.rst; linux v6.6 mm/migrate_device.c, lib/test_hmm.c';

/** The call-back does nothing where the driver migrates. */
const SKIPS: Patch = {
  replace: {
    *dmirror_interval_invalidate(mirror, start, end, cur_seq, owner) {
      if (owner === mirror.pgmap.owner) return;
      yield mirror.lock.acquire();
      yield* this.mmu_interval_set_seq(mirror.notifier, cur_seq);
      yield* this.dmirror_do_update(mirror, start, end);
      yield mirror.lock.release();
    },
  },
};

/** The call-back sets the sequence, and leaves the rest to the driver where it migrates. */
const SKIPS_BUT_SETS: Patch = {
  replace: {
    *dmirror_interval_invalidate(mirror, start, end, cur_seq, owner) {
      yield mirror.lock.acquire();
      yield* this.mmu_interval_set_seq(mirror.notifier, cur_seq);
      if (owner !== mirror.pgmap.owner) yield* this.dmirror_do_update(mirror, start, end);
      yield mirror.lock.release();
    },
  },
};

/** The driver takes its device off the pages by itself, before it copies. */
const DROPS: Patch = {
  before: {
    *dmirror_migrate_alloc_and_copy(mirror, { end, start }) {
      yield mirror.lock.acquire();
      yield* this.dmirror_do_update(mirror, start, end);
      yield mirror.lock.release();
    },
  },
};

/** No fault while it migrates. */
const KEEPS_FAULTS_OUT: Patch = {
  before: {
    *dmirror_range_fault(mirror) {
      yield mirror.migrate_lock.acquire();
    },
  },
  after: {
    *dmirror_range_fault(mirror) {
      yield mirror.migrate_lock.release();
    },
  },
};

/** Step 5 of the document: the device's table, before the CPU's. */
const MAPS: Patch = {
  replace: {
    *dmirror_migrate_finalize_and_map(mirror, { pages }) {
      yield mirror.lock.acquire();
      for (const { dst, page, writable } of pages) {
        yield;
        if (dst !== null) mirror.device.set(page, { pfn: dst, writable, local: true });
      }
      yield mirror.lock.release();
    },
  },
};

/** The same, if nothing was invalidated since before the pages were taken, but by itself. */
const MAPS_IF_UNCHANGED: Patch = {
  before: {
    *dmirror_migrate_to_device({ mm, notifier }) {
      this.extra.set('seq', yield* this.mmu_interval_read_begin(mm, notifier));
    },
  },
  replace: {
    *dmirror_migrate_finalize_and_map(mirror, { pages }) {
      yield mirror.lock.acquire();
      const isStale = yield* this.mmu_interval_read_retry(mirror.notifier, this.extra.get('seq') as number);
      for (const { dst, page, writable } of isStale ? [] : pages) {
        yield;
        if (dst !== null) mirror.device.set(page, { pfn: dst, writable, local: true });
      }
      yield mirror.lock.release();
    },
  },
};

/** A driver that moves the page while the device works on it. */
const moving = (mirrored: readonly number[]) =>
  mirrorProgram({
    options: { vmas: [ONE_PAGE], mirrored },
    threads: (machine) => ({
      driver: machine.kernel.dmirror_migrate_to_device(machine.mirror, 0),
      gpu: machine.accesses(true, 0),
    }),
    always: KEPT,
    reachable: ['gpu: done', 'gpu works in device memory'],
  });

export const MIGRATE_VMA: Litmus = {
  name: 'migrate_vma',
  source: SOURCE,
  about: 'A page moves to the device’s memory while the device writes to it.',
  bounds: 'one mm, one page, one driver that moves it, one device that writes to it once',
  program: moving([]),
  cases: [
    { name: 'told of its own ranges too', expect: 'holds' },
    { name: 'as documented: skips its own, drops first', expect: 'violated', changes: [SKIPS, DROPS] },
    { name: 'as documented, no fault under way', expect: 'holds', changes: [SKIPS, DROPS], program: moving([0]) },
    { name: 'fixed: and sets the sequence', expect: 'holds', changes: [SKIPS_BUT_SETS, DROPS] },
    { name: 'fixed: and keeps faults out', expect: 'holds', changes: [SKIPS, DROPS, KEEPS_FAULTS_OUT] },
    { name: 'wrong fix: does not drop', expect: 'violated', changes: [SKIPS, MAPS], program: moving([0]) },
  ],
};

/** The device works when the driver has moved the page. */
function* movesAndWorks(machine: MirrorMachine): Flow<void> {
  const moved = yield* machine.kernel.dmirror_migrate_to_device(machine.mirror, 0);
  machine.world.reach(moved ? 'moved' : 'not moved');
  yield* machine.accesses(true, 0);
}

export const MIGRATE_VMA_ZAP: Litmus = {
  name: 'migrate_vma and MADV_DONTNEED',
  source: SOURCE,
  about: 'A page moves to the device’s memory, and goes; then the device works on it.',
  bounds: 'one mm, one page, one driver that moves it, one CPU, one device that writes to it once',
  program: mirrorProgram({
    options: { vmas: [ONE_PAGE] },
    threads: (machine) => ({
      driver: movesAndWorks(machine),
      cpu: machine.kernel.zap_page_range_single(machine.mm, 0, 1),
    }),
    reachable: ['moved', 'not moved', 'gpu: done', 'gpu works in device memory'],
  }),
  cases: [
    { name: 'as documented: the device is mapped, then the CPU', expect: 'violated', changes: [MAPS] },
    { name: 'fixed: the device faults anew', expect: 'holds' },
    { name: 'fixed: mapped if nothing was invalidated', expect: 'holds', changes: [SKIPS, DROPS, MAPS_IF_UNCHANGED] },
  ],
};

const walked = mirrorProgram({
  options: { vmas: [ONE_PAGE], mirrored: [0], ats: true },
  threads: (machine) => ({
    driver: machine.kernel.dmirror_migrate_to_device(machine.mirror, 0),
    ats: machine.walks(true, 0),
  }),
  always: (machine) => ({ 'no write of the device that walks is lost': machine.keepsWalked(0) }),
  reachable: ['ats: done', 'ats: not present'],
});

export const MIGRATE_VMA_ATS: Litmus = {
  name: 'migrate_vma beside ATS',
  source: SOURCE,
  about: 'A page moves to a device’s memory while another device writes it through the CPU’s tables.',
  bounds: 'one mm, one page, one driver that moves it, one device with a TLB that walks, and writes once',
  program: walked,
  cases: [
    { name: 'as it is: told by the flush of the CPU', expect: 'holds' },
    { name: 'too: told when the range starts and ends', expect: 'holds', changes: [startEnd] },
    { name: 'wrong fix: no flush', expect: 'violated', changes: [{ omit: ['flush_tlb_mm_range'] }] },
  ],
};

/** A CPU that finds the device's page locked does without a reference, and looks again. */
const TRYLOCK: Patch = {
  replace: {
    *do_swap_page(mm, page, entry) {
      if (entry.type === 'migration') {
        yield* this.migration_entry_wait(mm, page);
        return;
      }
      const { pgmap, tables } = mm;
      yield tables.ptl.acquire();
      yield ATOMIC;
      const isMine = isSwapEntry(tables, page, entry) && pgmap!.fault_locked.compareExchange(false, true);
      if (isMine) pgmap!.memory.addRefcount(entry.pfn, 1);
      yield tables.ptl.release();
      if (!isMine) return;
      yield* pgmap!.migrate_to_ram(page, entry.pfn);
      yield ATOMIC;
      pgmap!.fault_locked.store(false);
      yield* this.put_page(pgmap!, entry.pfn);
    },
  },
};

export const DEVICE_FAULTS: Litmus = {
  name: 'migrate_to_ram by two CPUs',
  source: 'linux v6.6 mm/memory.c: do_swap_page',
  about:
    'Two CPUs fault at a page that is in a device’s memory: a round in which neither brings it can come again, and for ever.',
  bounds: 'one mm, one page, two CPUs with one fault each',
  program: mirrorProgram({
    options: { vmas: [ONE_PAGE], migrated: [0] },
    threads: ({ kernel, mm }) => ({
      cpu0: kernel.do_user_addr_fault(mm, 0, false),
      cpu1: kernel.do_user_addr_fault(mm, 0, false),
    }),
    always: ({ tables }) => ({ 'one of them has brought it': atEnd(() => peekSwapEntry(tables, 0) === null) }),
    reachable: [],
  }),
  cases: [
    { name: 'as it was: a reference each', expect: 'violated' },
    { name: 'fixed: the page is locked first', expect: 'holds', changes: [TRYLOCK] },
  ],
};
