/**
 * The flush queue of lazy mode (DMA-FQ): an unmap leaves its IOVA range and its unlinked tables in a ring; one
 * domain-wide invalidation later releases many. After queue_iova, fq_ring_free and fq_flush_iotlb of linux 6.x
 * drivers/iommu/dma-iommu.c.
 *
 * Order: table entry cleared -> (smp_mb) counter read -> entry queued; a table page is freed after a flush that
 * started after its entry was queued. One ring here: a per-CPU ring is one FlushQueue a CPU. The timer is the caller's
 * (`flushTimeout`), since models have no clock.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { freeTable, resetGather } from '../../hw/pt/gather.ts';
import type { Cpu, PageTable } from '../../hw/pt/page-table.ts';

/** IOVA_DEFAULT_FQ_SIZE, entries; IOVA_DEFAULT_FQ_TIMEOUT, milliseconds. */
export const FQ_SIZE = 256;
export const FQ_TIMEOUT_MS = 10;

export interface FlushQueue {
  readonly size: number;
  readonly pages: Float64Array;
  readonly counter: Float64Array;
  /** Tables to be freed with each entry. */
  readonly tables: (Int32Array | null)[];
  head: number;
  tail: number;
  /** fq_flush_start_cnt and fq_flush_finish_cnt. */
  startCount: number;
  finishCount: number;
  timerOn: boolean;
}

export function createFlushQueue(size: number = FQ_SIZE): FlushQueue {
  return {
    size,
    pages: new Float64Array(size),
    counter: new Float64Array(size),
    tables: new Array<Int32Array | null>(size).fill(null),
    head: 0,
    tail: 0,
    startCount: 0,
    finishCount: 0,
    timerOn: false,
  };
}

/** Takes over what an unmap gathered. Steps as in the kernel, without the ring's lock: one CPU a ring. */
export function* queueIova(pt: PageTable, queue: FlushQueue, cpu: Cpu): Flow<void> {
  if (cpu.gather.end === 0) return;
  // 3. Release what an earlier flush has made safe.
  yield* releaseSafe(pt, queue);
  // 4. Full: flush now, release again.
  if ((queue.tail + 1) % queue.size === queue.head) {
    yield* flushDomain(pt, queue);
    yield* releaseSafe(pt, queue);
  }
  // 5. Add the entry.
  const slot = queue.tail;
  queue.pages[slot] = cpu.gather.asked;
  queue.counter[slot] = queue.startCount;
  queue.tables[slot] = cpu.gather.tableCount === 0 ? null : cpu.gather.tables.slice(0, cpu.gather.tableCount);
  queue.tail = (slot + 1) % queue.size;
  queue.timerOn = true;
  resetGather(cpu.gather);
}

/** fq_flush_timeout: flush, then release everything that was queued before. */
export function* flushTimeout(pt: PageTable, queue: FlushQueue): Flow<void> {
  queue.timerOn = false;
  yield* flushDomain(pt, queue);
  yield* releaseSafe(pt, queue);
}

function* flushDomain(pt: PageTable, queue: FlushQueue): Flow<void> {
  queue.startCount++;
  pt.cost.flushes++;
  pt.cost.domainFlushes++;
  yield* pt.flushRange(pt, 0, pt.pageLimit, false);
  queue.finishCount++;
}

function* releaseSafe(pt: PageTable, queue: FlushQueue): Flow<void> {
  while (queue.head !== queue.tail && queue.counter[queue.head]! < queue.finishCount) {
    const tables = queue.tables[queue.head];
    queue.tables[queue.head] = null;
    queue.head = (queue.head + 1) % queue.size;
    if (tables) {
      for (let i = 0; i < tables.length; i++) yield* freeTable(pt, tables[i]!);
    }
  }
}
