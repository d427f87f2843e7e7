/**
 * Entries of a PTE table that are not present, so that no hardware follows them, and say where the page is: on its way (migration), or in memory that
 * only a device reaches (device private). include/linux/swapops.h. The encoding is ours; what counts is that bit 0 is clear.
 *
 * Context: as in tables.ts, an atomic step, or the page-table lock.
 */
import { indexAt } from '../../hw/index.ts';
import { type MmTables, PGD_LEVEL } from './tables.ts';

export interface SwapEntry {
  readonly type: 'migration' | 'device private';
  /** Of system memory, or of the device's. */
  readonly pfn: number;
  readonly writable: boolean;
}

const WRITABLE = 2;
const DEVICE_PRIVATE = 4;

/** Null: none, or a present page. */
export function swapEntry(tables: MmTables, page: number): SwapEntry | null {
  const table = tables.tableAt(page, 0);
  return table === 0 ? null : decoded(tables.memory.lo(tables.memory.locate(table, indexAt(page, 0))));
}

/** For conditions: not an access. */
export function peekSwapEntry({ memory, pgd }: MmTables, page: number): SwapEntry | null {
  let table = pgd;
  for (let level = PGD_LEVEL; level > 0; level--) table = memory.peekLo(table, indexAt(page, level)) >>> 12;
  return decoded(memory.peekLo(table, indexAt(page, 0)));
}

/** Its table is there. */
export function setSwapEntry(tables: MmTables, page: number, { pfn, type, writable }: SwapEntry): void {
  const lo = (pfn << 12) | (writable ? WRITABLE : 0) | (type === 'device private' ? DEVICE_PRIVATE : 0);
  tables.memory.store(tables.tableAt(page, 0), indexAt(page, 0), lo, 0);
}

/** Whether the page's entry is still this one (pte_same). */
export function isSwapEntry(tables: MmTables, page: number, entry: SwapEntry): boolean {
  const found = swapEntry(tables, page);
  return found?.type === entry.type && found.pfn === entry.pfn;
}

function decoded(lo: number): SwapEntry | null {
  if (lo === 0 || (lo & 1) !== 0) return null;
  const type = (lo & DEVICE_PRIVATE) === 0 ? 'migration' : 'device private';
  return { type, pfn: lo >>> 12, writable: (lo & WRITABLE) !== 0 };
}
