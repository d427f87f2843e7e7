/**
 * State of one page table, of the CPU that works on it, and the seams where designs and the environment plug in.
 *
 * From the kernel's drivers/iommu/generic_pt (6.19) and drivers/iommu/intel/iommu.c (to 6.18). Levels count from 0, the
 * leaf table; `top` is the root's level. Page numbers and frame numbers are plain numbers in here (hot code); the
 * layer above takes brands. Nothing here takes a lock: that is the design's business.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { World } from '../../base/world.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import type { PageTableFormat } from './format.ts';
import { createShared, plainWord, type Shared } from './shared.ts';

/** Errors as the kernel returns them, negative. */
export const EINVAL = -22;
export const ENOMEM = -12;
export const ERANGE = -34;
export const EADDRINUSE = -98;
/** `cpu.status` after an unmap that stopped at a hole: not an error, the caller sees a short count. */
export const STOPPED_AT_HOLE = 1;

/** What map and unmap do where kernels differ. */
export interface Semantics {
  readonly name: 'generic-pt' | 'dma-pte' | 'replay';
  /** Mapping over a live entry warns, keeps what was there, and counts as done; otherwise -EADDRINUSE. */
  readonly warnOnLive: boolean;
  /** A hole inside an unmapped range is passed over; otherwise the unmap stops there. */
  readonly skipHoles: boolean;
  /** The older driver's unmap grows a range to the span of the entry where its first walk ended, and lists covered tables unmodified. */
  readonly growToLevel: boolean;
  /** Tables that give way to a large page are freed before their span is flushed. */
  readonly freesFirst?: boolean;
  /** Pages of one size are unmapped at a time, and a gather of another size, or apart, is synced before the new range joins it. */
  readonly syncsSizes?: boolean;
}

/** generic_pt, VT-d second stage from 6.19. */
export const GENERIC_PT: Semantics = { name: 'generic-pt', warnOnLive: false, skipHoles: false, growToLevel: false };
/** intel/iommu.c to 6.18 (docs/designs.md, covered-range). */
export const DMA_PTE: Semantics = { name: 'dma-pte', warnOnLive: true, skipHoles: true, growToLevel: true };
/** The same with the orders in which that driver flushed and freed, which are better not kept: for checking. */
export const DMA_PTE_AS_IT_WAS: Semantics = { ...DMA_PTE, freesFirst: true, syncsSizes: true };
/** For traces that begin in the middle: generic_pt, but an unmap passes over what the trace never showed being mapped. */
export const REPLAY: Semantics = { name: 'replay', warnOnLive: false, skipHoles: true, growToLevel: false };

/** What a design pays; counted, never timed. */
export interface ReclaimCost {
  tablesAllocated: number;
  tablesFreed: number;
  tablesAlivePeak: number;
  readLocks: number;
  writeLocks: number;
  countUpdates: number;
  flushes: number;
  /** Pages covered by invalidations. A domain-wide one is counted in `domainFlushes` and not here. */
  flushPages: number;
  /** Pages covered beyond those that the caller asked to unmap. */
  flushEnlargedPages: number;
  domainFlushes: number;
  /** Map over a live entry, in the older driver's semantics. */
  warnings: number;
  /** Leaf entries written, by level. */
  leaves4K: number;
  leaves2M: number;
  leaves1G: number;
}

/** Range to flush and tables that may be freed only after it (struct iommu_iotlb_gather). `end` is exclusive; empty when end is 0. */
export interface Gather {
  start: number;
  end: number;
  /** Pages that callers asked for, to tell how far the flush was enlarged. */
  asked: number;
  /** Pages of the range that joined last (iommu_iotlb_gather.pgsize, as the older driver uses it). */
  size: number;
  /** Frames of unlinked tables; the first `tableCount` count. */
  tables: Int32Array;
  tableCount: number;
}

/** A stack that keeps its room: the first `count` items count. A page of each table's span, and its level. */
export interface EmptiedTables {
  readonly pages: number[];
  readonly levels: number[];
  count: number;
}

/** What one CPU needs while it works on a table; each simulated CPU has its own. */
export interface Cpu {
  /** The path of the current walk: table frame by level. */
  readonly path: Int32Array;
  readonly gather: Gather;
  /** 4 KiB pages that the last mapPages entered. */
  mapped: number;
  /** How the last walk ended: 0, or a negative error. */
  status: number;
  /** First page after what the last unmap removed or was asked to remove: beyond the range when a large page was cut. */
  removedEnd: number;
  /** `shared.unlinks` as it was while this CPU last held the read lock of an unmap. */
  unlinksSeen: number;
  /** Span of the leaf table that `emptied` unlinked, as page / 512. */
  prunedSpan: number;
  /** Level at which the last walk ended. */
  level: number;
  /** Level of the entry that pointed to the highest table that a reclaiming unmap unlinked; 0 when none. */
  freedLevel: number;
  /** Tables that an unmap left empty, for designs that reclaim afterwards. */
  readonly emptied: EmptiedTables;
}

/** The seams of a design within the generic walk. */
export interface ReclaimHooks {
  readonly name: string;
  /** Whether a table that one unmap covers entirely is unlinked with it. */
  readonly collectCovered: boolean;
  /** Whether tables listed by the older driver are emptied first (the thread's patch keeps its counts so). */
  readonly clearListed: boolean;
  /** Which of the seams below the design uses: the walk does not call the others. */
  readonly uses: HookUse;
  tableAllocated(pt: PageTable, table: number): Flow<void>;
  /** The holder of `table` is done with it, after the flush. True: the frame goes back to the allocator now. */
  tableFreed(pt: PageTable, table: number): Flow<boolean>;
  /**
   * A walk has a pointer to `table` at `level` and still stands in its parent, `cpu.path[level + 1]`; `keep`: it will come back to
   * the parent.
   */
  enter(pt: PageTable, cpu: Cpu, table: number, level: number, keep: boolean): Flow<void>;
  /** The walk is done with `table`. */
  leave(pt: PageTable, cpu: Cpu, table: number, level: number): Flow<void>;
  /** A map is about to list the tables below an entry, or has done so. */
  listing(pt: PageTable, begin: boolean): Flow<void>;
  /** One entry of `table` was set: right after each entry. */
  entrySet(pt: PageTable, table: number): Flow<void>;
  entryCleared(pt: PageTable, table: number): Flow<void>;
  /** `entries` entries of `table` were set in a row: once, after the row. */
  runSet(pt: PageTable, table: number, entries: number): Flow<void>;
  runCleared(pt: PageTable, table: number, entries: number): Flow<void>;
  /**
   * An unmap leaves `cpu.path[level]` on its way up, the entry of which is in `cpu.path[level + 1]`. True: the table
   * was unlinked, so that its parent is worth a look.
   */
  childLeft(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<boolean>;
  /**
   * A fast-path unmap of `page` left the leaf table `table`, below `parent`, without entries, and holds no lock any more. Returns
   * the frame of another leaf table that was unlinked instead, with its span in `cpu.prunedSpan`, or 0; what is more
   * is on the gather.
   */
  emptied(pt: PageTable, cpu: Cpu, page: number, table: number, parent: number): Flow<number>;
}

export interface HookUse {
  /** enter and leave. */
  readonly walk: boolean;
  /** entrySet and entryCleared, tableAllocated and tableFreed: the design counts entries one by one in struct page. */
  readonly entries: boolean;
  /** runSet and runCleared. */
  readonly runs: boolean;
  /** childLeft and emptied. */
  readonly children: boolean;
  /** `shared.lock`, held for reading over each map, unmap and iova_to_phys. */
  readonly rwlock: boolean;
}

/** Submits an IOTLB invalidation for [start, end) and waits for it. `ih`: leaf entries only. */
export type FlushRange = (pt: PageTable, start: number, end: number, ih: boolean) => Flow<void>;

export interface PageTable {
  readonly memory: TableMemory;
  readonly format: PageTableFormat;
  readonly semantics: Semantics;
  readonly hooks: ReclaimHooks;
  readonly flushRange: FlushRange;
  /** Frame of the root table. */
  readonly root: number;
  /** Level of the root table: levels - 1. */
  readonly top: number;
  /** Pages that the table can translate. */
  readonly pageLimit: number;
  /** Highest level at which a leaf may be made: 0, 1 or 2. */
  readonly maxLeafLevel: number;
  readonly cost: ReclaimCost;
  /** Whether unmaps leave the flush to a queue (lazy mode). */
  readonly queued: boolean;
  readonly shared: Shared;
  /** A table entry of this format has exactly `tableLo` of these low bits: tells tables from leaves and from nothing. */
  readonly tableMask: number;
  readonly tableLo: number;
  readonly presentLo: number;
  /** `leafLo` of the format by permission, eight bits each: what a leaf of 4 KiB has besides its address. */
  readonly leafBits: number;
  readonly pageSizeLo: number;
  /** Of these low bits a 2 MiB leaf has `pageSizeLo` alone: all but the PAT bit of x86, which lies below the address. */
  readonly largeMask: number;
  /**
   * Which fast path of kernel/iommu/domain.ts applies: 0 none, 1 plain, 2 with `shared.lock` held for reading and entries
   * counted by `addEntries`. They are for 4 levels and for designs that look at no single entry and no step of a walk.
   */
  readonly fastPath: number;
}

export interface PageTableOptions {
  readonly memory: TableMemory;
  readonly format: PageTableFormat;
  /** 3, 4 or 5, as the format allows. */
  readonly levels: number;
  readonly hooks: ReclaimHooks;
  readonly flushRange: FlushRange;
  readonly semantics?: Semantics;
  readonly maxLeafLevel?: number;
  readonly queued?: boolean;
  readonly shared?: Shared;
  /** False: the general paths alone, to compare designs that have no fast one. */
  readonly fastPaths?: boolean;
}

/** @throws RangeError when the format has no such number of levels, or memory has no frame for the root. */
export function* createPageTable(options: PageTableOptions): Flow<PageTable> {
  const { memory, format, levels } = options;
  if (!format.levels.includes(levels))
    throw new RangeError(`${format.name} has ${format.levels.join(', ')} levels, not ${levels}`);
  yield;
  const root = memory.allocFrame(true);
  if (root === 0) throw new RangeError('no frame left for the root table');
  const pt: PageTable = {
    memory,
    format,
    semantics: options.semantics ?? GENERIC_PT,
    hooks: options.hooks,
    flushRange: options.flushRange,
    root,
    top: levels - 1,
    pageLimit: 2 ** (9 * levels),
    maxLeafLevel: options.maxLeafLevel ?? 2,
    cost: emptyCost(),
    queued: options.queued ?? false,
    tableMask: format.tableLo | format.pageSizeLo,
    tableLo: format.tableLo,
    presentLo: format.presentLo,
    leafBits: format.leafLo.reduce((bits, lo, prot) => bits | (lo << (8 * prot)), 0),
    pageSizeLo: format.pageSizeLo,
    largeMask: format.pageSizeLo | 0x1ff000,
    fastPath: fastPathFor(options),
    shared: options.shared ?? createShared(new World(), plainWord),
  };
  memory.setPointers(pt.tableMask, pt.tableLo);
  pt.cost.tablesAllocated = 1;
  pt.cost.tablesAlivePeak = 1;
  if (pt.hooks.uses.entries) yield* pt.hooks.tableAllocated(pt, root);
  return pt;
}

function fastPathFor({ levels, hooks, fastPaths }: PageTableOptions): number {
  const { walk, entries, runs, rwlock } = hooks.uses;
  if (fastPaths === false || levels !== 4 || walk || entries || runs !== rwlock) return 0;
  return rwlock ? 2 : 1;
}

export function createCpu(): Cpu {
  return {
    path: new Int32Array(8),
    gather: { start: 0, end: 0, asked: 0, size: 0, tables: new Int32Array(16), tableCount: 0 },
    mapped: 0,
    status: 0,
    removedEnd: 0,
    unlinksSeen: 0,
    prunedSpan: 0,
    level: 0,
    freedLevel: 0,
    emptied: { pages: [], levels: [], count: 0 },
  };
}

export function pushEmptied(cpu: Cpu, page: number, level: number): void {
  const emptied = cpu.emptied;
  emptied.pages[emptied.count] = page;
  emptied.levels[emptied.count] = level;
  emptied.count++;
}

export function tablesAlive(pt: PageTable): number {
  return pt.cost.tablesAllocated - pt.cost.tablesFreed;
}

function emptyCost(): ReclaimCost {
  return {
    tablesAllocated: 0,
    tablesFreed: 0,
    tablesAlivePeak: 0,
    readLocks: 0,
    writeLocks: 0,
    countUpdates: 0,
    flushes: 0,
    flushPages: 0,
    flushEnlargedPages: 0,
    domainFlushes: 0,
    warnings: 0,
    leaves4K: 0,
    leaves2M: 0,
    leaves1G: 0,
  };
}
