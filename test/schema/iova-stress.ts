/** The document of `tablewalk iova-stress --json`. */
import { z } from 'zod';
import type { IovaStressResult } from '../../src/sim/index.ts';
import { bytes, cost, count, interrupted, seconds } from './common.ts';

const run = z.strictObject({
  ...cost,
  dmaBytes: bytes.describe('size of the buffer that is mapped and unmapped'),
  pairs: count.describe('map and unmap pairs of this run'),
  seconds: seconds.describe('wall-clock time of the maps and unmaps'),
  tablesAllocated: count.describe('in this run; the root counts in the first'),
  tablesFreed: count.describe('in this run'),
  hostRssPeakBytes: bytes.describe('peak resident memory of the process that ran this design and mode alone, so far'),
});

export const iovaStressSchema = z.strictObject({
  schema: z.literal(1),
  command: z.literal('iova-stress'),
  spaceTiB: z.int().min(1).max(255),
  runs: z.array(run).describe('flush at each unmap: one a design and DMA size, those of a design in one table'),
  lazyRuns: z.array(run).describe('the same with queued flushes'),
  interrupted,
}) satisfies z.ZodType<IovaStressResult>;
