/**
 * The DMA API over an IOMMU (drivers/iommu/dma-iommu.c, iommu.c): map takes a number and enters the page; unmap clears the entry and, in strict mode, flushes and waits before the
 * number and the tables go back. In lazy mode both wait in a ring of this CPU until a flush of the whole domain that began later has ended.
 *
 * The page table is hw/pt's, with the table-reclaim design of the domain. Left out: bounce buffers, scatterlists, PCI's reserved windows.
 */
import {
  ATOMIC,
  Cell,
  type Flow,
  LOCKED,
  MFENCE,
  SpinLock,
  UNBUFFERED,
  until,
  Words,
  type World,
} from '../../base/index.ts';
import { type ExternalDevice, type ExternalWalker, IOMMU_READ, IOMMU_WRITE } from '../../hw/index.ts';
import { resetGather } from '../../hw/pt/gather.ts';
import { type Cpu, createCpu, type Gather, type PageTable } from '../../hw/pt/page-table.ts';
import type { Kernel } from '../kernel.ts';
import { type IovaDomain, NO_IOVA } from './iova.ts';
import type { TableReclaim } from './table-reclaim.ts';

/** struct iova_fq_entry. */
interface FqEntry {
  readonly iova: number;
  readonly counter: number;
  readonly tables: readonly number[];
}

/** struct iova_fq: a ring of a CPU. Context: its lock. */
export interface IovaFq {
  readonly lock: SpinLock;
  readonly entries: FqEntry[];
}

/** What lazy mode has. */
export interface FlushQueues {
  readonly rings: readonly IovaFq[];
  /** Entries that a ring has room for (one place stays empty). */
  readonly size: number;
  readonly fq_flush_start_cnt: Cell<number>;
  readonly fq_flush_finish_cnt: Cell<number>;
  readonly fq_timer_on: Cell<number>;
}

export interface DmaDomainOptions {
  readonly pt: PageTable;
  readonly reclaim: TableReclaim;
  readonly iovad: IovaDomain;
  readonly walker: ExternalWalker;
  readonly devices: readonly ExternalDevice[];
  /** Entries of a ring. Default: 2. */
  readonly ring?: number;
}

/** struct iommu_domain with its DMA cookie. */
export class DmaDomain {
  readonly pt: PageTable;
  readonly reclaim: TableReclaim;
  readonly iovad: IovaDomain;
  readonly walker: ExternalWalker;
  readonly devices: readonly ExternalDevice[];
  readonly cpus: readonly Cpu[];
  /** Not null: unmaps are queued (cookie->fq_domain). */
  readonly fq_domain: Cell<number>;
  readonly fq: FlushQueues;
  /** What the observer knows: for which frame each number was given out last; 0: none. */
  readonly seen: Words<number>;

  constructor(world: World, { devices, iovad, pt, reclaim, ring = 2, walker }: DmaDomainOptions) {
    this.pt = pt;
    this.reclaim = reclaim;
    this.iovad = iovad;
    this.walker = walker;
    this.devices = devices;
    this.cpus = iovad.cpus.map(createCpu);
    this.fq_domain = new Cell(world, 'fq_domain', 0);
    this.fq = {
      rings: iovad.cpus.map((_, cpu) => ({ lock: new SpinLock(world, `cpu${cpu}'s fq->lock`), entries: [] })),
      size: ring,
      fq_flush_start_cnt: new Cell(world, 'fq_flush_start_cnt', 0),
      fq_flush_finish_cnt: new Cell(world, 'fq_flush_finish_cnt', 0),
      fq_timer_on: new Cell(world, 'fq_timer_on', 0),
    };
    this.seen = new Words(world, 'IOVA given out for frame', new Array<number>(iovad.blocks).fill(0), UNBUFFERED);
  }
}

/** The IOVA, in pages, or a negative error. linux v6.6 drivers/iommu/dma-iommu.c: __iommu_dma_map */
export function* iommu_dma_map(this: Kernel, dom: DmaDomain, cpu: number, pfn: number): Flow<number> {
  const iova = yield* this.alloc_iova_fast(dom.iovad, cpu);
  if (iova === NO_IOVA) return NO_IOVA;
  yield;
  dom.seen.store(iova / dom.iovad.pages, pfn);
  yield* this.iommu_dma_map_page(dom, cpu, iova, pfn);
  return iova;
}

/** linux v6.6 drivers/iommu/iommu.c: iommu_map */
export function* iommu_dma_map_page(this: Kernel, dom: DmaDomain, cpu: number, iova: number, pfn: number): Flow<void> {
  const { cpus, pt, reclaim } = dom;
  yield* reclaim.mapPages(pt, cpus[cpu]!, iova, pfn, 0, 1, IOMMU_READ | IOMMU_WRITE);
}

/** When it returns, the page is the caller's. linux v6.6 drivers/iommu/dma-iommu.c: __iommu_dma_unmap */
export function* iommu_dma_unmap(this: Kernel, dom: DmaDomain, cpu: number, iova: number): Flow<void> {
  yield;
  const queued = dom.fq_domain.load() === 1;
  yield* this.iommu_unmap_fast(dom, cpu, iova, dom.iovad.pages);
  if (!queued) yield* this.iommu_iotlb_sync(dom, cpu);
  yield* this.iommu_dma_free_iova(dom, cpu, iova, queued);
}

/** Entries are cleared; what is to be flushed, and tables that are unlinked, are on the gather. linux v6.6 drivers/iommu/iommu.c: __iommu_unmap */
export function* iommu_unmap_fast(this: Kernel, dom: DmaDomain, cpu: number, iova: number, pages: number): Flow<void> {
  yield* dom.reclaim.unmapPages(dom.pt, dom.cpus[cpu]!, iova, pages);
}

/**
 * Order: the flush, then the tables. Pointers to tables are flushed where one is to be freed (IH).
 * linux v6.6 drivers/iommu/intel/iommu.c: intel_iommu_tlb_sync
 */
export function* iommu_iotlb_sync(this: Kernel, dom: DmaDomain, cpu: number): Flow<void> {
  const { gather } = dom.cpus[cpu]!;
  if (gather.end === 0) return;
  yield* this.iommu_flush_iotlb_range(dom, gather.start, gather.end, gather.tableCount === 0);
  yield* this.iommu_put_pages_list(dom, takeTables(gather));
}

/** The unlinked tables of a gather, which is empty from then on. */
export function takeTables(gather: Gather): readonly number[] {
  const tables = [...gather.tables.subarray(0, gather.tableCount)];
  resetGather(gather);
  return tables;
}

/** `leafOnly`: IH. Order: devices last. linux v6.6 drivers/iommu/intel/iommu.c: iommu_flush_iotlb_psi, iommu_flush_dev_iotlb */
export function* iommu_flush_iotlb_range(
  this: Kernel,
  { devices, walker }: DmaDomain,
  start: number,
  end: number,
  leafOnly: boolean,
): Flow<void> {
  yield ATOMIC;
  walker.invalidate(0, start, end, leafOnly);
  for (const device of devices) {
    if (!device.ats) continue;
    yield ATOMIC;
    device.invalidate(0, start, end);
  }
}

/** All of the domain. linux v6.6 include/linux/iommu.h: iommu_flush_iotlb_all */
export function* iommu_flush_iotlb_all(this: Kernel, dom: DmaDomain): Flow<void> {
  yield* this.iommu_flush_iotlb_range(dom, 0, Number.POSITIVE_INFINITY, false);
}

/** Tables go back to the page allocator. linux v6.6 drivers/iommu/iommu-pages.h: iommu_put_pages_list */
export function* iommu_put_pages_list(this: Kernel, { pt }: DmaDomain, tables: readonly number[]): Flow<void> {
  for (const table of tables) {
    yield ATOMIC;
    pt.memory.freeFrame(table);
  }
}

/** linux v6.6 drivers/iommu/dma-iommu.c: iommu_dma_free_iova */
export function* iommu_dma_free_iova(
  this: Kernel,
  dom: DmaDomain,
  cpu: number,
  iova: number,
  queued: boolean,
): Flow<void> {
  if (queued) yield* this.queue_iova(dom, cpu, iova);
  else yield* this.free_iova_fast(dom.iovad, cpu, iova);
}

/**
 * Order: the entry was cleared before the counter is read (smp_mb). A ring that is full is flushed now.
 * linux v6.6 drivers/iommu/dma-iommu.c: queue_iova
 */
export function* queue_iova(this: Kernel, dom: DmaDomain, cpu: number, iova: number): Flow<void> {
  const { fq } = dom;
  const { gather } = dom.cpus[cpu]!;
  const ring = fq.rings[cpu]!;
  yield MFENCE;
  yield ring.lock.acquire();
  yield* this.fq_ring_free_locked(dom, cpu);
  if (ring.entries.length + 1 >= fq.size) {
    yield* this.fq_flush_iotlb(dom);
    yield* this.fq_ring_free_locked(dom, cpu);
  }
  yield;
  const counter = fq.fq_flush_start_cnt.load();
  ring.entries.push({ iova, counter, tables: takeTables(gather) });
  yield ring.lock.release();
  yield;
  if (fq.fq_timer_on.load() === 1) return;
  yield LOCKED;
  fq.fq_timer_on.exchange(1);
}

/** What was queued before a flush began that has ended. Context: the ring's lock. linux v6.6 drivers/iommu/dma-iommu.c: fq_ring_free_locked */
export function* fq_ring_free_locked(this: Kernel, dom: DmaDomain, cpu: number): Flow<void> {
  const { entries } = dom.fq.rings[cpu]!;
  yield;
  const finished = dom.fq.fq_flush_finish_cnt.load();
  while (entries.length > 0 && entries[0]!.counter < finished) {
    const { iova, tables } = entries.shift()!;
    yield* this.iommu_put_pages_list(dom, tables);
    yield* this.free_iova_fast(dom.iovad, cpu, iova);
  }
}

/** Flushes of two CPUs may overlap: the counters only count. linux v6.6 drivers/iommu/dma-iommu.c: fq_flush_iotlb */
export function* fq_flush_iotlb(this: Kernel, dom: DmaDomain): Flow<void> {
  yield LOCKED;
  dom.fq.fq_flush_start_cnt.add(1);
  yield* this.iommu_flush_iotlb_all(dom);
  yield LOCKED;
  dom.fq.fq_flush_finish_cnt.add(1);
}

/** The timer, on a CPU. linux v6.6 drivers/iommu/dma-iommu.c: fq_flush_timeout */
export function* fq_flush_timeout(this: Kernel, dom: DmaDomain): Flow<void> {
  const { fq } = dom;
  yield LOCKED;
  fq.fq_timer_on.exchange(0);
  yield* this.fq_flush_iotlb(dom);
  for (const [cpu, { lock }] of fq.rings.entries()) {
    yield lock.acquire();
    yield* this.fq_ring_free_locked(dom, cpu);
    yield lock.release();
  }
}

/** A thread for good: runs out whenever it is on. */
export function* fq_timer(this: Kernel, dom: DmaDomain): Flow<void> {
  for (;;) {
    yield until(this.world, 'the timer runs out', () => dom.fq.fq_timer_on.peek() === 1);
    yield* this.fq_flush_timeout(dom);
  }
}

/** A new domain, strict: unmaps are flushed. A design of lazy mode makes its queue here. linux v6.6 drivers/iommu/dma-iommu.c: iommu_dma_init_domain */
export function* iommu_dma_init_domain(this: Kernel, _dom: DmaDomain): Flow<void> {}

/** The domain goes: nobody walks it any more, then what waits is freed without another flush. linux v6.6 drivers/iommu/dma-iommu.c: iommu_put_dma_cookie */
export function* iommu_put_dma_cookie(this: Kernel, dom: DmaDomain): Flow<void> {
  yield;
  dom.walker.roots.store(0, 0);
  yield* this.iommu_flush_iotlb_all(dom);
  for (const { entries, lock } of dom.fq.rings) {
    yield lock.acquire();
    for (const { tables } of entries.splice(0)) yield* this.iommu_put_pages_list(dom, tables);
    yield lock.release();
  }
}

/** From strict to lazy while mappings come and go. Order: rings are ready first (smp_wmb). linux v6.6 drivers/iommu/dma-iommu.c: iommu_dma_init_fq */
export function* iommu_dma_init_fq(this: Kernel, dom: DmaDomain): Flow<void> {
  yield;
  dom.fq_domain.store(1);
}
