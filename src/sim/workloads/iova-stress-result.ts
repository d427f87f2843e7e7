/** What one run of iova-stress found, and the document of the command: its JSON as it is printed. */

export interface IovaStressRun {
  readonly design: string;
  readonly mode: 'strict' | 'lazy';
  readonly dmaBytes: number;
  /** Map and unmap pairs done. */
  readonly pairs: number;
  /** Wall-clock time of the loop, set-up and teardown left out. */
  readonly seconds: number;
  /** Every table page counts, the root included. */
  readonly tableBytesPeak: number;
  /** After the last unmap, with nothing left pending, before the domain dies. */
  readonly tableBytesEnd: number;
  readonly tablesAllocated: number;
  readonly tablesFreed: number;
  readonly readLocks: number;
  readonly writeLocks: number;
  readonly countUpdates: number;
  readonly flushes: number;
  readonly flushEnlargedPages: number;
  /** Peak resident memory of the process that ran this design alone, in bytes. */
  readonly hostRssPeakBytes: number;
}

export interface IovaStressResult {
  readonly schema: 1;
  readonly command: 'iova-stress';
  readonly spaceTiB: number;
  /** One a design and DMA size, flush at each unmap, as VFIO does it. */
  readonly runs: readonly IovaStressRun[];
  /** The same with queued flushes, where asked for. */
  readonly lazyRuns: readonly IovaStressRun[];
}
