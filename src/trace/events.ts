/**
 * What the trace layer hands out: one record for each `iommu:map` and `iommu:unmap`, and a summary at the end.
 * Addresses are whole 4 KiB pages and page numbers are plain numbers (below 2^52, so exact); docs/language.md has the words.
 */

/** One object, filled anew for each event: copy what you keep. */
export interface IommuRecord {
  /** In the trace's unit (`TraceSummary.timeUnit`); 0 where the line carries no time. */
  timestamp: number;
  /** Index into `TraceSummary.tasks`. */
  taskId: number;
  iovaPfn: number;
  /** 0 for unmap. */
  paddrPfn: number;
  pages: number;
  /** What the kernel says it unmapped; 0 for map. */
  unmappedPages: number;
  /** Line number in the input, from 1. */
  line: number;
}

export interface TraceHandlers {
  map(record: IommuRecord): void;
  unmap(record: IommuRecord): void;
}

/** `comm` and `pid` together are the key: one program run twice is two tasks. */
export interface TraceTask {
  /** As the kernel printed it, made printable: at most 15 bytes, `<idle>`, `<...>` if the kernel had forgotten it. */
  readonly comm: string;
  /** null for lines that name no task (context-info off, function_graph) and for the tasks past the limit. */
  readonly pid: number | null;
}

export interface SkippedLines {
  readonly reason: string;
  readonly count: number;
  /** The first such line, made printable and cut. */
  readonly example: string;
  /** Its line number, from 1. */
  readonly line: number;
}

export interface Gap {
  /** `lost-events` (ftrace's marker), `dropped-events` (trace-cmd's) or `overwritten` (a header says the buffer wrapped). */
  readonly kind: 'lost-events' | 'overwritten' | 'dropped-events';
  readonly line: number;
  /** Events lost, as far as the trace says; null when it does not. */
  readonly events: number | null;
}

/** Lines that are understood and are not events. */
export interface OtherLines {
  readonly blank: number;
  /** Lines that begin with `#`. */
  readonly comments: number;
  /** trace-cmd's head lines and function_graph's task switches. */
  readonly headers: number;
  /** trace_marker and trace_printk text. */
  readonly markers: number;
  /** Call chains of the kernel or of perf. */
  readonly stack: number;
  /** Lines of the function and function_graph tracers. */
  readonly functions: number;
  /** `[LOST n EVENTS]` and its like; each is a gap too. */
  readonly losses: number;
}

export type TimeUnit = 'seconds' | 'ticks' | 'none';

export type TraceFormat =
  | 'ftrace'
  | 'ftrace-latency'
  | 'ftrace-function-graph'
  | 'ftrace-without-context'
  | 'ftrace-raw'
  | 'trace-cmd-report'
  | 'perf-script';

/** lines = the sum of `events`, of the counts in `skipped`, and of `otherLines`. */
export interface TraceSummary {
  readonly format: TraceFormat;
  readonly lines: number;
  readonly bytes: number;
  /** Largest count first. Known kernel tracepoints carry their system: `iommu:map`. */
  readonly events: Readonly<Record<string, number>>;
  /** `IommuRecord.taskId` indexes it. Tasks of all events are in it, also of those that are only counted. */
  readonly tasks: readonly TraceTask[];
  readonly otherLines: OtherLines;
  /** Largest count first. */
  readonly skipped: readonly SkippedLines[];
  /** The first hundred; the rest is only counted. */
  readonly gaps: readonly Gap[];
  readonly gapsOmitted: number;
  readonly warnings: readonly string[];
  readonly timeUnit: TimeUnit;
  /** Earliest and latest over all events; null without any time. */
  readonly firstTimestamp: number | null;
  readonly lastTimestamp: number | null;
  /** Events whose time is before that of the event above them. */
  readonly timeWentBack: number;
}
