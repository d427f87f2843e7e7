/**
 * One design and mode through iova_stress, in this process: a warm-up on a domain that is thrown away, then the runs, all
 * in one table as the original does. Works in pieces of at most 1 TiB of IOVA, between which it reports and can be stopped.
 *
 * What is counted: counters (tables, locks, flushes) of each run are that run's own; bytes are those of the whole table.
 * What is timed: the maps and unmaps alone.
 */
import { assert, fail } from '../base/assert.ts';
import { tableReclaim } from '../designs/index.ts';
import { ArenaMemory, createCpu, VTD_SECOND_STAGE } from '../hw/index.ts';
import type { Cpu, ReclaimCost } from '../hw/pt/page-table.straight.ts';
import { createDomain, destroyDomain, type IommuDomain, settleDomain } from '../kernel/iommu/domain.straight.ts';
import { type TableReclaim, tableBytes } from '../kernel/iommu/table-reclaim.straight.ts';
import { type IovaStressRun, stress, stressPairs, stridePages, TIB_PAGES } from '../sim/index.ts';
import { peakRssBytes } from './memory.ts';

export interface StressJob {
  readonly design: string;
  readonly mode: 'strict' | 'lazy';
  readonly spaceTiB: number;
  /** One run each, in this order, in one table. */
  readonly dmaPages: readonly number[];
}

export interface StressProgress {
  readonly dmaPages: number;
  readonly tib: number;
  readonly tableBytes: number;
}

export interface StressOutcome {
  readonly run: IovaStressRun;
  /** Maps refused and unmaps of another size. */
  readonly failedPairs: number;
  /** False: stopped before its end. */
  readonly whole: boolean;
}

export interface StressHandlers {
  progress(progress: StressProgress): void;
  outcome(outcome: StressOutcome): void;
  /** Lets messages in, and says whether to stop. */
  pause(): Promise<boolean>;
}

const WARM_UP_PAIRS = 20_000;
/** Pages beyond int32 are other code to V8, and to be compiled beforehand too. */
const FAR_PAGE = 2 ** 32;
/** Large buffers warm up with fewer pairs. */
const WARM_UP_PAGES = 2 ** 22;

export async function runStressJob(job: StressJob, handlers: StressHandlers): Promise<void> {
  const reclaim = tableReclaim(job.design) ?? fail(`no design is called ${job.design}: the option was not checked`);
  const frees = warmUp(reclaim, job);
  const memory = new ArenaMemory({ keepZeroFrames: frees, ...(frees ? {} : roomForAll(job)) });
  const domain = newDomain(memory, reclaim, job.mode);
  const cpu = createCpu();
  for (const dmaPages of job.dmaPages) {
    const outcome = await stressRun(domain, cpu, job, dmaPages, handlers);
    handlers.outcome(outcome);
    if (!outcome.whole) break;
  }
  const lost = destroyDomain(domain, cpu);
  const left = memory.framesInUse;
  assert(
    lost === 0 && left === 0,
    `${job.design} lost ${lost} tables and left ${left} frames: a table was unlinked and never freed`,
  );
}

async function stressRun(
  domain: IommuDomain,
  cpu: Cpu,
  job: StressJob,
  dmaPages: number,
  handlers: StressHandlers,
): Promise<StressOutcome> {
  const { cost } = domain.pt;
  // The root belongs to the first run.
  const before: ReclaimCost = { ...cost, tablesAllocated: cost.tablesAllocated === 1 ? 0 : cost.tablesAllocated };
  cost.tablesAlivePeak = cost.tablesAllocated - cost.tablesFreed;
  const loop = await timedLoop(domain, cpu, job.spaceTiB, dmaPages, handlers);
  settleDomain(domain, cpu);
  const run: IovaStressRun = {
    design: job.design,
    mode: job.mode,
    dmaBytes: dmaPages * 4096,
    pairs: loop.pairs,
    seconds: loop.seconds,
    tableBytesPeak: cost.tablesAlivePeak * 4096,
    tableBytesEnd: tableBytes(domain.pt),
    tablesAllocated: cost.tablesAllocated - before.tablesAllocated,
    tablesFreed: cost.tablesFreed - before.tablesFreed,
    readLocks: cost.readLocks - before.readLocks,
    writeLocks: cost.writeLocks - before.writeLocks,
    countUpdates: cost.countUpdates - before.countUpdates,
    flushes: cost.flushes - before.flushes,
    flushEnlargedPages: cost.flushEnlargedPages - before.flushEnlargedPages,
    hostRssPeakBytes: peakRssBytes(),
  };
  return { run, failedPairs: loop.failed, whole: loop.whole };
}

interface Loop {
  readonly pairs: number;
  readonly seconds: number;
  readonly failed: number;
  readonly whole: boolean;
}

async function timedLoop(
  domain: IommuDomain,
  cpu: Cpu,
  spaceTiB: number,
  dmaPages: number,
  handlers: StressHandlers,
): Promise<Loop> {
  const stride = stridePages(dmaPages);
  const all = stressPairs(spaceTiB, dmaPages);
  const piece = Math.max(1, Math.floor(TIB_PAGES / stride));
  let pairs = 0;
  let milliseconds = 0;
  let failed = 0;
  while (pairs < all) {
    if (await handlers.pause()) break;
    const next = Math.min(piece, all - pairs);
    const start = performance.now();
    failed += stress(domain, cpu, pairs * stride, next, dmaPages);
    milliseconds += performance.now() - start;
    pairs += next;
    handlers.progress({ dmaPages, tib: (pairs * stride) / TIB_PAGES, tableBytes: tableBytes(domain.pt) });
  }
  return { pairs, seconds: milliseconds / 1000, failed, whole: pairs === all };
}

/** Room for all tables that a design keeps which frees none, so that growing is neither timed nor counted as memory. */
function roomForAll(job: StressJob): { expectFrames: number; expectNonZeroFrames: number } {
  const pairs = Math.max(...job.dmaPages.map((dmaPages) => stressPairs(job.spaceTiB, dmaPages)));
  const upper = Math.ceil(pairs / 500) + 16;
  return { expectFrames: pairs + upper, expectNonZeroFrames: upper };
}

/**
 * Lets the JIT compile what will be timed. Returns whether the design frees emptied tables in this mode (the thread's patches
 * do not, when flushes are queued), which is what memory has to know beforehand.
 */
function warmUp(reclaim: TableReclaim, job: StressJob): boolean {
  const frees = warmUpOnce(reclaim, job, reclaim.freesEmpty);
  if (frees !== reclaim.freesEmpty) warmUpOnce(reclaim, job, frees);
  return frees;
}

function warmUpOnce(reclaim: TableReclaim, job: StressJob, keepZeroFrames: boolean): boolean {
  let frees = reclaim.freesEmpty;
  for (const dmaPages of job.dmaPages) {
    const pairs = Math.min(WARM_UP_PAIRS, stressPairs(job.spaceTiB, dmaPages), Math.ceil(WARM_UP_PAGES / dmaPages));
    const domain = newDomain(new ArenaMemory({ keepZeroFrames }), reclaim, job.mode);
    const cpu = createCpu();
    for (const afterPage of [0, FAR_PAGE]) stress(domain, cpu, afterPage, Math.ceil(pairs / 2), dmaPages);
    settleDomain(domain, cpu);
    if (dmaPages === 1) frees &&= domain.pt.cost.tablesFreed > 0;
    destroyDomain(domain, cpu);
  }
  return frees;
}

/** 4 levels of second-stage tables, 48-bit IOVAs: what the thread's machine had. */
function newDomain(memory: ArenaMemory, reclaim: TableReclaim, mode: StressJob['mode']): IommuDomain {
  return createDomain({ memory, format: VTD_SECOND_STAGE, levels: 4, reclaim, lazy: mode === 'lazy' });
}
