/**
 * What mmu notifiers tell of a range (mm/mmu_notifier.c), and where. Call-backs of three eras stand side by side: range start and end; `invalidate_range`
 * (3.19 to 6.5), which a design puts in its place; `arch_invalidate_secondary_tlbs` (from 6.6 on), which hangs on the flush of the CPU's TLBs.
 *
 * Left out: SRCU sections, registration while ranges are under way, call-backs that may refuse (non-blocking). Interval notifiers: interval-notifier.ts.
 */
import { ATOMIC, assert, type Cell, type Flow } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import type { GupWalks } from './gup.ts';
import type { IntervalSubscriptions } from './interval-notifier.ts';
import type { DevPagemap } from './migrate-device.ts';
import type { MmTables } from './tables.ts';

type RangeCall = (start: number, end: number) => Flow<void>;

/** struct mmu_notifier_ops, as far as ranges go. In pages; `end` is the first that is not meant. */
export interface RangeOps {
  readonly invalidate_range_start?: RangeCall;
  readonly invalidate_range_end?: RangeCall;
  readonly invalidate_range?: RangeCall;
  readonly arch_invalidate_secondary_tlbs?: RangeCall;
  /** One page, outside of any range (to 4.13). */
  readonly invalidate_page?: RangeCall;
  /** The address space goes. */
  readonly release?: RangeCall;
}

/** An mm with tables that others walk. Notifiers are there from the start. */
export interface NotifiedMm {
  readonly tables: MmTables;
  readonly notifiers: readonly RangeOps[];
  /** In place of `notifiers`, where some come while the mm is in use: mm->notifier_subscriptions; null: there are none. */
  readonly subscriptions?: Cell<readonly RangeOps[] | null>;
  /** Pages that a gather has room for. */
  readonly batch: number;
  /** Where drivers mirror it. */
  readonly intervals?: IntervalSubscriptions;
  /** Device memory in which pages of it may be. */
  readonly pgmap?: DevPagemap;
  /** Where CPUs walk it without a lock. */
  readonly gup?: GupWalks;
}

/**
 * Who hears of the mm. The short cut: a plain read, and where it finds none no call is made. linux v6.6 include/linux/mmu_notifier.h: mm_has_notifiers
 */
export function* mm_has_notifiers(this: Kernel, { notifiers, subscriptions }: NotifiedMm): Flow<readonly RangeOps[]> {
  if (subscriptions === undefined) return notifiers;
  yield;
  return subscriptions.load() ?? [];
}

/**
 * Order: the caller lets devices walk only when it has returned. Context: may sleep; mmap_lock for write, and all locks under which mappings are changed.
 * linux v6.6 mm/mmu_notifier.c: __mmu_notifier_register, mm_take_all_locks
 */
export function* mmu_notifier_register_walked(this: Kernel, mm: NotifiedMm, ops: RangeOps): Flow<void> {
  yield mm.tables.mmap_lock.writeLock();
  yield* this.mmu_notifier_subscribe(mm, ops);
  yield mm.tables.mmap_lock.writeUnlock();
}

/** What is published is seen with all that it points to (store-release). linux v6.6 mm/mmu_notifier.c: __mmu_notifier_register */
export function* mmu_notifier_subscribe(this: Kernel, { subscriptions }: NotifiedMm, ops: RangeOps): Flow<void> {
  assert(subscriptions !== undefined, 'nobody can register for an mm whose notifiers are given');
  yield ATOMIC;
  subscriptions.store([...(subscriptions.load() ?? []), ops]);
}

/** Context: may sleep; mappings are all there. `owner`: of device memory to which pages go. linux v6.6 mm/mmu_notifier.c: mn_hlist_invalidate_range_start */
export function* mmu_notifier_invalidate_range_start(
  this: Kernel,
  mm: NotifiedMm,
  start: number,
  end: number,
  owner: object | null = null,
): Flow<void> {
  if (mm.intervals !== undefined) yield* this.mn_itree_invalidate(mm.intervals, start, end, owner);
  yield* callEach(yield* this.mm_has_notifiers(mm), 'invalidate_range_start', start, end);
}

/** Context: may sleep. linux v6.6 mm/mmu_notifier.c: mn_hlist_invalidate_end */
export function* mmu_notifier_invalidate_range_end(
  this: Kernel,
  mm: NotifiedMm,
  start: number,
  end: number,
): Flow<void> {
  if (mm.intervals !== undefined) yield* this.mn_itree_inv_end(mm.intervals);
  yield* callEach(yield* this.mm_has_notifiers(mm), 'invalidate_range_end', start, end);
}

/** Gone in 4.14: designs of before call it where a page is taken from a mapping. linux v3.19 mm/mmu_notifier.c: __mmu_notifier_invalidate_page */
export function* mmu_notifier_invalidate_page(this: Kernel, mm: NotifiedMm, page: number): Flow<void> {
  yield* callEach(yield* this.mm_has_notifiers(mm), 'invalidate_page', page, page + 1);
}

/** Gone in 6.6: a design of its era brings it back. linux v3.19 mm/mmu_notifier.c: __mmu_notifier_invalidate_range */
export function* mmu_notifier_invalidate_range(
  this: Kernel,
  _mm: NotifiedMm,
  _start: number,
  _end: number,
): Flow<void> {}

/** Context: does not sleep, maybe under the page-table lock. linux v6.6 mm/mmu_notifier.c: __mmu_notifier_arch_invalidate_secondary_tlbs */
export function* mmu_notifier_arch_invalidate_secondary_tlbs(
  this: Kernel,
  mm: NotifiedMm,
  start: number,
  end: number,
): Flow<void> {
  yield* callEach(yield* this.mm_has_notifiers(mm), 'arch_invalidate_secondary_tlbs', start, end);
}

/** The CPUs' TLBs (not modelled), and with them, last, the secondary ones. linux v6.6 arch/x86/mm/tlb.c: flush_tlb_mm_range */
export function* flush_tlb_mm_range(this: Kernel, mm: NotifiedMm, start: number, end: number): Flow<void> {
  yield* this.mmu_notifier_arch_invalidate_secondary_tlbs(mm, start, end);
}

/** One call-back of each notifier that has it. */
export function* callEach(
  notifiers: readonly RangeOps[],
  call: keyof RangeOps,
  start: number,
  end: number,
): Flow<void> {
  for (const ops of notifiers) {
    const own = ops[call];
    if (own !== undefined) yield* own(start, end);
  }
}
