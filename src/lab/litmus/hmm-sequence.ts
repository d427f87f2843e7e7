/**
 * What Documentation/mm/hmm.rst asks of a driver that mirrors an address space, and each of it left out. The sequence is read before the tables; the
 * call-back sets it under the lock under which the driver looks at it again and programs the device; it stays odd until the last range has ended.
 */
import { ATOMIC, type Flow } from '../../base/index.ts';
import { hmmNoRetry, hmmRetry } from '../../designs/index.ts';
import { dmirrorRange, EBUSY_RANGE, type Patch } from '../../kernel/index.ts';
import type { MirrorMachine } from './mirror-machine.ts';
import type { Litmus } from './scenario.ts';
import { mirrorProgram, ONE_PAGE, rangeUnderWay, TWO_PAGES } from './scenarios/mirror.ts';

const SOURCE = 'Documentation/mm/hmm.rst; linux v6.6 mm/mmu_notifier.c';

/** The call-back drops the device's entries, and no more. */
const SETS_NO_SEQUENCE: Patch = { omit: ['mmu_interval_set_seq'] };

/** The call-back sets the sequence when it has given the lock back. */
const SETS_LATE: Patch = {
  replace: {
    *dmirror_interval_invalidate(mirror, start, end, cur_seq) {
      yield mirror.lock.acquire();
      yield* this.dmirror_do_update(mirror, start, end);
      yield mirror.lock.release();
      yield* this.mmu_interval_set_seq(mirror.notifier, cur_seq);
    },
  },
};

/** The driver looks at the sequence again, and takes its lock then. */
const RETRY_OUTSIDE: Patch = {
  replace: {
    *dmirror_range_fault(mirror, page, write) {
      const { lock, mm, notifier } = mirror;
      for (;;) {
        const range = dmirrorRange(mirror, page, write);
        range.notifier_seq = yield* this.mmu_interval_read_begin(mm, notifier);
        yield mm.tables.mmap_lock.readLock();
        const result = yield* this.hmm_range_fault(range);
        yield mm.tables.mmap_lock.readUnlock();
        if (result === -EBUSY_RANGE) continue;
        if (result < 0) return false;
        if (yield* this.mmu_interval_read_retry(notifier, range.notifier_seq)) continue;
        yield lock.acquire();
        yield* this.dmirror_do_fault(mirror, range);
        yield lock.release();
        return true;
      }
    },
  },
};

/** The sequence is read when the tables have been. */
const BEGINS_LATE: Patch = {
  replace: {
    *dmirror_range_fault(mirror, page, write) {
      const { lock, mm, notifier } = mirror;
      for (;;) {
        const range = { ...dmirrorRange(mirror, page, write), notifier: null };
        yield mm.tables.mmap_lock.readLock();
        const result = yield* this.hmm_range_fault(range);
        yield mm.tables.mmap_lock.readUnlock();
        if (result < 0) return false;
        range.notifier_seq = yield* this.mmu_interval_read_begin(mm, notifier);
        yield lock.acquire();
        const isStale = yield* this.mmu_interval_read_retry(notifier, range.notifier_seq);
        if (!isStale) yield* this.dmirror_do_fault(mirror, range);
        yield lock.release();
        if (!isStale) return true;
      }
    },
  },
};

/** In place of a sequence: the lock is held from before the tables are read. */
const LOCKED_FAULT: Patch = {
  replace: {
    *dmirror_range_fault(mirror, page, write) {
      const { lock, mm } = mirror;
      const range = { ...dmirrorRange(mirror, page, write), notifier: null };
      yield lock.acquire();
      yield mm.tables.mmap_lock.readLock();
      const result = yield* this.hmm_range_fault(range);
      yield mm.tables.mmap_lock.readUnlock();
      if (result === 0) yield* this.dmirror_do_fault(mirror, range);
      yield lock.release();
      return result === 0;
    },
  },
};

/** Told first is the TLB, which then is filled from the table. */
const TLB_FIRST: Patch = {
  replace: {
    *dmirror_do_update({ device }, start, end) {
      yield ATOMIC;
      device.flush(start, end);
      for (const page of device.pagesIn(start, end)) {
        yield;
        device.set(page, null);
      }
    },
  },
};

/** The first of two ranges that ends makes the sequence even, as if there were no other. */
const FIRST_END: Patch = {
  replace: {
    *mn_itree_inv_end(subscriptions) {
      yield subscriptions.lock.acquire();
      subscriptions.active_invalidate_ranges--;
      yield;
      const seq = subscriptions.invalidate_seq.load();
      if (seq % 2 === 1) {
        yield;
        subscriptions.invalidate_seq.store(seq + 1);
      }
      yield subscriptions.lock.release();
    },
  },
};

/** Whoever comes is taken for one that no range is under way for. */
const INSERTED_BLINDLY: Patch = {
  replace: {
    *mmu_interval_notifier_insert({ intervals }, interval_sub) {
      yield intervals!.lock.acquire();
      yield;
      const seq = intervals!.invalidate_seq.load();
      intervals!.itree = [...intervals!.itree, interval_sub];
      yield;
      interval_sub.invalidate_seq.store(seq - 1);
      yield intervals!.lock.release();
    },
  },
};

const dontneed = (machine: MirrorMachine) => machine.kernel.zap_page_range_single(machine.mm, 0, 1);

export const HMM_SEQUENCE: Litmus = {
  name: 'HMM sequence',
  source: SOURCE,
  about: 'A page goes while the driver of a device with its own tables faults it in.',
  bounds: 'one mm, one page, one CPU, one device that accesses the page once',
  program: mirrorProgram({
    options: { vmas: [ONE_PAGE] },
    threads: (machine) => ({ cpu: dontneed(machine), gpu: machine.accesses(true, 0) }),
    reachable: ['gpu: done', 'the driver begins again'],
  }),
  cases: [
    { name: 'without', expect: 'violated', changes: [hmmNoRetry] },
    { name: 'as documented', expect: 'holds', changes: [hmmRetry] },
    { name: 'wrong fix: the call-back does not set it', expect: 'violated', changes: [SETS_NO_SEQUENCE] },
    { name: 'wrong fix: the call-back sets it outside the lock', expect: 'violated', changes: [SETS_LATE] },
    { name: 'wrong fix: looked at outside the lock', expect: 'violated', changes: [RETRY_OUTSIDE] },
    { name: 'wrong fix: read after the tables', expect: 'violated', changes: [BEGINS_LATE] },
    { name: 'wrong fix: the lock held over the fault', expect: 'violated', changes: [LOCKED_FAULT] },
    {
      name: 'wrong fix: the lock held over the fault, munmap',
      expect: 'violated',
      changes: [LOCKED_FAULT],
      program: mirrorProgram({
        options: { vmas: [ONE_PAGE] },
        threads: (machine) => ({
          cpu: machine.kernel.do_munmap(machine.mm, 0, 1),
          gpu: machine.accesses(true, 0),
        }),
        reachable: [],
      }),
    },
  ],
};

export const HMM_TWO_RANGES: Litmus = {
  name: 'HMM two ranges',
  source: SOURCE,
  about: 'A page goes while another range of the interval is under way, and the driver faults the page in.',
  bounds: 'one mm, two pages, two CPUs, one device that accesses the page once',
  program: mirrorProgram({
    options: { vmas: [TWO_PAGES] },
    threads: (machine) => ({
      cpu0: dontneed(machine),
      cpu1: rangeUnderWay(machine, 1),
      gpu: machine.accesses(true, 0),
    }),
    reachable: ['gpu: done', 'the driver begins again'],
  }),
  cases: [
    { name: 'as it is: ranges are counted', expect: 'holds' },
    { name: 'wrong fix: the first end', expect: 'violated', changes: [FIRST_END] },
  ],
};

/** `others`: another driver's interval makes the sequence odd before this one comes. */
const registering = (others: boolean) =>
  mirrorProgram({
    options: { vmas: [TWO_PAGES], registers: true, others },
    threads: (machine) => {
      function* registers(): Flow<void> {
        yield* machine.kernel.dmirror_register(machine.mirror);
        yield* machine.accesses(true, 0);
      }
      return { cpu: dontneed(machine), gpu: registers() };
    },
    reachable: ['gpu: done', ...(others ? ['the interval is deferred'] : [])],
  });

export const HMM_INSERTION: Litmus = {
  name: 'HMM insertion',
  source: SOURCE,
  about: 'A driver registers and faults a page in while the page goes.',
  bounds: 'one mm, two pages, one CPU that takes one of them, one device that accesses it once',
  program: registering(false),
  cases: [
    { name: 'as it is: told of ranges under way', expect: 'holds' },
    { name: 'wrong fix: as if there were none', expect: 'violated', changes: [INSERTED_BLINDLY] },
    { name: 'beside another: deferred', expect: 'holds', program: registering(true) },
    {
      name: 'wrong fix: as if there were none, beside another',
      expect: 'violated',
      changes: [INSERTED_BLINDLY],
      program: registering(true),
    },
  ],
};

export const HMM_TLB: Litmus = {
  name: 'HMM TLB',
  source: SOURCE,
  about: 'A page goes that a device has in its table and its TLB.',
  bounds: 'one mm, one page, one CPU, one device with a TLB that accesses the page twice',
  program: mirrorProgram({
    options: { vmas: [ONE_PAGE], mirrored: [0], tlb: true },
    threads: (machine) => ({ cpu: machine.kernel.do_munmap(machine.mm, 0, 1), gpu: machine.accesses(true, 0, 0) }),
    reachable: ['gpu: done', 'gpu: no mapping'],
  }),
  cases: [
    { name: 'table, then TLB', expect: 'holds' },
    { name: 'wrong fix: TLB, then table', expect: 'violated', changes: [TLB_FIRST] },
  ],
};
