/**
 * Page tables of the kernel's own half, which every address space has in common, and so every IOMMU that walks one: a device that asks for a kernel
 * address is refused at the leaf, and by then the IOMMU may have cached the pointers above it. Here a table of that half is freed (vmalloc sets a huge page where a
 * table was, memory is unplugged): when may its frame go to somebody else.
 *
 * Left out: what is mapped there, the accessed flags that a walk sets, the CPUs' TLBs (their flush is named, and takes no time).
 */
import { ATOMIC, assert, Cell, type Flow, SpinLock, until, type World } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import type { NotifiedMm } from './secondary-tlbs.ts';
import type { MmTables } from './tables.ts';

/** Whose the tables are that all address spaces share. */
export const INIT_MM = 'init_mm';

/** init_mm, and what bind and the freeing of its tables have in common. */
export class InitMm {
  readonly tables: MmTables;
  /** Frames whose ptdesc says that they are tables of the kernel: set when they are allocated, in 6.19. Context: who frees the table. */
  readonly ptdesc_kernel = new Set<number>();
  /** Address spaces that devices walk. Context: iommu_sva_lock. */
  iommu_sva_mms: readonly NotifiedMm[] = [];
  /** The list's own lock, where a design has one. */
  readonly iommu_sva_mms_spinlock: SpinLock;
  readonly kernel_pgtable_work: {
    readonly lock: SpinLock;
    /** Frames that wait. Context: the lock. */
    list: number[];
    /** 1: the work is queued. */
    readonly pending: Cell<number>;
  };

  constructor(world: World, tables: MmTables) {
    this.tables = tables;
    this.iommu_sva_mms_spinlock = new SpinLock(world, 'iommu_sva_mms lock');
    this.kernel_pgtable_work = {
      lock: new SpinLock(world, 'kernel_pgtable_work.lock'),
      list: [],
      pending: new Cell(world, 'kernel_pgtable_work is queued', 0),
    };
  }

  /** The range of all kernel addresses that tests have, in pages. */
  get range(): readonly [start: number, end: number] {
    return [this.tables.vmas[0]!.start, this.tables.vmas.at(-1)!.end];
  }
}

/**
 * A PTE table whose addresses are to be one huge page. Order: unlinked, CPUs flushed, freed. Context: nobody else uses the addresses.
 * linux v6.6 arch/x86/mm/pgtable.c: pmd_free_pte_page
 */
export function* pmd_free_pte_page(this: Kernel, init: InitMm, page: number): Flow<void> {
  yield ATOMIC;
  const pte = init.tables.tableAt(page, 0);
  assert(pte !== 0, `page ${page} of the kernel has no PTE table`);
  init.tables.unlink(page, 0);
  yield* this.flush_tlb_kernel_range(init, page, page + 1);
  yield* this.pte_free_kernel(init, pte);
}

/**
 * A PMD table with the PTE table below it. Order: both unlinked, CPUs flushed, the PTE table freed, then the PMD table.
 * linux v6.6 arch/x86/mm/pgtable.c: pud_free_pmd_page
 */
export function* pud_free_pmd_page(this: Kernel, init: InitMm, page: number): Flow<void> {
  yield ATOMIC;
  const pte = init.tables.tableAt(page, 0);
  const pmd = init.tables.tableAt(page, 1);
  assert(pte !== 0 && pmd !== 0, `page ${page} of the kernel has no tables`);
  init.tables.unlink(page, 0);
  yield ATOMIC;
  init.tables.unlink(page, 1);
  yield* this.flush_tlb_kernel_range(init, page, page + 1);
  yield* this.pte_free_kernel(init, pte);
  yield* this.pmd_free(init, pmd);
}

/** The CPUs' TLBs (not modelled), and nobody else's. Context: does not sleep. linux v6.6 arch/x86/mm/tlb.c: flush_tlb_kernel_range */
export function* flush_tlb_kernel_range(this: Kernel, _init: InitMm, _start: number, _end: number): Flow<void> {}

/** linux v6.19 include/asm-generic/pgalloc.h: pte_free_kernel */
export function* pte_free_kernel(this: Kernel, init: InitMm, pfn: number): Flow<void> {
  yield* this.pagetable_free(init, pfn);
}

/** linux v6.19 include/asm-generic/pgalloc.h: pmd_free */
export function* pmd_free(this: Kernel, init: InitMm, pfn: number): Flow<void> {
  yield* this.pagetable_free(init, pfn);
}

/** A table of the kernel waits until IOMMUs are flushed; one that was there at boot has no mark. linux v6.19 include/linux/mm.h: pagetable_free */
export function* pagetable_free(this: Kernel, init: InitMm, pfn: number): Flow<void> {
  if (init.ptdesc_kernel.has(pfn)) {
    init.ptdesc_kernel.delete(pfn);
    yield* this.pagetable_free_kernel(init, pfn);
  } else yield* this.__pagetable_free(init, pfn);
}

/** Order: on the list before the work is queued. Context: does not sleep. linux v6.19 mm/pgtable-generic.c: pagetable_free_kernel */
export function* pagetable_free_kernel(this: Kernel, { kernel_pgtable_work }: InitMm, pfn: number): Flow<void> {
  yield kernel_pgtable_work.lock.acquire();
  kernel_pgtable_work.list.push(pfn);
  yield kernel_pgtable_work.lock.release();
  yield* this.schedule_kernel_pgtable_work(kernel_pgtable_work.pending);
}

/** Queues the work, unless it is. linux v6.6 kernel/workqueue.c: schedule_work */
export function* schedule_kernel_pgtable_work(this: Kernel, pending: Cell<number>): Flow<void> {
  yield;
  pending.store(1);
}

/** Runs the work as often as it is queued: a thread for good. A queue that is queued again while it runs runs again. */
export function* kernel_pgtable_worker(this: Kernel, init: InitMm): Flow<void> {
  const { pending } = init.kernel_pgtable_work;
  for (;;) {
    yield until(this.world, 'kernel_pgtable_work is queued', () => pending.peek() === 1);
    yield;
    pending.store(0);
    yield* this.kernel_pgtable_work_func(init);
  }
}

/**
 * Order: the list is taken, then IOMMUs are flushed, then those of the list are freed; what is added meanwhile waits for the next time.
 * linux v6.19 mm/pgtable-generic.c: kernel_pgtable_work_func
 */
export function* kernel_pgtable_work_func(this: Kernel, init: InitMm): Flow<void> {
  const { kernel_pgtable_work } = init;
  yield kernel_pgtable_work.lock.acquire();
  const taken = kernel_pgtable_work.list.splice(0);
  yield kernel_pgtable_work.lock.release();
  yield* this.iommu_sva_invalidate_kva_range(init, ...init.range);
  for (const pfn of taken) yield* this.__pagetable_free(init, pfn);
}

/** For whoever comes next. linux v6.19 include/linux/mm.h: __pagetable_free */
export function* __pagetable_free(this: Kernel, { tables }: InitMm, pfn: number): Flow<void> {
  yield ATOMIC;
  tables.memory.freeFrame(pfn);
}
