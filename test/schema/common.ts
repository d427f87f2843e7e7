/** Pieces that several documents share. */
import { z } from 'zod';

export const count = z.int().min(0);
export const bytes = z.int().min(0).describe('bytes');
export const seconds = z.number().min(0).describe('seconds');
export const mode = z.enum(['strict', 'lazy']).describe('strict: a flush at each unmap; lazy: flushes are queued');
export const address = z
  .string()
  .regex(/^0x(0|[1-9a-f][0-9a-f]*)$/)
  .describe('byte address, hexadecimal');

/** What a design pays, wherever it is counted. */
export const cost = {
  design: z.string().describe('name of the table-reclaim design'),
  mode,
  tableBytesPeak: bytes.describe('bytes of page tables at the peak, the root included'),
  tableBytesEnd: bytes.describe('bytes of page tables at the end, with nothing left pending, before the domain dies'),
  tablesAllocated: count,
  tablesFreed: count,
  readLocks: count.describe('takings of a lock for reading'),
  writeLocks: count.describe('takings of a lock for writing; for per-table-lock, of table locks'),
  countUpdates: count.describe('changes of a per-table count'),
  flushes: count.describe('IOTLB invalidations submitted'),
  flushEnlargedPages: count.describe('4 KiB pages that these covered beyond those that were to be unmapped'),
};

export const storedVerdict = z.strictObject({
  verdict: z.enum(['holds', 'violated', 'unreachable']),
  executions: count,
  seconds: seconds.describe('about how long it took'),
});

export const interrupted = z
  .literal(true)
  .optional()
  .describe('only when SIGINT ended it early: what is here is what was known by then');
