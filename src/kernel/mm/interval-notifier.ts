/**
 * Interval notifiers (mm/mmu_notifier.c): a driver that mirrors part of an address space learns whether that part changed since it looked. One sequence for
 * the mm: even where nothing that a notifier asked for is invalidated, odd from the first such range to the last end; and one number of each
 * notifier's own, which the driver sets to the sequence of the invalidation that reached it, and is odd always.
 *
 * Left out: removal, call-backs that may refuse (non-blocking), SRCU.
 */
import { Cell, type Flow, SpinLock, until, type World } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import type { NotifiedMm } from './secondary-tlbs.ts';

/** struct mmu_interval_notifier. */
export interface IntervalNotifier {
  readonly start: number;
  readonly end: number;
  readonly invalidate_seq: Cell<number>;
  /** Order: device access is gone when it returns. `owner`: of the device memory for which a range is migrated, or null. */
  readonly invalidate: (start: number, end: number, cur_seq: number, owner: object | null) => Flow<void>;
}

/** struct mmu_notifier_subscriptions, its part for intervals. */
export class IntervalSubscriptions {
  readonly lock: SpinLock;
  /** Written under `lock`. */
  readonly invalidate_seq: Cell<number>;
  /** Context: `lock`. */
  active_invalidate_ranges = 0;
  /** Context: `lock`. */
  itree: readonly IntervalNotifier[] = [];
  deferred_list: readonly IntervalNotifier[] = [];

  constructor(world: World, name: string) {
    this.lock = new SpinLock(world, `${name}.notifier_subscriptions.lock`);
    this.invalidate_seq = new Cell(world, `${name}.invalidate_seq`, 2);
  }
}

/** Waits for no range. Under one that is under way the interval begins as if that had reached it. linux v6.6 mm/mmu_notifier.c: __mmu_interval_notifier_insert */
export function* mmu_interval_notifier_insert(
  this: Kernel,
  { intervals }: NotifiedMm,
  interval_sub: IntervalNotifier,
): Flow<void> {
  const subscriptions = intervals!;
  yield subscriptions.lock.acquire();
  yield;
  let seq = subscriptions.invalidate_seq.load();
  if (subscriptions.active_invalidate_ranges === 0) {
    subscriptions.itree = [...subscriptions.itree, interval_sub];
    seq--;
  } else if (seq % 2 === 1) {
    subscriptions.deferred_list = [...subscriptions.deferred_list, interval_sub];
    this.world.reach('the interval is deferred');
  } else {
    seq++;
    yield;
    subscriptions.invalidate_seq.store(seq);
    subscriptions.itree = [...subscriptions.itree, interval_sub];
  }
  yield;
  interval_sub.invalidate_seq.store(seq);
  yield subscriptions.lock.release();
}

/** Context: may sleep. Order: before mmap_lock is taken and the tables are read. linux v6.6 mm/mmu_notifier.c: mmu_interval_read_begin */
export function* mmu_interval_read_begin(
  this: Kernel,
  { intervals, tables }: NotifiedMm,
  interval_sub: IntervalNotifier,
): Flow<number> {
  const { invalidate_seq, lock } = intervals!;
  yield lock.acquire();
  yield;
  const seq = interval_sub.invalidate_seq.load();
  yield;
  const is_invalidating = seq === invalidate_seq.load();
  yield lock.release();
  if (is_invalidating) {
    yield until(this.world, `invalidate_seq of ${tables.name} is not ${seq}`, () => invalidate_seq.peek() !== seq);
  }
  return seq;
}

/** Context: the driver's lock, which its call-back takes. True: begin again. linux v6.6 include/linux/mmu_notifier.h */
export function* mmu_interval_read_retry(
  this: Kernel,
  { invalidate_seq }: IntervalNotifier,
  seq: number,
): Flow<boolean> {
  yield;
  return invalidate_seq.load() !== seq;
}

/** Without the lock: true for sure, false for now. linux v6.6 include/linux/mmu_notifier.h: mmu_interval_check_retry */
export function* mmu_interval_check_retry(
  this: Kernel,
  { invalidate_seq }: IntervalNotifier,
  seq: number,
): Flow<boolean> {
  yield;
  return invalidate_seq.load() !== seq;
}

/** Context: within the call-back, under the driver's lock. linux v6.6 include/linux/mmu_notifier.h: mmu_interval_set_seq */
export function* mmu_interval_set_seq(this: Kernel, { invalidate_seq }: IntervalNotifier, cur_seq: number): Flow<void> {
  yield;
  invalidate_seq.store(cur_seq);
}

/** What overlaps a range, and the sequence: odd if anything does. linux v6.6 mm/mmu_notifier.c: mn_itree_inv_start_range, mn_itree_inv_next */
export function* mn_itree_inv_start_range(
  this: Kernel,
  subscriptions: IntervalSubscriptions,
  start: number,
  end: number,
): Flow<{ readonly overlapping: readonly IntervalNotifier[]; readonly cur_seq: number }> {
  yield subscriptions.lock.acquire();
  subscriptions.active_invalidate_ranges++;
  const overlapping = subscriptions.itree.filter((own) => own.start < end && own.end > start);
  yield;
  let cur_seq = subscriptions.invalidate_seq.load();
  if (overlapping.length > 0 && cur_seq % 2 === 0) {
    cur_seq++;
    yield;
    subscriptions.invalidate_seq.store(cur_seq);
  }
  yield subscriptions.lock.release();
  return { overlapping, cur_seq };
}

/** Order: before anything is unmapped. linux v6.6 mm/mmu_notifier.c: mn_itree_invalidate */
export function* mn_itree_invalidate(
  this: Kernel,
  subscriptions: IntervalSubscriptions,
  start: number,
  end: number,
  owner: object | null,
): Flow<void> {
  const { cur_seq, overlapping } = yield* this.mn_itree_inv_start_range(subscriptions, start, end);
  for (const own of overlapping) yield* own.invalidate(start, end, cur_seq, owner);
}

/** The last end of those under way wakes readers, and lets in what was inserted meanwhile. linux v6.6 mm/mmu_notifier.c: mn_itree_inv_end */
export function* mn_itree_inv_end(this: Kernel, subscriptions: IntervalSubscriptions): Flow<void> {
  yield subscriptions.lock.acquire();
  yield;
  const seq = subscriptions.invalidate_seq.load();
  if (--subscriptions.active_invalidate_ranges === 0 && seq % 2 === 1) {
    subscriptions.itree = [...subscriptions.itree, ...subscriptions.deferred_list];
    subscriptions.deferred_list = [];
    yield;
    subscriptions.invalidate_seq.store(seq + 1);
  }
  yield subscriptions.lock.release();
}
