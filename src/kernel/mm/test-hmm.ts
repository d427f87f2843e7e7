/**
 * A driver of a device with page tables of its own, after the kernel's own example (lib/test_hmm.c, Documentation/mm/hmm.rst): it mirrors an mm by an
 * interval notifier, and moves pages to the device's memory and back.
 *
 * Its lock is a mutex in Linux; a spinlock here, for mmap_lock counts as one too, and a design calls it from under the page-table lock. It hears of the
 * invalidations that its own migrations make as of all others; after a migration the device faults the page in anew.
 */
import { ATOMIC, type Flow, type SpinLock } from '../../base/index.ts';
import type { ExternalMirror, MirrorEntry, RecordedMemory } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import { EBUSY_RANGE, type HmmRange } from './hmm.ts';
import type { IntervalNotifier } from './interval-notifier.ts';
import type { DevPagemap, MigrateVma } from './migrate-device.ts';
import type { NotifiedMm, RangeOps } from './secondary-tlbs.ts';

/** struct dmirror: an mm and its mirror. */
export interface Dmirror {
  readonly mm: NotifiedMm;
  readonly device: ExternalMirror;
  /** driver->update: held while the device's table is written. */
  readonly lock: SpinLock;
  /** Held through each migration to the device, and by a fault where a patch takes it. */
  readonly migrate_lock: SpinLock;
  readonly notifier: IntervalNotifier;
  readonly pgmap: DevPagemap;
}

/** Words of a page that tests use, and migration copies. */
export const COPIED_WORDS = 2;

/** Registers: by an interval here; mirror-range-only by other calls, which it gives back. linux v6.6 lib/test_hmm.c: dmirror_fops_open */
export function* dmirror_register(this: Kernel, { mm, notifier }: Dmirror): Flow<RangeOps | null> {
  yield* this.mmu_interval_notifier_insert(mm, notifier);
  return null;
}

/** Order: the sequence is read before the tables, and looked at again under the lock. False: no mapping. linux v6.6 lib/test_hmm.c: dmirror_range_fault */
export function* dmirror_range_fault(this: Kernel, mirror: Dmirror, page: number, write: boolean): Flow<boolean> {
  const { lock, mm, notifier } = mirror;
  const { mmap_lock } = mm.tables;
  for (;;) {
    const range = dmirrorRange(mirror, page, write);
    range.notifier_seq = yield* this.mmu_interval_read_begin(mm, notifier);
    yield mmap_lock.readLock();
    const result = yield* this.hmm_range_fault(range);
    yield mmap_lock.readUnlock();
    if (result === -EBUSY_RANGE) continue;
    if (result < 0) return false;
    yield lock.acquire();
    const isStale = yield* this.mmu_interval_read_retry(notifier, range.notifier_seq);
    if (!isStale) yield* this.dmirror_do_fault(mirror, range);
    yield lock.release();
    if (!isStale) return true;
    this.world.reach('the driver begins again');
  }
}

/** Context: the driver's lock. linux v6.6 lib/test_hmm.c: dmirror_do_fault */
export function* dmirror_do_fault(this: Kernel, { device }: Dmirror, { hmm_pfns, start }: HmmRange): Flow<void> {
  for (const [nth, entry] of hmm_pfns.entries()) {
    yield;
    device.set(start + nth, entry);
  }
}

/** Order: the sequence first, within the lock. linux v6.6 lib/test_hmm.c: dmirror_interval_invalidate */
export function* dmirror_interval_invalidate(
  this: Kernel,
  mirror: Dmirror,
  start: number,
  end: number,
  cur_seq: number,
  _owner: object | null,
): Flow<void> {
  yield mirror.lock.acquire();
  yield* this.mmu_interval_set_seq(mirror.notifier, cur_seq);
  yield* this.dmirror_do_update(mirror, start, end);
  yield mirror.lock.release();
}

/** Context: the driver's lock. Order: the device's table, then its TLB. linux v6.6 lib/test_hmm.c: dmirror_do_update */
export function* dmirror_do_update(this: Kernel, { device }: Dmirror, start: number, end: number): Flow<void> {
  for (const page of device.pagesIn(start, end)) {
    yield;
    device.set(page, null);
  }
  if (!device.hasTlb) return;
  yield ATOMIC;
  device.flush(start, end);
}

/** False: no mapping, or the page was not there. linux v6.6 lib/test_hmm.c: dmirror_migrate_to_device */
export function* dmirror_migrate_to_device(this: Kernel, mirror: Dmirror, page: number): Flow<boolean> {
  const { mm, pgmap } = mirror;
  const { mmap_lock } = mm.tables;
  yield mirror.migrate_lock.acquire();
  yield mmap_lock.readLock();
  const args = migrateArgs(mirror, page, 'system', null);
  if (mm.tables.vmas.some((vma) => vma.start <= page && page < vma.end)) {
    yield* this.migrate_vma_setup(args);
    yield* this.dmirror_migrate_alloc_and_copy(mirror, args, mm.tables.memory, pgmap.memory);
    yield* this.migrate_vma_pages(args);
    yield* this.dmirror_migrate_finalize_and_map(mirror, args);
    yield* this.migrate_vma_finalize(args);
  }
  yield mmap_lock.readUnlock();
  yield mirror.migrate_lock.release();
  return args.pages.some(({ dst }) => dst !== null);
}

/** A CPU faults at a page in device memory (migrate_to_ram). Context: mmap_lock. linux v6.6 lib/test_hmm.c: dmirror_devmem_fault */
export function* dmirror_devmem_fault(this: Kernel, mirror: Dmirror, page: number, pfn: number): Flow<void> {
  const { mm, pgmap } = mirror;
  const args = migrateArgs(mirror, page, 'device private', pfn);
  yield* this.migrate_vma_setup(args);
  yield* this.dmirror_migrate_alloc_and_copy(mirror, args, pgmap.memory, mm.tables.memory);
  yield* this.migrate_vma_pages(args);
  yield* this.migrate_vma_finalize(args);
}

/** Order: the pages are in no table any more. linux v6.6 lib/test_hmm.c: dmirror_migrate_alloc_and_copy, dmirror_devmem_fault_alloc_and_copy */
export function* dmirror_migrate_alloc_and_copy(
  this: Kernel,
  { mm, pgmap }: Dmirror,
  args: MigrateVma,
  from: RecordedMemory,
  to: RecordedMemory,
): Flow<void> {
  for (const own of args.pages) {
    yield ATOMIC;
    own.dst = to === pgmap.memory ? allocDevicePage(pgmap) : mm.tables.allocPage();
    for (let word = 0; word < COPIED_WORDS; word++) {
      yield;
      const value = from.lo(from.locate(own.pfn, word));
      yield;
      to.store(own.dst, word, value, 0);
    }
  }
}

/** Where the device's table could be written, before the CPU's is: nothing here. linux v6.6 lib/test_hmm.c: dmirror_migrate_finalize_and_map */
export function* dmirror_migrate_finalize_and_map(this: Kernel, _mirror: Dmirror, _args: MigrateVma): Flow<void> {}

/** What the driver asks of one page. */
export function dmirrorRange({ mm, notifier, pgmap }: Dmirror, page: number, write: boolean): HmmRange {
  const hmm_pfns: MirrorEntry[] = [];
  const dev_private_owner = pgmap.owner;
  return { mm, start: page, end: page + 1, write, notifier, notifier_seq: 0, hmm_pfns, dev_private_owner };
}

function migrateArgs(
  { mm, pgmap }: Dmirror,
  page: number,
  select: MigrateVma['select'],
  fault_page: number | null,
): MigrateVma {
  return { mm, start: page, end: page + 1, select, pgmap_owner: pgmap.owner, fault_page, pages: [] };
}

function allocDevicePage({ frames, memory, name }: DevPagemap): number {
  const pfn = memory.allocFrame();
  memory.addRefcount(pfn, 1);
  frames.set(pfn, { mm: name, level: null });
  return pfn;
}
