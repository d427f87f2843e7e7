/**
 * Registration of mmu notifiers (mm/mmu_notifier.c), as far as the life of a bind needs it: `.release`, and who may free what when.
 * Each registration holds the mm_struct (mmgrab).
 *
 * Left out: invalidation call-backs, interval notifiers, mm_take_all_locks.
 */
import { type Flow, LOCKED, until } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Mm, Subscription } from '../objects.ts';

/** Context: mmap_lock for write (not modelled); may sleep. linux v6.6 mm/mmu_notifier.c: __mmu_notifier_register */
export function* mmu_notifier_register(this: Kernel, subscription: Subscription): Flow<void> {
  const { mm } = subscription;
  yield* this.mmgrab(mm);
  yield mm.notifier_lock.acquire();
  mm.subscriptions = [...mm.subscriptions, subscription];
  yield mm.notifier_lock.release();
}

/**
 * The address space goes: every notifier's `.release`, in an SRCU section, which may not sleep; then none is left.
 * linux v6.6 mm/mmu_notifier.c: mn_hlist_release
 */
export function* mmu_notifier_release(this: Kernel, mm: Mm): Flow<void> {
  yield* this.srcu_read_lock(mm);
  yield mm.notifier_lock.acquire();
  const all = mm.subscriptions;
  yield mm.notifier_lock.release();
  for (const subscription of all) yield* subscription.release();
  yield mm.notifier_lock.acquire();
  mm.subscriptions = mm.subscriptions.filter((own) => !all.includes(own));
  yield mm.notifier_lock.release();
  yield* this.srcu_read_unlock(mm);
  yield* this.synchronize_srcu(mm);
}

/**
 * `.release` if it has not run, then the reference. Order: the caller may free the subscription when it returns.
 * Context: may sleep. linux v6.6 mm/mmu_notifier.c: mmu_notifier_unregister
 */
export function* mmu_notifier_unregister(this: Kernel, subscription: Subscription): Flow<void> {
  const { mm } = subscription;
  yield* this.srcu_read_lock(mm);
  yield mm.notifier_lock.acquire();
  const isLinked = mm.subscriptions.includes(subscription);
  yield mm.notifier_lock.release();
  if (isLinked) {
    yield* subscription.release();
    yield mm.notifier_lock.acquire();
    mm.subscriptions = mm.subscriptions.filter((own) => own !== subscription);
    yield mm.notifier_lock.release();
  }
  yield* this.srcu_read_unlock(mm);
  yield* this.synchronize_srcu(mm);
  yield* this.mmdrop(mm);
}

/**
 * Without `.release`; the call-back that drops the reference runs after a grace period: here at once after it, in the same thread.
 * linux v6.6 mm/mmu_notifier.c: mmu_notifier_put, mmu_notifier_free_rcu
 */
export function* mmu_notifier_put(this: Kernel, subscription: Subscription): Flow<void> {
  const { mm } = subscription;
  yield mm.notifier_lock.acquire();
  mm.subscriptions = mm.subscriptions.filter((own) => own !== subscription);
  yield mm.notifier_lock.release();
  yield* this.synchronize_srcu(mm);
  yield* this.mmdrop(mm);
}

export function* srcu_read_lock(this: Kernel, mm: Mm): Flow<void> {
  yield LOCKED;
  mm.srcu.add(1);
}

export function* srcu_read_unlock(this: Kernel, mm: Mm): Flow<void> {
  yield LOCKED;
  mm.srcu.add(-1);
}

/** Waits for the sections under way (and, here, for those that begin meanwhile). Context: may sleep. */
export function* synchronize_srcu(this: Kernel, mm: Mm): Flow<void> {
  this.might_sleep('synchronize_srcu');
  yield until(this.world, `no SRCU section of ${mm.name}`, () => mm.srcu.peek() === 0);
}
