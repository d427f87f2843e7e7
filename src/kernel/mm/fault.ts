/**
 * Page faults of CPUs and of drivers that ask for pages (mm/memory.c, arch/x86/mm/fault.c): a page that was never there, one that is on its way, one
 * that is in a device's memory, and copy on write.
 *
 * Left out: files, the zero page, per-VMA locks, faults that give up mmap_lock.
 */
import { ATOMIC, type Flow, until } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import type { NotifiedMm } from './secondary-tlbs.ts';
import { isSwapEntry, peekSwapEntry, type SwapEntry, swapEntry } from './swap-entries.ts';

/** False: no mapping, SIGSEGV. linux v6.6 arch/x86/mm/fault.c: do_user_addr_fault */
export function* do_user_addr_fault(this: Kernel, mm: NotifiedMm, page: number, write: boolean): Flow<boolean> {
  const { tables } = mm;
  yield tables.mmap_lock.readLock();
  const isMapped = tables.vmas.some((vma) => vma.start <= page && page < vma.end);
  if (isMapped) yield* this.handle_mm_fault(mm, page, write);
  yield tables.mmap_lock.readUnlock();
  return isMapped;
}

/** Context: mmap_lock, for reading at least. Returns when it is worth while to look again. linux v6.6 mm/memory.c: handle_pte_fault */
export function* handle_mm_fault(this: Kernel, mm: NotifiedMm, page: number, write: boolean): Flow<void> {
  yield ATOMIC;
  const pte = mm.tables.pte(page);
  const swapped = pte === null ? swapEntry(mm.tables, page) : null;
  if (swapped !== null) yield* this.do_swap_page(mm, page, swapped);
  else if (pte === null) yield* this.do_anonymous_page(mm, page);
  else if (write && !pte.writable) yield* this.wp_page_copy(mm, page);
}

/** A new page of zeros, if there is still none. linux v6.6 mm/memory.c: do_anonymous_page */
export function* do_anonymous_page(this: Kernel, { tables }: NotifiedMm, page: number): Flow<void> {
  yield ATOMIC;
  const pfn = tables.allocPage();
  yield tables.ptl.acquire();
  yield ATOMIC;
  const isNone = tables.pte(page) === null && swapEntry(tables, page) === null;
  if (isNone) tables.setPte(page, { pfn, writable: true });
  yield tables.ptl.release();
  if (!isNone) yield* this.put_page(tables, pfn);
}

/** A page that is elsewhere: waits for it, or has the device's driver bring it. linux v6.6 mm/memory.c: do_swap_page */
export function* do_swap_page(this: Kernel, mm: NotifiedMm, page: number, entry: SwapEntry): Flow<void> {
  if (entry.type === 'migration') {
    yield* this.migration_entry_wait(mm, page);
    return;
  }
  const { pgmap, tables } = mm;
  yield tables.ptl.acquire();
  yield ATOMIC;
  const isSame = isSwapEntry(tables, page, entry);
  if (isSame) pgmap!.memory.addRefcount(entry.pfn, 1);
  yield tables.ptl.release();
  if (!isSame) return;
  yield* pgmap!.migrate_to_ram(page, entry.pfn);
  yield* this.put_page(pgmap!, entry.pfn);
}

/** Linux waits for the page's lock, which is given back after the entry. linux v6.6 mm/migrate.c: migration_entry_wait */
export function* migration_entry_wait(this: Kernel, { tables }: NotifiedMm, page: number): Flow<void> {
  yield until(
    this.world,
    `page ${page} of ${tables.name} has arrived`,
    () => peekSwapEntry(tables, page)?.type !== 'migration',
  );
}
