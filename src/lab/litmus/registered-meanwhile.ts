/**
 * The short cut of the thread of 2014: where nobody has registered, no call is made. It is a plain read, and could come before the entry that was cleared has left the store buffer; on x86 the flush of the CPUs, which comes first,
 * begins with a locked operation. That nobody registers while a mapping is changed (mmap_lock, for write) is a second reason: either is enough here.
 *
 * Without the fence a driver that waits for mmap_lock is not helped where the flush is executed before the entry is seen to be clear.
 */
import { Cell, type Flow, LOCKED, MFENCE, until, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import type { NotifiedMm, Patch, RangeOps } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { SPACE, SvaMachine } from './sva-machine.ts';

/** `others`: subscribers that are there from the start. */
const programOf =
  (others: number) =>
  (world: World, build: Build): Program => {
    const machine = new SvaMachine(world, build, { vmas: [{ start: 0, end: 2 }], ats: false });
    const { bind, kernel, tables, walker } = machine;
    const device = machine.devices[0]!;
    walker.roots.store(SPACE, 0);
    const there: readonly RangeOps[] = Array.from({ length: others }, () => ({}));
    const subscriptions = new Cell<readonly RangeOps[] | null>(
      world,
      'mm->notifier_subscriptions',
      others === 0 ? null : there,
    );
    const mm: NotifiedMm = { tables, notifiers: [], subscriptions, batch: Number.POSITIVE_INFINITY };
    function* binds(): Flow<void> {
      yield* kernel.mmu_notifier_register_walked(mm, kernel.sva_notifier_ops(bind));
      // The entry is written and the unit is told, with locked operations in between.
      yield MFENCE;
      yield;
      walker.roots.store(SPACE, tables.pgd);
    }
    function* works(): Flow<void> {
      yield until(world, 'the device is bound', () => walker.roots.peek(SPACE) !== 0);
      // Reads: a device has no store buffer.
      yield* machine.accesses(device, false, 0, 0);
    }
    return {
      threads: { munmap: kernel.do_munmap(mm, 0, 1), bind: binds(), device: works() },
      reachable: ['dev0: done', 'dev0: not present'],
    };
  };

/** Under TSO: the CPUs' flush begins with a locked operation; the count and the free are locked operations, each a step of its own. */
const ON_X86: Patch = {
  before: {
    /** inc_mm_tlb_gen. linux v6.6 arch/x86/mm/tlb.c: flush_tlb_mm_range */
    *flush_tlb_mm_range() {
      yield MFENCE;
    },
  },
  replace: {
    *put_page({ memory }, pfn) {
      yield LOCKED;
      if (memory.addRefcount(pfn, -1) > 0) return;
      yield LOCKED;
      memory.freeFrame(pfn);
    },
  },
};

/** The same without the locked operation of the flush. */
const NO_FENCE: Patch = { replace: { ...ON_X86.replace } };

/** Registration takes no lock. */
const NO_LOCK: Patch = {
  replace: {
    *mmu_notifier_register_walked(mm, ops) {
      yield* this.mmu_notifier_subscribe(mm, ops);
    },
  },
};

/** As asked in the thread: a flag of the mm says that somebody has registered who wants to hear of flushes. Never cleared. */
const FLAG: Patch = {
  replace: {
    *mm_has_notifiers({ subscriptions }) {
      yield;
      const all = subscriptions?.load() ?? [];
      return all.some((ops) => ops.arch_invalidate_secondary_tlbs !== undefined) ? all : [];
    },
  },
};

export const REGISTERED: Litmus = {
  name: 'registered meanwhile',
  source: 'thread 2014: the short cut',
  about: 'A driver binds a device to an mm from which a page is unmapped.',
  bounds: 'one mm, one CPU that changes it, one that binds, one device without a TLB and two accesses',
  memory: 'tso',
  program: programOf(0),
  cases: [
    { name: 'as it is', expect: 'holds', changes: [ON_X86] },
    { name: 'as it is, two others have registered', expect: 'holds', changes: [ON_X86], program: programOf(2) },
    {
      name: 'a flag for those who hear of flushes',
      expect: 'holds',
      changes: [ON_X86, FLAG],
      program: programOf(2),
    },
    // The entry has left the store buffer when the short cut is read: whoever walks from then on does not find it.
    { name: 'registered without mmap_lock', expect: 'holds', changes: [ON_X86, NO_LOCK] },
    { name: 'without mmap_lock, and no fence before the read', expect: 'violated', changes: [NO_FENCE, NO_LOCK] },
  ],
};

export const REGISTERED_SC: Litmus = {
  ...REGISTERED,
  name: 'registered meanwhile, no store buffers',
  memory: 'sc',
  cases: [{ name: 'without mmap_lock', expect: 'holds', changes: [NO_LOCK] }],
};
