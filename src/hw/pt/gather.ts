/**
 * The gather: what an unmap leaves to be flushed, and the table pages that may be freed only after that flush
 * (struct iommu_iotlb_gather; iommu_iotlb_gather_add_range, gather_range_pages and intel_iommu_tlb_sync of linux 6.19).
 *
 * Order: entry cleared -> invalidation done -> table page freed. A hardware walker may hold a pointer to an unlinked
 * table until then.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import type { Cpu, Gather, PageTable } from './page-table.ts';

/** Merges [start, end) into the range to flush. `asked`: pages of it that the caller asked to unmap. */
export function gatherRange(gather: Gather, start: number, end: number, asked: number): void {
  if (gather.end === 0) {
    gather.start = start;
    gather.end = end;
  } else {
    if (start < gather.start) gather.start = start;
    if (end > gather.end) gather.end = end;
  }
  gather.asked += asked;
}

/**
 * iommu_iotlb_gather_add_page. Order: where it syncs, tables that were unlinked with the new range are on the list already, and are freed after the
 * flush of the old one.
 */
export function* gatherAddPage(pt: PageTable, cpu: Cpu, start: number, end: number, asked: number): Flow<void> {
  const gather = cpu.gather;
  if (pt.semantics.syncsSizes === true && gather.end !== 0) {
    const isApart = start > gather.end || end < gather.start;
    if (isApart || end - start !== gather.size) yield* iotlbSync(pt, cpu);
  }
  gather.size = end - start;
  gatherRange(gather, start, end, asked);
}

/** Puts an unlinked table on the list of those to be freed after the flush. */
export function gatherTable(gather: Gather, table: number): void {
  if (gather.tableCount === gather.tables.length) growList(gather);
  gather.tables[gather.tableCount++] = table;
}

/** Flush, wait, then free (strict mode). IH is set only when no table page is about to be freed. */
export function* iotlbSync(pt: PageTable, cpu: Cpu): Flow<void> {
  const gather = cpu.gather;
  if (gather.end === 0) return;
  const covered = gather.end - gather.start;
  pt.cost.flushes++;
  pt.cost.flushPages += covered;
  if (covered > gather.asked) pt.cost.flushEnlargedPages += covered - gather.asked;
  yield* pt.flushRange(pt, gather.start, gather.end, gather.tableCount === 0);
  for (let i = 0; i < gather.tableCount; i++) {
    yield* freeTable(pt, gather.tables[i]!);
  }
  resetGather(gather);
}

/** Gives a table back to the allocator. Order: only after its flush. */
export function* freeTable(pt: PageTable, table: number): Flow<void> {
  if (pt.hooks.uses.entries) {
    const gone = yield* pt.hooks.tableFreed(pt, table);
    if (!gone) return;
  }
  pt.cost.tablesFreed++;
  yield;
  pt.memory.freeFrame(table);
}

export function resetGather(gather: Gather): void {
  gather.end = 0;
  gather.asked = 0;
  gather.tableCount = 0;
}

/** For who only counts flushes and has no IOTLB to flush. */
export function* noIotlb(_pt: PageTable, _start: number, _end: number, _ih: boolean): Flow<void> {}

function growList(gather: Gather): void {
  const longer = new Int32Array(gather.tables.length * 2);
  longer.set(gather.tables);
  gather.tables = longer;
}
