/**
 * hmm_range_fault (mm/hmm.c): a driver reads the CPU's tables for a range, and has pages made where there are none. It takes no reference: what it
 * read may be wrong when it returns, and the driver finds out by the interval's sequence (interval-notifier.ts).
 *
 * Left out: huge pages, snapshots without faults, the dirty and sticky flags.
 */
import { ATOMIC, type Flow } from '../../base/index.ts';
import type { MirrorEntry } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { IntervalNotifier } from './interval-notifier.ts';
import type { NotifiedMm } from './secondary-tlbs.ts';
import { swapEntry } from './swap-entries.ts';

export const EFAULT = 14;
export const EBUSY_RANGE = 16;

/** struct hmm_range. */
export interface HmmRange {
  readonly mm: NotifiedMm;
  readonly start: number;
  readonly end: number;
  /** HMM_PFN_REQ_WRITE. */
  readonly write: boolean;
  /** Null: the caller has none. */
  readonly notifier: IntervalNotifier | null;
  notifier_seq: number;
  /** From `start` on. */
  readonly hmm_pfns: MirrorEntry[];
  /** Its device-private pages are taken as they are. */
  readonly dev_private_owner: object | null;
}

/** Context: mmap_lock, for reading. Negative: -EBUSY (begin again), -EFAULT. linux v6.6 mm/hmm.c: hmm_range_fault */
export function* hmm_range_fault(this: Kernel, range: HmmRange): Flow<number> {
  const { end, mm, notifier, start } = range;
  for (let page = start; page < end; ) {
    if (notifier !== null && (yield* this.mmu_interval_check_retry(notifier, range.notifier_seq))) return -EBUSY_RANGE;
    if (!mm.tables.vmas.some((vma) => vma.start <= page && page < vma.end)) return -EFAULT;
    const found = yield* this.hmm_vma_handle_pte(range, page);
    if (found === null) continue;
    range.hmm_pfns[page - start] = found;
    page++;
  }
  return 0;
}

/** Null: something was done about it, look again. Order: the entry is read without the page-table lock. linux v6.6 mm/hmm.c: hmm_vma_handle_pte, hmm_vma_fault */
export function* hmm_vma_handle_pte(this: Kernel, range: HmmRange, page: number): Flow<MirrorEntry | null> {
  const { dev_private_owner, mm, write } = range;
  yield ATOMIC;
  const pte = mm.tables.pte(page);
  const swapped = pte === null ? swapEntry(mm.tables, page) : null;
  if (pte !== null && (pte.writable || !write)) return { ...pte, local: false };
  if (swapped?.type === 'migration') {
    yield* this.migration_entry_wait(mm, page);
    return null;
  }
  if (swapped !== null && mm.pgmap?.owner === dev_private_owner && (swapped.writable || !write)) {
    return { pfn: swapped.pfn, writable: swapped.writable, local: true };
  }
  yield* this.handle_mm_fault(mm, page, write);
  return null;
}
