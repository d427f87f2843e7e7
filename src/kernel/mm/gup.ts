/**
 * GUP-fast (mm/gup.c): a CPU walks the tables of its own mm without a lock, and takes a reference to the page. Two things make that right: interrupts are off,
 * and tables are freed only when every CPU has had them on (IPI, or RCU); and the entry is read again when the reference is there.
 *
 * Left out: huge pages, the slow path, which side has the mm loaded.
 */
import { ATOMIC, type Cell, type Flow, LOCKED, until } from '../../base/index.ts';
import { indexAt } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { NotifiedMm } from './secondary-tlbs.ts';
import { type MmTables, PGD_LEVEL } from './tables.ts';

/** CPUs that have interrupts off for a walk. */
export type GupWalks = Cell<number>;

/** The frame, to which the caller has a reference; null: ask the slow path. linux v6.6 mm/gup.c: lockless_pages_from_mm */
export function* lockless_pages_from_mm(this: Kernel, mm: NotifiedMm, page: number): Flow<number | null> {
  yield LOCKED;
  mm.gup!.add(1);
  const pfn = yield* this.gup_pgd_range(mm, page);
  yield LOCKED;
  mm.gup!.add(-1);
  return pfn;
}

/** Context: interrupts off. One level a step. linux v6.6 mm/gup.c: gup_pgd_range to gup_pmd_range */
export function* gup_pgd_range(this: Kernel, mm: NotifiedMm, page: number): Flow<number | null> {
  let table = mm.tables.pgd;
  for (let level = PGD_LEVEL; level > 0; level--) {
    yield;
    table = wordOf(mm.tables, table, page, level) >>> 12;
    if (table === 0) return null;
  }
  return yield* this.gup_pte_range(mm, table, page);
}

/** Order: the reference, then the entry again. linux v6.6 mm/gup.c: gup_pte_range */
export function* gup_pte_range(this: Kernel, mm: NotifiedMm, table: number, page: number): Flow<number | null> {
  yield;
  const pte = wordOf(mm.tables, table, page, 0);
  if ((pte & 1) === 0) return null;
  const pfn = pte >>> 12;
  if (!(yield* this.try_get_folio(mm, pfn))) return null;
  yield;
  if (wordOf(mm.tables, table, page, 0) === pte) return pfn;
  yield* this.put_page(mm.tables, pfn);
  return null;
}

/** A page without references is free, or will be. linux v6.6 mm/gup.c: try_get_folio; include/linux/page_ref.h: folio_ref_try_add_rcu */
export function* try_get_folio(this: Kernel, { tables }: NotifiedMm, pfn: number): Flow<boolean> {
  yield ATOMIC;
  if (tables.memory.addRefcount(pfn, 0) === 0) return false;
  tables.memory.addRefcount(pfn, 1);
  return true;
}

/** An IPI to all, with a wait: a CPU takes it when its interrupts are on. linux v6.6 mm/mmu_gather.c: tlb_remove_table_sync_one */
export function* tlb_remove_table_sync_one(this: Kernel, { gup }: NotifiedMm): Flow<void> {
  if (gup === undefined) return;
  yield until(this.world, 'no CPU walks with interrupts off', () => gup.peek() === 0);
}

function wordOf({ memory }: MmTables, table: number, page: number, level: number): number {
  return memory.lo(memory.locate(table, indexAt(page, level)));
}
