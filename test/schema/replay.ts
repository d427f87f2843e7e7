/** The document of `tablewalk replay --json`. */
import { z } from 'zod';
import type { ReplayFile, ReplayResult } from '../../src/lab/index.ts';
import { address, bytes, cost, count, mode } from './common.ts';

const events = z.record(z.string(), count).describe('events by name, system:event where the system is known');
const sizes = z.array(z.strictObject({ bytes, count }));
const rate = z.number().min(0).nullable();

const domain = z.strictObject({
  id: count,
  maps: count,
  unmaps: count,
  liveMappings: count,
  livePages: count,
  iovaFirst: address.nullable(),
  iovaLast: address.nullable(),
});

const domainInference = z.strictObject({
  inferred: count.describe('domains that the replay needed'),
  atLeast: count.describe('most mappings of one page that were live at once'),
  certainty: z.number().min(0).max(1).describe('share of the events whose domain was the only possible one'),
  ambiguousUnmaps: count,
  unmapsAcrossDomains: count,
  explanation: z.string(),
});

const series = z.strictObject({
  time: z.array(z.number()).describe('start of each bucket in timeUnit since the first event'),
  liveBytes: z.array(bytes),
  maps: z.array(count),
  unmaps: z.array(count),
  tableBytes: z
    .array(z.strictObject({ design: z.string(), mode, bytes: z.array(bytes) }))
    .describe('highest table bytes within each bucket, in the order of designs'),
});

const file = z.strictObject({
  file: z.string(),
  format: z.string(),
  lines: count,
  bytes: bytes.describe('bytes of text, after unpacking'),
  events,
  skipped: z.array(z.strictObject({ reason: z.string(), count, example: z.string(), line: count })),
  gaps: z.array(
    z.strictObject({
      kind: z.enum(['lost-events', 'overwritten', 'dropped-events']),
      line: count,
      events: count.nullable(),
    }),
  ),
  gapsOmitted: count,
  warnings: z.array(z.string()),
  timeUnit: z.enum(['seconds', 'ticks', 'none']),
  duration: z.number().min(0),
  mapsPerSecond: rate,
  unmapsPerSecond: rate,
  iovaFirst: address.nullable(),
  iovaLast: address.nullable(),
  occupancyPeak: z.number().min(0).max(1),
  liveMappingsPeak: count,
  liveMappingsEnd: count,
  livePagesPeak: count,
  livePagesEnd: count,
  mapSizes: sizes,
  mapSizesOther: count,
  pageSizes: sizes,
  topTasks: z.array(z.strictObject({ task: z.string(), maps: count, unmaps: count })),
  mapsOverLive: count,
  unmapsNeverMapped: count,
  unmapsPartlyMapped: count,
  unmapsEndingSeveralMaps: count,
  unmapsEndingPartOfAMap: count,
  unmapsSizeDiffers: count,
  largeLeavesSplit: count,
  domains: z.array(domain),
  domainInference,
  designs: z.array(z.strictObject(cost)),
  series,
}) satisfies z.ZodType<ReplayFile>;

export const replaySchema = z.strictObject({
  schema: z.literal(1),
  command: z.literal('replay'),
  files: z.array(file),
  events: events.describe('totals over the files'),
}) satisfies z.ZodType<ReplayResult>;
