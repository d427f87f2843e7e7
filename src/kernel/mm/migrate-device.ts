/**
 * Migration that a driver asks for (mm/migrate_device.c), to its own memory and back: setup takes the pages from the CPU's tables, the driver copies, pages
 * commits what can go, finalize puts entries for where each page is now.
 *
 * Left out: the page lock (the migration entry keeps others off), holes, LRU, huge pages, other mms that share the page.
 */
import { ATOMIC, type Cell, type Flow } from '../../base/index.ts';
import type { RecordedMemory } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { NotifiedMm } from './secondary-tlbs.ts';
import { isSwapEntry, setSwapEntry, swapEntry } from './swap-entries.ts';
import type { FrameUse } from './tables.ts';

/** struct dev_pagemap of device-private memory. An entry of this type is found from the page in Linux, from the mm here. */
export interface DevPagemap {
  readonly owner: object;
  /** Of the mm whose pages are in it. */
  readonly name: string;
  readonly memory: RecordedMemory;
  readonly frames: Map<number, FrameUse>;
  /** PG_locked of the page at which a CPU faults: tests have one such page. */
  readonly fault_locked: Cell<boolean>;
  /** Context: mmap_lock, for reading; a reference to the page. */
  readonly migrate_to_ram: (page: number, pfn: number) => Flow<void>;
}

export interface MigratePage {
  readonly page: number;
  /** Where it is. */
  readonly pfn: number;
  readonly writable: boolean;
  /** Where it goes: set by the driver, which has a reference. */
  dst: number | null;
}

/** struct migrate_vma. */
export interface MigrateVma {
  readonly mm: NotifiedMm;
  readonly start: number;
  readonly end: number;
  /** Pages of which memory are to go: MIGRATE_VMA_SELECT_SYSTEM, MIGRATE_VMA_SELECT_DEVICE_PRIVATE. */
  readonly select: 'system' | 'device private';
  readonly pgmap_owner: object;
  /** The page at which a CPU faulted, which has a reference for it. */
  readonly fault_page: number | null;
  readonly pages: MigratePage[];
}

/** Context: mmap_lock, for reading. linux v6.6 mm/migrate_device.c: migrate_vma_setup */
export function* migrate_vma_setup(this: Kernel, args: MigrateVma): Flow<void> {
  const { end, mm, pgmap_owner, start } = args;
  yield* this.mmu_notifier_invalidate_range_start(mm, start, end, pgmap_owner);
  yield* this.migrate_vma_collect_pmd(args);
  yield* this.mmu_notifier_invalidate_range_end(mm, start, end);
}

/**
 * Order: migration entries, then the flush, all under the page-table lock. Entries of device memory are in no TLB of a CPU: for them alone there is no
 * flush. linux v6.6 mm/migrate_device.c: migrate_vma_collect_pmd
 */
export function* migrate_vma_collect_pmd(this: Kernel, args: MigrateVma): Flow<void> {
  const { end, mm, pgmap_owner, select, start } = args;
  const { tables } = mm;
  let unmapped = 0;
  yield tables.ptl.acquire();
  for (let page = start; page < end; page++) {
    yield ATOMIC;
    const pte = tables.pte(page);
    const swapped = pte === null ? swapEntry(tables, page) : null;
    const isOwn = swapped?.type === 'device private' && mm.pgmap?.owner === pgmap_owner;
    const found = select === 'system' ? pte : isOwn ? swapped : null;
    if (found === null) continue;
    if (pte !== null) unmapped++;
    setSwapEntry(tables, page, { type: 'migration', pfn: found.pfn, writable: found.writable });
    args.pages.push({ page, pfn: found.pfn, writable: found.writable, dst: null });
  }
  if (unmapped > 0) yield* this.flush_tlb_mm_range(mm, start, end);
  yield tables.ptl.release();
}

/** A page to which somebody else has a reference stays. linux v6.6 mm/migrate_device.c: migrate_vma_pages; mm/migrate.c: folio_migrate_mapping */
export function* migrate_vma_pages(this: Kernel, args: MigrateVma): Flow<void> {
  const { dst, src } = memories(args);
  for (const own of args.pages) {
    if (own.dst === null) continue;
    yield ATOMIC;
    const expected = own.pfn === args.fault_page ? 2 : 1;
    if (src.memory.addRefcount(own.pfn, 0) === expected) continue;
    const unused = own.dst;
    own.dst = null;
    yield* this.put_page(dst, unused);
  }
}

/** Order: the new entry, then the old page goes. linux v6.6 mm/migrate_device.c: migrate_vma_finalize */
export function* migrate_vma_finalize(this: Kernel, args: MigrateVma): Flow<void> {
  const { dst, src } = memories(args);
  for (const own of args.pages) {
    const isMapped = yield* this.remove_migration_pte(args, own);
    if (own.dst !== null) yield* this.put_page(src, own.pfn);
    if (!isMapped) yield* own.dst === null ? this.put_page(src, own.pfn) : this.put_page(dst, own.dst);
  }
}

/** False: the migration entry is gone (zapped). Otherwise the entry has the reference. linux v6.6 mm/migrate.c: remove_migration_pte */
export function* remove_migration_pte(this: Kernel, { mm, select }: MigrateVma, own: MigratePage): Flow<boolean> {
  const { tables } = mm;
  const { page, writable } = own;
  yield tables.ptl.acquire();
  yield ATOMIC;
  const isThere = isSwapEntry(tables, page, { type: 'migration', pfn: own.pfn, writable });
  if (isThere) {
    const pfn = own.dst ?? own.pfn;
    const toSystem = (select === 'system') === (own.dst === null);
    if (toSystem) tables.setPte(page, { pfn, writable });
    else setSwapEntry(tables, page, { type: 'device private', pfn, writable });
  }
  yield tables.ptl.release();
  return isThere;
}

/** What zapping does to an entry that is not present: a device's page loses its mapping's reference at once. linux v6.6 mm/memory.c: zap_pte_range */
export function* zap_nonpresent_pte(this: Kernel, { pgmap, tables }: NotifiedMm, page: number): Flow<void> {
  const entry = swapEntry(tables, page);
  if (entry === null) return;
  tables.clearPte(page);
  if (entry.type === 'device private') yield* this.put_page(pgmap!, entry.pfn);
}

/** Where pages come from, and where they go. */
function memories({ mm, select }: MigrateVma) {
  const [system, device] = [mm.tables, mm.pgmap!];
  return select === 'system' ? { src: system, dst: device } : { src: device, dst: system };
}
