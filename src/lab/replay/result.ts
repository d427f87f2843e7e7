/**
 * What `replay` says about one trace: the shape of `files[]` in its JSON. Bytes and seconds are numbers, addresses
 * are "0x…" strings. Field by field explained in docs/json.md; the JSON Schema is docs/schema/replay.json.
 */

export interface SkippedLines {
  readonly reason: string;
  readonly count: number;
  /** The first such line, made printable and cut. */
  readonly example: string;
  /** Its line number, from 1. */
  readonly line: number;
}

export interface Gap {
  /** `lost-events` (a marker in the text) or `overwritten` (the header's entries-in-buffer/entries-written). */
  readonly kind: 'lost-events' | 'overwritten' | 'dropped-events';
  readonly line: number;
  /** Events lost, as far as the trace says; null when it does not. */
  readonly events: number | null;
}

export interface DesignCost {
  readonly design: string;
  /** Whether IOTLB flushes are done at each unmap or queued; the thread's patches only act in strict mode. */
  readonly mode: 'strict' | 'lazy';
  readonly tableBytesPeak: number;
  readonly tableBytesEnd: number;
  readonly tablesAllocated: number;
  readonly tablesFreed: number;
  readonly readLocks: number;
  readonly writeLocks: number;
  /** Changes of a per-table count. */
  readonly countUpdates: number;
  /** IOTLB invalidations submitted. */
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
  readonly iovaFirst: string | null;
  readonly iovaLast: string | null;
}

export interface TimeSeries {
  /** Start of each bucket, in `timeUnit`, since the first event. All arrays have this length. */
  readonly time: readonly number[];
  /** Live mapped bytes at the end of each bucket. */
  readonly liveBytes: readonly number[];
  readonly maps: readonly number[];
  readonly unmaps: readonly number[];
  /** Highest table bytes within each bucket, one array for each entry of `designs`, in its order. */
  readonly tableBytes: readonly {
    readonly design: string;
    readonly mode: 'strict' | 'lazy';
    readonly bytes: readonly number[];
  }[];
}

export interface ReplayFile {
  readonly file: string;
  /** `ftrace`, `ftrace-latency`, `trace-cmd-report`, … */
  readonly format: string;
  readonly lines: number;
  readonly bytes: number;
  readonly events: Readonly<Record<string, number>>;
  readonly skipped: readonly SkippedLines[];
  readonly gaps: readonly Gap[];
  readonly gapsOmitted: number;
  readonly warnings: readonly string[];
  readonly timeUnit: 'seconds' | 'ticks' | 'none';
  readonly duration: number;
  readonly mapsPerSecond: number | null;
  readonly unmapsPerSecond: number | null;
  readonly iovaFirst: string | null;
  readonly iovaLast: string | null;
  /** Highest mapped bytes over the span between the first and the last IOVA ever mapped. */
  readonly occupancyPeak: number;
  readonly liveMappingsPeak: number;
  readonly liveMappingsEnd: number;
  readonly livePagesPeak: number;
  readonly livePagesEnd: number;
  /** Map events by size in bytes, largest count first. */
  readonly mapSizes: readonly { readonly bytes: number; readonly count: number }[];
  /** Leaf entries that the replay wrote, by page size. */
  readonly pageSizes: readonly { readonly bytes: number; readonly count: number }[];
  readonly topTasks: readonly { readonly task: string; readonly maps: number; readonly unmaps: number }[];
  readonly mapsOverLive: number;
  readonly unmapsNeverMapped: number;
  readonly unmapsPartlyMapped: number;
  readonly unmapsEndingSeveralMaps: number;
  readonly unmapsEndingPartOfAMap: number;
  readonly domains: readonly InferredDomain[];
  readonly domainInference: {
    readonly inferred: number;
    /** Share of the map and unmap events whose domain was the only possible one, 0 to 1. */
    readonly certainty: number;
    readonly ambiguousUnmaps: number;
    readonly explanation: string;
  };
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
