/**
 * What `replay` says about one trace: the shape of `files[]` in its JSON. Bytes and seconds are numbers, addresses
 * are "0x…" strings. Field by field explained in docs/json.md; the JSON Schema is docs/schema/replay.json.
 */
import type { Gap, SkippedLines, TimeUnit } from '../../trace/index.ts';

export type { Gap, SkippedLines } from '../../trace/index.ts';

export type FlushMode = 'strict' | 'lazy';

/** Sums over the inferred domains; table pages include the roots. Taken after `settle`, before the domains die. */
export interface DesignCost {
  readonly design: string;
  /** Whether IOTLB flushes are done at each unmap or queued; the thread's patches only act in strict mode. */
  readonly mode: FlushMode;
  readonly tableBytesPeak: number;
  readonly tableBytesEnd: number;
  readonly tablesAllocated: number;
  readonly tablesFreed: number;
  readonly readLocks: number;
  readonly writeLocks: number;
  /** Changes of a per-table count. */
  readonly countUpdates: number;
  /** IOTLB invalidations submitted. Unmaps of what was never mapped are not replayed and have none. */
  readonly flushes: number;
  /** Pages that these invalidations covered beyond the pages that were asked to be unmapped. */
  readonly flushEnlargedPages: number;
}

export interface InferredDomain {
  readonly id: number;
  readonly maps: number;
  readonly unmaps: number;
  readonly liveMappings: number;
  readonly livePages: number;
  /** First and last page ever mapped, by their addresses. */
  readonly iovaFirst: string | null;
  readonly iovaLast: string | null;
}

export interface DomainInference {
  /** Domains that the replay needed. */
  readonly inferred: number;
  /** Most mappings of one page that were live at once: so many domains there were at least, unless events were lost. */
  readonly atLeast: number;
  /** Share of the map and unmap events whose domain was the only possible one among the inferred, 0 to 1. */
  readonly certainty: number;
  /** Unmaps whose range was live in more than one domain. */
  readonly ambiguousUnmaps: number;
  /** Unmaps whose pages were found in more than one domain and ended in each: those mappings were wrongly kept apart. */
  readonly unmapsAcrossDomains: number;
  readonly explanation: string;
}

export interface TimeSeries {
  /**
   * Start of each bucket, in `timeUnit`, since the first event of the trace; without a clock, the number of the map or
   * unmap event. All arrays have this length, at most 400, and all buckets are equally wide.
   */
  readonly time: readonly number[];
  /** Live mapped bytes at the end of each bucket. */
  readonly liveBytes: readonly number[];
  readonly maps: readonly number[];
  readonly unmaps: readonly number[];
  /** Highest table bytes within each bucket, one array for each entry of `designs`, in its order. */
  readonly tableBytes: readonly {
    readonly design: string;
    readonly mode: FlushMode;
    readonly bytes: readonly number[];
  }[];
}

export interface SizeCount {
  readonly bytes: number;
  readonly count: number;
}

export interface ReplayFile {
  readonly file: string;
  /** `ftrace`, `ftrace-latency`, `trace-cmd-report`, … */
  readonly format: string;
  readonly lines: number;
  readonly bytes: number;
  readonly events: Readonly<Record<string, number>>;
  /** Lines that were not understood, and map and unmap events that were but could not be replayed. */
  readonly skipped: readonly SkippedLines[];
  readonly gaps: readonly Gap[];
  readonly gapsOmitted: number;
  readonly warnings: readonly string[];
  readonly timeUnit: TimeUnit;
  /** From the first event of any kind to the last; without a clock, the number of map and unmap events. */
  readonly duration: number;
  readonly mapsPerSecond: number | null;
  readonly unmapsPerSecond: number | null;
  /** First and last page ever mapped, by their addresses. */
  readonly iovaFirst: string | null;
  readonly iovaLast: string | null;
  /** Highest mapped bytes over the span between the first and the last IOVA ever mapped, that of each domain by itself. */
  readonly occupancyPeak: number;
  readonly liveMappingsPeak: number;
  readonly liveMappingsEnd: number;
  readonly livePagesPeak: number;
  readonly livePagesEnd: number;
  /** Map events by size in bytes, the commonest 32, largest count first. */
  readonly mapSizes: readonly SizeCount[];
  /** Map events of all other sizes. */
  readonly mapSizesOther: number;
  /** Leaf entries that the replay wrote, by page size. */
  readonly pageSizes: readonly SizeCount[];
  /** The busiest 20, `comm-pid`. */
  readonly topTasks: readonly { readonly task: string; readonly maps: number; readonly unmaps: number }[];
  /** Maps of an IOVA that was live in some domain: each proves a further one. */
  readonly mapsOverLive: number;
  /** Unmaps with no live page: the roll-back of a failed map, or mapped before the trace began. */
  readonly unmapsNeverMapped: number;
  readonly unmapsPartlyMapped: number;
  readonly unmapsEndingSeveralMaps: number;
  readonly unmapsEndingPartOfAMap: number;
  /** Unmaps whose `size` and `unmapped_size` differ; what the kernel says went away is what the replay takes away. */
  readonly unmapsSizeDiffers: number;
  /** Large leaf entries of which the trace unmapped a part: where it was recorded, smaller ones stood there. */
  readonly largeLeavesSplit: number;
  readonly domains: readonly InferredDomain[];
  readonly domainInference: DomainInference;
  readonly designs: readonly DesignCost[];
  readonly series: TimeSeries;
}

export interface ReplayResult {
  readonly schema: 1;
  readonly command: 'replay';
  readonly files: readonly ReplayFile[];
  /** Totals over the files. */
  readonly events: Readonly<Record<string, number>>;
}
