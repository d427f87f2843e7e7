/** Rights of a page that change (mm/mprotect.c, mm/memory.c), and the end of a whole address space (mm/mmap.c). */
import { ATOMIC, type Flow } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import { callEach, type NotifiedMm } from './secondary-tlbs.ts';

/** Order: the entry, then the flush, within a range. linux v6.6 mm/mprotect.c: change_protection */
export function* change_protection(this: Kernel, mm: NotifiedMm, page: number, writable: boolean): Flow<void> {
  const { tables } = mm;
  yield tables.mmap_lock.readLock();
  yield* this.mmu_notifier_invalidate_range_start(mm, page, page + 1);
  yield tables.ptl.acquire();
  yield ATOMIC;
  const pte = tables.pte(page);
  if (pte !== null) tables.setPte(page, { pfn: pte.pfn, writable });
  yield tables.ptl.release();
  yield* this.flush_tlb_mm_range(mm, page, page + 1);
  yield* this.mmu_notifier_invalidate_range_end(mm, page, page + 1);
  yield tables.mmap_lock.readUnlock();
}

/** A write fault on a page that nobody else has (any more): the entry is made writable, in no range. linux v6.6 mm/memory.c: wp_page_reuse */
export function* wp_page_reuse(this: Kernel, mm: NotifiedMm, page: number): Flow<void> {
  const { tables } = mm;
  yield tables.ptl.acquire();
  yield ATOMIC;
  const pte = tables.pte(page);
  if (pte !== null) tables.setPte(page, { pfn: pte.pfn, writable: true });
  yield* this.flush_tlb_fix_spurious_fault(mm, page);
  yield tables.ptl.release();
}

/** Where TLBs may keep a right that was taken back: arm64. Context: page-table lock. linux v6.6 arch/arm64/mm/fault.c: ptep_set_access_flags */
export function* flush_tlb_fix_spurious_fault(this: Kernel, mm: NotifiedMm, page: number): Flow<void> {
  yield* this.flush_tlb_mm_range(mm, page, page + 1);
}

/** The address space goes. Order: `.release` of all notifiers, which then hear of nothing any more; pages; tables. linux v6.6 mm/mmap.c: exit_mmap */
export function* exit_mmap_walked(this: Kernel, mm: NotifiedMm): Flow<void> {
  const { tables } = mm;
  const [first, last] = [tables.vmas[0], tables.vmas.at(-1)];
  yield* callEach(mm.notifiers, 'release', 0, Number.POSITIVE_INFINITY);
  const own: NotifiedMm = { ...mm, notifiers: [] };
  yield tables.mmap_lock.writeLock();
  tables.vmas = [];
  if (first !== undefined && last !== undefined) {
    const tlb = yield* this.tlb_gather_mmu(own);
    yield* this.mmu_notifier_invalidate_range_start(own, first.start, last.end);
    yield* this.unmap_page_range(tlb, first.start, last.end);
    yield* this.mmu_notifier_invalidate_range_end(own, first.start, last.end);
    yield* this.free_pgd_range(tlb, first.start, last.end);
    yield* this.tlb_finish_mmu(tlb);
  }
  yield tables.mmap_lock.writeUnlock();
}
