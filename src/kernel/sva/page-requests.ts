/**
 * Page requests of a device that walks an mm's tables: the worker that answers them (AMD's IOMMUv2 driver, iommu-sva.c). It makes the page present, or finds it so, in the CPU's table; what the IOMMU walks
 * at that moment it does not look at.
 */
import { ATOMIC, type Flow, until } from '../../base/index.ts';
import type { ExternalDevice } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { NotifiedMm } from '../mm/secondary-tlbs.ts';

/** For good. linux v3.19 drivers/iommu/amd_iommu_v2.c: ppr_notifier, do_fault */
export function* ppr_worker(this: Kernel, mm: NotifiedMm, device: ExternalDevice): Flow<void> {
  for (;;) {
    yield until(this.world, `${device.name} asks for a page`, () => device.request.peek() !== null);
    yield* this.do_fault(mm, device);
  }
}

/** Context: may sleep; takes mmap_lock. linux v3.19 drivers/iommu/amd_iommu_v2.c: do_fault */
export function* do_fault(this: Kernel, mm: NotifiedMm, device: ExternalDevice): Flow<void> {
  const { tables } = mm;
  yield tables.mmap_lock.readLock();
  yield;
  const { page, write } = device.request.load()!;
  const vma = tables.vmas.find(({ end, start }) => start <= page && page < end);
  if (vma !== undefined) yield* this.get_user_page(mm, page, write);
  yield tables.mmap_lock.readUnlock();
  yield* device.respond(vma === undefined ? 'INVALID' : 'SUCCESS');
}

/** A page that is there and may not be written is made writable; one that is not there is a new one. Context: mmap_lock. linux v6.6 mm/gup.c: get_user_pages */
export function* get_user_page(this: Kernel, mm: NotifiedMm, page: number, write: boolean): Flow<void> {
  const { tables } = mm;
  yield tables.ptl.acquire();
  yield ATOMIC;
  const pte = tables.pte(page);
  if (pte === null) tables.setPte(page, { pfn: tables.allocPage(), writable: true });
  yield tables.ptl.release();
  if (pte !== null && write && !pte.writable) yield* this.wp_page_reuse(mm, page);
}
