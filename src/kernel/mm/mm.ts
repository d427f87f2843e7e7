/**
 * Life of an mm_struct (kernel/fork.c, mm/mmap.c). Two counts: mm_users for what uses the address space, and mm_count for what holds the
 * structure: one for all of mm_users, one for each notifier registration, one for each kernel thread that borrows it (lazy TLB).
 *
 * Left out: VMAs and page tables (their pages are one object), mmap_lock, OOM reaping, khugepaged and uprobes in __mmput.
 */
import { ATOMIC, type Flow, LOCKED } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import { IOMMU_PASID_INVALID, type Mm } from '../objects.ts';
import { InvariantBroken } from '../observer.ts';

/** Context: the caller has a reference of its own. linux v6.6 include/linux/sched/mm.h: mmget */
export function* mmget(this: Kernel, mm: Mm): Flow<void> {
  yield LOCKED;
  counted(`${mm.name}.mm_users`, mm.mm_users.add(1) > 1);
}

/** For who has the structure only: false when the address space is gone. linux v6.6 include/linux/sched/mm.h: mmget_not_zero */
export function* mmget_not_zero(this: Kernel, mm: Mm): Flow<boolean> {
  for (;;) {
    yield;
    const users = mm.mm_users.load();
    if (users === 0) return false;
    yield LOCKED;
    if (mm.mm_users.compareExchange(users, users + 1)) return true;
  }
}

/** Context: may sleep. linux v6.6 kernel/fork.c: mmput */
export function* mmput(this: Kernel, mm: Mm): Flow<void> {
  this.might_sleep('mmput');
  yield LOCKED;
  const users = mm.mm_users.add(-1);
  counted(`${mm.name}.mm_users`, users >= 0);
  if (users === 0) yield* this.__mmput(mm);
}

/** Order: notifiers, mappings and tables go before the structure may. linux v6.6 kernel/fork.c: __mmput */
export function* __mmput(this: Kernel, mm: Mm): Flow<void> {
  yield* this.exit_mmap(mm);
  yield* this.mmdrop(mm);
}

/** Order: `.release` of all notifiers before pages and tables are freed. linux v6.6 mm/mmap.c: exit_mmap */
export function* exit_mmap(this: Kernel, mm: Mm): Flow<void> {
  yield;
  mm.seen.exiting.store(true);
  yield* this.mmu_notifier_release(mm);
  yield* this.unmap_vmas(mm);
  yield* this.free_pgtables(mm);
}

/** Mapped portals go, and with each a reference of its file. linux v6.6 mm/memory.c: unmap_vmas; mm/mmap.c: remove_vma */
export function* unmap_vmas(this: Kernel, mm: Mm): Flow<void> {
  for (const { file, portal } of mm.portals) {
    yield LOCKED;
    if (portal.mapped.exchange(false)) yield* this.fput(file);
  }
}

/** User pages and their tables go back: whoever still reaches them uses freed memory. linux v6.6 mm/memory.c: free_pgtables */
export function* free_pgtables(this: Kernel, mm: Mm): Flow<void> {
  yield LOCKED;
  mm.pages.free();
}

/** Context: the caller has a reference of its own. linux v6.6 include/linux/sched/mm.h: mmgrab */
export function* mmgrab(this: Kernel, mm: Mm): Flow<void> {
  yield LOCKED;
  counted(`${mm.name}.mm_count`, mm.mm_count.add(1) > 1);
}

/** Context: does not sleep. linux v6.6 include/linux/sched/mm.h: mmdrop */
export function* mmdrop(this: Kernel, mm: Mm): Flow<void> {
  yield LOCKED;
  const count = mm.mm_count.add(-1);
  counted(`${mm.name}.mm_count`, count >= 0);
  if (count === 0) yield* this.__mmdrop(mm);
}

/** Order: the PASID goes after all that is known by it, and just before the structure. linux v6.6 kernel/fork.c: __mmdrop */
export function* __mmdrop(this: Kernel, mm: Mm): Flow<void> {
  yield* this.destroy_context(mm);
  yield* this.mm_pasid_drop(mm);
  yield* this.free_mm(mm);
}

/** The LDT and what else the architecture has for the mm: nothing that matters here. linux v6.6 arch/x86/include/asm/mmu_context.h */
export function* destroy_context(this: Kernel, _mm: Mm): Flow<void> {}

/** All of the structure, at once. linux v6.6 kernel/fork.c: free_mm */
export function* free_mm(this: Kernel, mm: Mm): Flow<void> {
  yield ATOMIC;
  for (const field of [mm.pasid, mm.mm_users, mm.mm_count, mm.srcu, mm.cpumask]) field.free();
}

/** A count that goes below 0, or up from 0, has been put down once too often (what refcount_t warns of). */
function counted(name: string, isSane: boolean): void {
  if (!isSane) throw new InvariantBroken(`INV-8: ${name} is used after it was 0`);
}

/** PASID part of mm_init: a new mm has none (a6cbd44093ef). linux v6.6 include/linux/iommu.h: mm_pasid_init */
export function* mm_pasid_init(this: Kernel, mm: Mm, _parent: Mm | null): Flow<number> {
  yield;
  mm.pasid.store(IOMMU_PASID_INVALID);
  return 0;
}

/** Gives the number back. linux v6.6 drivers/iommu/iommu-sva.c: mm_pasid_drop */
export function* mm_pasid_drop(this: Kernel, mm: Mm): Flow<void> {
  yield;
  const pasid = mm.pasid.load();
  if (pasid === IOMMU_PASID_INVALID) return;
  yield* this.iommu_free_global_pasid(pasid);
}
