/**
 * struct mmu_gather (mm/mmu_gather.c): pages and tables that were unlinked wait for the flush, and are freed after it. A batch that is full is flushed and
 * freed in between.
 *
 * Left out: TLBs of CPUs (tests of hw/cpu have them), delayed rmap, RCU for tables (an IPI stands for it where CPUs walk without a lock: gup.ts).
 */
import { ATOMIC, type Flow } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import type { NotifiedMm } from './secondary-tlbs.ts';
import type { MmTables } from './tables.ts';

export interface MmuGather {
  readonly mm: NotifiedMm;
  /** What is to be flushed, in pages; empty: start is not below end. */
  start: number;
  end: number;
  pages: number[];
  tables: number[];
}

/** linux v6.6 mm/mmu_gather.c: tlb_gather_mmu */
export function* tlb_gather_mmu(this: Kernel, mm: NotifiedMm): Flow<MmuGather> {
  return { mm, start: Number.POSITIVE_INFINITY, end: 0, pages: [], tables: [] };
}

/** True: the batch is full. linux v6.6 mm/mmu_gather.c: __tlb_remove_page_size */
export function* tlb_remove_page(this: Kernel, tlb: MmuGather, page: number, pfn: number): Flow<boolean> {
  tlb.start = Math.min(tlb.start, page);
  tlb.end = Math.max(tlb.end, page + 1);
  tlb.pages.push(pfn);
  return tlb.pages.length >= tlb.mm.batch;
}

/** `page`: of the span that the table translated, whose `pages` lie from there on. linux v6.6 include/asm-generic/tlb.h: pte_free_tlb */
export function* tlb_remove_table(this: Kernel, tlb: MmuGather, page: number, pages: number, pfn: number): Flow<void> {
  tlb.start = Math.min(tlb.start, page);
  tlb.end = Math.max(tlb.end, page + pages);
  tlb.tables.push(pfn);
}

/** linux v6.6 include/asm-generic/tlb.h: tlb_flush_mmu_tlbonly */
export function* tlb_flush_mmu_tlbonly(this: Kernel, tlb: MmuGather): Flow<void> {
  const { end, mm, start } = tlb;
  if (start >= end) return;
  yield* this.flush_tlb_mm_range(mm, start, end);
  yield* this.mmu_notifier_invalidate_range(mm, start, end);
  tlb.start = Number.POSITIVE_INFINITY;
  tlb.end = 0;
}

/** Order: the flush, then the pages. linux v6.6 mm/mmu_gather.c: tlb_flush_mmu */
export function* tlb_flush_mmu(this: Kernel, tlb: MmuGather): Flow<void> {
  yield* this.tlb_flush_mmu_tlbonly(tlb);
  yield* this.tlb_flush_mmu_free(tlb);
}

/** linux v6.6 mm/mmu_gather.c: tlb_flush_mmu_free */
export function* tlb_flush_mmu_free(this: Kernel, tlb: MmuGather): Flow<void> {
  const { tables } = tlb.mm;
  if (tlb.tables.length > 0) yield* this.tlb_remove_table_sync_one(tlb.mm);
  for (const pfn of tlb.tables.splice(0)) {
    yield ATOMIC;
    tables.memory.freeFrame(pfn);
  }
  for (const pfn of tlb.pages.splice(0)) yield* this.put_page(tables, pfn);
}

/** linux v6.6 mm/mmu_gather.c: tlb_finish_mmu */
export function* tlb_finish_mmu(this: Kernel, tlb: MmuGather): Flow<void> {
  yield* this.tlb_flush_mmu(tlb);
}

/** The last reference frees the page, for whoever comes next. linux v6.6 include/linux/mm.h: put_page */
export function* put_page(this: Kernel, { memory }: Pick<MmTables, 'memory'>, pfn: number): Flow<void> {
  yield ATOMIC;
  if (memory.addRefcount(pfn, -1) === 0) memory.freeFrame(pfn);
}
