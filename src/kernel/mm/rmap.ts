/**
 * Paths that take a page from wherever it is mapped (mm/rmap.c, mm/vmscan.c, mm/migrate.c): reclaim of one page, of several with one flush of the CPUs, migration.
 *
 * Left out: several mappings of a page, swap entries, dirty pages.
 */
import { ATOMIC, type Flow } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import type { NotifiedMm } from './secondary-tlbs.ts';

/** Order: cleared and flushed under the page-table lock, within a range; the caller frees the page. linux v6.6 mm/rmap.c: try_to_unmap_one */
export function* try_to_unmap_one(this: Kernel, mm: NotifiedMm, page: number): Flow<number | null> {
  const { tables } = mm;
  yield* this.mmu_notifier_invalidate_range_start(mm, page, page + 1);
  yield tables.ptl.acquire();
  yield ATOMIC;
  const pte = tables.pte(page);
  if (pte !== null) yield* this.ptep_clear_flush_notify(mm, page);
  yield tables.ptl.release();
  yield* this.mmu_notifier_invalidate_range_end(mm, page, page + 1);
  return pte?.pfn ?? null;
}

/** linux v6.6 mm/vmscan.c: shrink_folio_list, of one page */
export function* shrink_folio(this: Kernel, mm: NotifiedMm, page: number): Flow<void> {
  const pfn = yield* this.try_to_unmap_one(mm, page);
  if (pfn !== null) yield* this.put_page(mm.tables, pfn);
}

/** Order: all entries are cleared, then the CPUs are flushed once, then pages are freed. linux v6.6 mm/vmscan.c: shrink_folio_list */
export function* shrink_folio_list(this: Kernel, mm: NotifiedMm, pages: readonly number[]): Flow<void> {
  const { tables } = mm;
  const unmapped: number[] = [];
  for (const page of pages) {
    yield* this.mmu_notifier_invalidate_range_start(mm, page, page + 1);
    yield tables.ptl.acquire();
    yield ATOMIC;
    const pte = tables.pte(page);
    if (pte !== null) {
      tables.clearPte(page);
      unmapped.push(pte.pfn);
      yield* this.arch_tlbbatch_add_pending(mm);
    }
    yield tables.ptl.release();
    yield* this.mmu_notifier_invalidate_range_end(mm, page, page + 1);
  }
  yield* this.arch_tlbbatch_flush(mm);
  for (const pfn of unmapped) yield* this.put_page(tables, pfn);
}

/** The CPUs' flush is put off; the secondary TLBs' is not, and is of the whole space. linux v6.6 arch/x86/include/asm/tlbflush.h */
export function* arch_tlbbatch_add_pending(this: Kernel, mm: NotifiedMm): Flow<void> {
  yield* this.mmu_notifier_arch_invalidate_secondary_tlbs(mm, 0, Number.POSITIVE_INFINITY);
}

/** The CPUs' TLBs (not modelled). linux v6.6 arch/x86/mm/tlb.c: arch_tlbbatch_flush */
export function* arch_tlbbatch_flush(this: Kernel, _mm: NotifiedMm): Flow<void> {}

/** Order: not present and flushed, copied, present with the copy; the old page goes last. linux v6.6 mm/migrate.c: migrate_folio_unmap, migrate_folio_move */
export function* migrate_folio(this: Kernel, mm: NotifiedMm, page: number): Flow<void> {
  const { tables } = mm;
  yield ATOMIC;
  const copy = tables.allocPage();
  const old = yield* this.try_to_unmap_one(mm, page);
  if (old === null) return;
  yield ATOMIC;
  tables.memory.store(copy, 0, tables.memory.lo(tables.memory.locate(old, 0)), 0);
  yield tables.ptl.acquire();
  yield ATOMIC;
  tables.setPte(page, { pfn: copy, writable: true });
  yield tables.ptl.release();
  yield* this.put_page(tables, old);
}
