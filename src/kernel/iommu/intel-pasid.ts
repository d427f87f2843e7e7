/**
 * PASID directory, table and entries in memory (drivers/iommu/intel/pasid.c): eight words an entry, each store of a word a step that the unit
 * may come before or after. Versions of the tear-down are in intel-tear-down.ts.
 *
 * Words 3 to 7 are zero in every entry and are not stored. Entries of the first stage alone, 4 levels. Left out: caching mode (which
 * flushes at set-up too), write buffers, snoop bits.
 */
import { ATOMIC, type Flow } from '../../base/index.ts';
import { PGTT_FIRST_STAGE, type VtdMemory } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Device, Mm } from '../objects.ts';
import { FLPT_DEFAULT_DID, type IntelIommu, infoOf } from './intel-iommu.ts';

const PASID_PTE_PRESENT = 1;
const PASID_PTE_FPD = 2;
/** Words of an entry that are ever not zero. */
const WORDS_IN_USE = 3;
const PASID_ENTRY_WORDS = 8;

/** Where an entry is. */
export interface PasidPte {
  readonly iommu: IntelIommu;
  readonly frame: number;
  readonly word: number;
}

/** What a tear-down reads of an entry: its first 128 bits. */
export interface PasidTags {
  readonly present: boolean;
  readonly fpd: boolean;
  readonly pgtt: number;
  readonly did: number;
}

/** The directory. linux v6.12 drivers/iommu/intel/pasid.c: intel_pasid_get_table */
export function* intel_pasid_get_table(this: Kernel, dev: Device): Flow<number> {
  return infoOf(dev).directory;
}

/**
 * The entry; a table that is missing is installed. Context: may not sleep. linux v6.12 drivers/iommu/intel/pasid.c: intel_pasid_get_entry
 */
export function* intel_pasid_get_entry(this: Kernel, dev: Device, pasid: number): Flow<PasidPte> {
  const { iommu } = infoOf(dev);
  const directory = yield* this.intel_pasid_get_table(dev);
  yield ATOMIC;
  const at = iommu.memory.locate(directory, pasid >> 6);
  const lo = iommu.memory.lo(at);
  let frame = lo >>> 12;
  if ((lo & PASID_PTE_PRESENT) === 0) frame = yield* this.intel_pasid_install_table(iommu, directory, pasid);
  return { iommu, frame, word: PASID_ENTRY_WORDS * (pasid & 63) };
}

/**
 * A zeroed table into the directory. Order: the table is in memory before its pointer is stored (22d169bdd284), as the directory's line may
 * be written back at any time. Context: one bind at a time (a cmpxchg decides between several).
 */
export function* intel_pasid_install_table(
  this: Kernel,
  iommu: IntelIommu,
  directory: number,
  pasid: number,
): Flow<number> {
  const table = yield* this.iommu_alloc_pasid_table(iommu, pasid);
  yield* this.clflush_cache_range(iommu, table, PASID_ENTRY_WORDS * (pasid & 63));
  yield* this.intel_pasid_store_directory(iommu, directory, pasid, table);
  yield* this.clflush_cache_range(iommu, directory, pasid >> 6);
  return table;
}

/** A frame, zeroed by the CPU: its other lines are zero already. linux v6.12 drivers/iommu/intel/pasid.c: iommu_alloc_pages_node */
export function* iommu_alloc_pasid_table(this: Kernel, iommu: IntelIommu, pasid: number): Flow<number> {
  const frame = iommu.pages.pop();
  if (frame === undefined) throw new RangeError('no frame is left for a PASID table');
  yield ATOMIC;
  for (let word = 0; word < WORDS_IN_USE; word++) {
    iommu.memory.store(frame, PASID_ENTRY_WORDS * (pasid & 63) + word, 0, 0);
  }
  return frame;
}

export function* intel_pasid_store_directory(
  this: Kernel,
  iommu: IntelIommu,
  directory: number,
  pasid: number,
  table: number,
): Flow<void> {
  yield ATOMIC;
  iommu.memory.store(directory, pasid >> 6, (table << 12) | PASID_PTE_PRESENT, 0);
}

/** The line of a word, which stands for the range. Does nothing where the unit is coherent. linux v6.12 asm/cacheflush.h */
export function* clflush_cache_range(this: Kernel, iommu: IntelIommu, frame: number, word: number): Flow<void> {
  if (iommu.clflush === null) return;
  yield ATOMIC;
  iommu.clflush(frame, word);
}

/**
 * Order: P is stored last. Context: takes iommu->lock; the entry's P is clear.
 * linux v6.12 drivers/iommu/intel/pasid.c: intel_pasid_setup_first_level
 */
export function* setupFirstLevel(this: Kernel, dev: Device, pasid: number, mm: Mm): Flow<void> {
  const { iommu } = infoOf(dev);
  yield ATOMIC;
  this.observe_entry(dev, pasid, mm);
  yield iommu.lock.acquire();
  const pte = yield* this.intel_pasid_get_entry(dev, pasid);
  const { present } = yield* this.pasid_read_tags(pte);
  if (present) throw new Error(`-EBUSY: PASID ${pasid} of ${dev.name} has an entry, which is present`);
  yield* this.pasid_clear_entry(pte);
  yield* this.pasid_fill_first_level(dev, pte, mm, FLPT_DEFAULT_DID);
  yield iommu.lock.release();
  yield* this.pasid_flush_caches(iommu, pte);
}

/** pasid_set_flptr, pasid_set_domain_id, pasid_set_translation_type, pasid_set_present, in this order. Context: iommu->lock. */
export function* pasid_fill_first_level(this: Kernel, dev: Device, pte: PasidPte, mm: Mm, did: number): Flow<void> {
  this.observe_meant(dev, did, PGTT_FIRST_STAGE, mm.pgd);
  yield* this.pasid_write(pte, 2, mm.pgd << 12);
  yield* this.pasid_write(pte, 1, did);
  yield* this.pasid_write(pte, 0, PGTT_FIRST_STAGE << 6);
  yield* this.pasid_write(pte, 0, (PGTT_FIRST_STAGE << 6) | PASID_PTE_PRESENT);
}

/** WRITE_ONCE of a word of an entry. */
export function* pasid_write(this: Kernel, { frame, iommu, word }: PasidPte, nth: number, lo: number): Flow<void> {
  yield ATOMIC;
  iommu.memory.store(frame, word + nth, lo, 0);
}

/** Without caching mode: what was stored reaches memory. linux v6.12 drivers/iommu/intel/pasid.c: pasid_flush_caches */
export function* pasid_flush_caches(this: Kernel, iommu: IntelIommu, { frame, word }: PasidPte): Flow<void> {
  yield* this.clflush_cache_range(iommu, frame, word);
}

/** pasid_pte_is_present, pasid_get_domain_id, pasid_pte_get_pgtt. Context: iommu->lock. */
export function* pasid_read_tags(this: Kernel, { frame, iommu, word }: PasidPte): Flow<PasidTags> {
  const { memory } = iommu;
  yield ATOMIC;
  const lo = memory.lo(memory.locate(frame, word));
  const did = memory.lo(memory.locate(frame, word + 1)) & 0xffff;
  return { present: isSet(lo, PASID_PTE_PRESENT), fpd: isSet(lo, PASID_PTE_FPD), pgtt: (lo >> 6) & 7, did };
}

/** All words, the first one first. linux v6.12 drivers/iommu/intel/pasid.h: pasid_clear_entry */
export function* pasid_clear_entry(this: Kernel, pte: PasidPte): Flow<void> {
  for (let nth = 0; nth < WORDS_IN_USE; nth++) yield* this.pasid_write(pte, nth, 0);
}

/** FPD alone. linux v6.12 drivers/iommu/intel/pasid.h: pasid_clear_entry_with_fpd */
export function* pasid_clear_entry_with_fpd(this: Kernel, pte: PasidPte): Flow<void> {
  yield* this.pasid_write(pte, 0, PASID_PTE_FPD);
  for (let nth = 1; nth < WORDS_IN_USE; nth++) yield* this.pasid_write(pte, nth, 0);
}

/**
 * FPD alone if faults are to be ignored and P is set; else zero. Context: iommu->lock, but in version C none.
 * linux v6.12 drivers/iommu/intel/pasid.c: intel_pasid_clear_entry
 */
export function* intel_pasid_clear_entry(this: Kernel, dev: Device, pasid: number, fault_ignore: boolean): Flow<void> {
  const pte = yield* this.intel_pasid_get_entry(dev, pasid);
  if (fault_ignore) {
    const { present } = yield* this.pasid_read_tags(pte);
    if (present) {
      yield* this.pasid_clear_entry_with_fpd(pte);
      return;
    }
  }
  yield* this.pasid_clear_entry(pte);
}

/** P alone: all else stays for walks that have read the first 128 bits. linux v7.0 drivers/iommu/intel/pasid.h: pasid_clear_present */
export function* pasid_clear_present(this: Kernel, { frame, iommu, word }: PasidPte): Flow<void> {
  yield ATOMIC;
  const lo = lowOf(iommu.memory, frame, word);
  iommu.memory.store(frame, word, lo & ~PASID_PTE_PRESENT, 0);
}

function lowOf(memory: VtdMemory, frame: number, word: number): number {
  return memory.lo(memory.locate(frame, word));
}

function isSet(word: number, bit: number): boolean {
  return (word & bit) !== 0;
}
