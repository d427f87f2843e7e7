/**
 * The paths of mm/memory.c and mm/mmap.c that take pages and tables from an address space that others walk too: munmap, MADV_DONTNEED, copy on write.
 * What matters is the order of clearing, flush, free and the ends of notifier ranges.
 *
 * Left out: files, swap, dirty pages that force a flush, huge pages, the downgrade of mmap_lock.
 */
import { ATOMIC, type Flow } from '../../base/index.ts';
import { offsetInSpan, spanPages } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { MmuGather } from './mmu-gather.ts';
import type { NotifiedMm } from './secondary-tlbs.ts';
import { PGD_LEVEL } from './tables.ts';

/** Order: tables are unlinked, flushed and freed after the range has ended. linux v6.6 mm/mmap.c: do_vmi_align_munmap, unmap_region */
export function* do_munmap(this: Kernel, mm: NotifiedMm, start: number, end: number): Flow<void> {
  const { tables } = mm;
  yield tables.mmap_lock.writeLock();
  tables.vmas = tables.vmas.filter((vma) => vma.start < start || vma.end > end);
  const tlb = yield* this.tlb_gather_mmu(mm);
  yield* this.mmu_notifier_invalidate_range_start(mm, start, end);
  yield* this.unmap_page_range(tlb, start, end);
  yield* this.mmu_notifier_invalidate_range_end(mm, start, end);
  yield* this.free_pgd_range(tlb, start, end);
  yield* this.tlb_finish_mmu(tlb);
  yield tables.mmap_lock.writeUnlock();
}

/** MADV_DONTNEED, truncate: the mapping stays. Order: the range has ended before the last batch is flushed. linux v6.6 mm/memory.c */
export function* zap_page_range_single(this: Kernel, mm: NotifiedMm, start: number, end: number): Flow<void> {
  const { mmap_lock } = mm.tables;
  yield mmap_lock.readLock();
  const tlb = yield* this.tlb_gather_mmu(mm);
  yield* this.mmu_notifier_invalidate_range_start(mm, start, end);
  yield* this.unmap_page_range(tlb, start, end);
  yield* this.mmu_notifier_invalidate_range_end(mm, start, end);
  yield* this.tlb_finish_mmu(tlb);
  yield mmap_lock.readUnlock();
}

/** A batch that is full is flushed and freed at once, within the range. linux v6.6 mm/memory.c: unmap_page_range, zap_pte_range */
export function* unmap_page_range(this: Kernel, tlb: MmuGather, start: number, end: number): Flow<void> {
  const { tables } = tlb.mm;
  for (let page = start; page < end; page++) {
    yield tables.ptl.acquire();
    yield ATOMIC;
    const pte = tables.pte(page);
    if (pte !== null) tables.clearPte(page);
    else if (tlb.mm.pgmap !== undefined) yield* this.zap_nonpresent_pte(tlb.mm, page);
    const isFull = pte !== null && (yield* this.tlb_remove_page(tlb, page, pte.pfn));
    yield tables.ptl.release();
    if (isFull) yield* this.tlb_flush_mmu(tlb);
  }
}

/** Tables in whose span no mapping is left, from the lowest up. linux v6.6 mm/memory.c: free_pgd_range */
export function* free_pgd_range(this: Kernel, tlb: MmuGather, start: number, end: number): Flow<void> {
  const { tables } = tlb.mm;
  for (let level = 0; level < PGD_LEVEL; level++) {
    const span = spanPages(level + 1);
    for (let page = start - offsetInSpan(start, level + 1); page < end; page += span) {
      if (tables.isSpanUsed(page, level)) continue;
      yield ATOMIC;
      const table = tables.tableAt(page, level);
      if (table === 0) continue;
      tables.unlink(page, level);
      yield* this.tlb_remove_table(tlb, page, span, table);
    }
  }
}

/**
 * A write to a page that is shared with another mm. Order: the entry is cleared and flushed, and then leads to the copy; the old page goes when the
 * range has ended. linux v6.6 mm/memory.c: wp_page_copy
 */
export function* wp_page_copy(this: Kernel, mm: NotifiedMm, page: number): Flow<void> {
  const { tables } = mm;
  yield ATOMIC;
  const copy = tables.allocPage();
  yield* this.mmu_notifier_invalidate_range_start(mm, page, page + 1);
  yield tables.ptl.acquire();
  yield ATOMIC;
  const old = tables.pte(page);
  yield* this.ptep_clear_flush_notify(mm, page);
  yield ATOMIC;
  tables.setPte(page, { pfn: copy, writable: true });
  yield tables.ptl.release();
  yield* this.mmu_notifier_invalidate_range_end(mm, page, page + 1);
  if (old !== null) yield* this.put_page(tables, old.pfn);
}

/** Context: page-table lock. linux v3.19 include/linux/mmu_notifier.h: ptep_clear_flush_notify; in 6.6 ptep_clear_flush */
export function* ptep_clear_flush_notify(this: Kernel, mm: NotifiedMm, page: number): Flow<void> {
  yield ATOMIC;
  mm.tables.clearPte(page);
  yield* this.flush_tlb_mm_range(mm, page, page + 1);
  yield* this.mmu_notifier_invalidate_range(mm, page, page + 1);
}
