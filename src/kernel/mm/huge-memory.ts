/**
 * A PTE table that gives way to a huge page (mm/khugepaged.c). What matters here is when the table and the small pages may go; the huge entry itself is left out: the range is not present afterwards.
 */
import { ATOMIC, assert, type Flow } from '../../base/index.ts';
import { spanPages } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { NotifiedMm } from './secondary-tlbs.ts';

/** Order: the PMD is cleared and flushed within a range; then pages are copied, and small pages and the table go. linux v6.6 mm/khugepaged.c: collapse_huge_page */
export function* collapse_huge_page(this: Kernel, mm: NotifiedMm, page: number): Flow<void> {
  const { tables } = mm;
  yield tables.mmap_lock.writeLock();
  yield* this.mmu_notifier_invalidate_range_start(mm, page, page + spanPages(1));
  const table = yield* this.pmdp_collapse_flush(mm, page);
  yield* this.mmu_notifier_invalidate_range_end(mm, page, page + spanPages(1));
  yield ATOMIC;
  const pte = tables.pteIn(table, page);
  assert(pte !== null, `page ${page} is not there`);
  tables.memory.freeFrame(table);
  yield* this.put_page(tables, pte.pfn);
  yield tables.mmap_lock.writeUnlock();
}

/** Tables of a file's mappings, which any process may build anew. Order: cleared and flushed, and the table is free. No range. linux v4.8 mm/khugepaged.c: retract_page_tables */
export function* retract_page_tables(this: Kernel, mm: NotifiedMm, page: number): Flow<void> {
  const { tables } = mm;
  yield tables.mmap_lock.writeLock();
  const table = yield* this.pmdp_collapse_flush(mm, page);
  yield ATOMIC;
  tables.memory.freeFrame(table);
  yield tables.mmap_lock.writeUnlock();
}

/** The table that the PMD pointed to. No notifier hears of it besides the CPUs' flush. linux v6.6 mm/pgtable-generic.c: pmdp_collapse_flush */
export function* pmdp_collapse_flush(this: Kernel, mm: NotifiedMm, page: number): Flow<number> {
  const { tables } = mm;
  yield tables.ptl.acquire();
  yield ATOMIC;
  const table = tables.tableAt(page, 0);
  assert(table !== 0, `page ${page} has no PTE table`);
  tables.unlink(page, 0);
  yield* this.flush_tlb_mm_range(mm, page, page + spanPages(1));
  yield tables.ptl.release();
  return table;
}
