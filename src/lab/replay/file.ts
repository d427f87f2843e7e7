/** The result for one trace, from the engine's books and the parser's summary. */
import { pageAddress } from '../../base/brands.ts';
import type { TraceSummary } from '../../trace/index.ts';
import { judge } from './certainty.ts';
import type { Domain } from './domains.ts';
import type { ReplayEngine } from './engine.ts';
import type { InferredDomain, ReplayFile, SizeCount, TimeSeries } from './result.ts';

const PAGE_BYTES = 4096;

/** Context: the engine is settled and not yet destroyed. */
export function replayFile(file: string, engine: ReplayEngine, summary: TraceSummary): ReplayFile {
  const { counts, unmaps, domains } = engine;
  const unmapEvents = counts.unmaps - counts.skippedUnmaps;
  return {
    file,
    format: summary.format,
    lines: summary.lines,
    bytes: summary.bytes,
    events: summary.events,
    skipped: counts.skipped(summary.skipped),
    gaps: summary.gaps,
    gapsOmitted: summary.gapsOmitted,
    warnings: [...summary.warnings, ...warnings(engine)],
    ...rates(engine, summary),
    ...spans(domains.list, engine.livePagesPeak),
    liveMappingsPeak: engine.liveMappingsPeak,
    liveMappingsEnd: engine.liveMappings,
    livePagesPeak: engine.livePagesPeak,
    livePagesEnd: engine.livePages,
    ...counts.mapSizes(),
    pageSizes: pageSizes(engine),
    topTasks: counts.topTasks(summary.tasks),
    mapsOverLive: domains.mapsOverLive,
    unmapsNeverMapped: unmaps.neverMapped,
    unmapsPartlyMapped: unmaps.partlyMapped,
    unmapsEndingSeveralMaps: unmaps.endingSeveralMaps,
    unmapsEndingPartOfAMap: unmaps.endingPartOfAMap,
    unmapsSizeDiffers: counts.unmapsSizeDiffers,
    largeLeavesSplit: engine.largeLeavesSplit,
    domains: domains.list.map(inferredDomain),
    domainInference: judge(domains, unmaps, unmapEvents, summary.gaps.length),
    designs: engine.simulations.map((simulation) => simulation.cost()),
    series: timeSeries(engine, summary),
  };
}

/** Totals over files: events by type, largest count first. */
export function totalEvents(files: readonly Pick<ReplayFile, 'events'>[]): Record<string, number> {
  const totals = new Map<string, number>();
  for (const { events } of files) {
    for (const [name, count] of Object.entries(events)) totals.set(name, (totals.get(name) ?? 0) + count);
  }
  return Object.fromEntries([...totals].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)));
}

function warnings({ counts, largeLeavesSplit }: ReplayEngine): string[] {
  const found: string[] = [];
  const skipped = counts.skippedMaps + counts.skippedUnmaps;
  if (skipped > 0) found.push(`${skipped} map and unmap events were not replayed: the skipped lines have the reasons`);
  if (largeLeavesSplit > 0) {
    found.push(
      `${largeLeavesSplit} large pages were unmapped in part, which no kernel does: where the trace was recorded ` +
        'smaller pages stood there, or another domain was meant',
    );
  }
  return found;
}

type Rates = Pick<ReplayFile, 'timeUnit' | 'duration' | 'mapsPerSecond' | 'unmapsPerSecond'>;

function rates({ counts }: ReplayEngine, { timeUnit, firstTimestamp, lastTimestamp }: TraceSummary): Rates {
  const timed = firstTimestamp !== null && lastTimestamp !== null;
  const duration = timed ? lastTimestamp - firstTimestamp : counts.maps + counts.unmaps;
  const perSecond = (count: number): number | null =>
    timeUnit === 'seconds' && duration > 0 ? count / duration : null;
  return { timeUnit, duration, mapsPerSecond: perSecond(counts.maps), unmapsPerSecond: perSecond(counts.unmaps) };
}

type Spans = Pick<ReplayFile, 'iovaFirst' | 'iovaLast' | 'occupancyPeak'>;

function spans(domains: readonly Domain[], livePagesPeak: number): Spans {
  const span = domains.reduce((sum, { live }) => sum + live.behind - live.first, 0);
  const first = domains.reduce((least, { live }) => Math.min(least, live.first), Number.POSITIVE_INFINITY);
  const behind = domains.reduce((most, { live }) => Math.max(most, live.behind), 0);
  if (span === 0) return { iovaFirst: null, iovaLast: null, occupancyPeak: 0 };
  return { iovaFirst: pageAddress(first), iovaLast: pageAddress(behind - 1), occupancyPeak: livePagesPeak / span };
}

function inferredDomain({ id, maps, unmaps, live }: Domain): InferredDomain {
  return {
    id,
    maps,
    unmaps,
    liveMappings: live.mappings,
    livePages: live.pages,
    iovaFirst: pageAddress(live.first),
    iovaLast: pageAddress(live.behind - 1),
  };
}

/** The same in every design. */
function pageSizes({ simulations }: ReplayEngine): SizeCount[] {
  const sum = (field: 'leaves4K' | 'leaves2M' | 'leaves1G'): number =>
    simulations[0]?.domains.reduce((total, { pt }) => total + pt.cost[field], 0) ?? 0;
  const sizes = [
    { bytes: PAGE_BYTES, count: sum('leaves4K') },
    { bytes: 2 ** 21, count: sum('leaves2M') },
    { bytes: 2 ** 30, count: sum('leaves1G') },
  ];
  return sizes.filter(({ count }) => count > 0);
}

function timeSeries({ buckets, clock, simulations }: ReplayEngine, { firstTimestamp }: TraceSummary): TimeSeries {
  const offset = clock.timed && firstTimestamp !== null ? Math.max(0, clock.origin - firstTimestamp) : 0;
  return {
    time: buckets.times(offset),
    liveBytes: buckets.livePages.map((pages) => pages * PAGE_BYTES),
    maps: buckets.maps,
    unmaps: buckets.unmaps,
    tableBytes: simulations.map(({ design, mode }, s) => ({
      design: design.name,
      mode,
      bytes: buckets.tables[s]!.map((tables) => tables * PAGE_BYTES),
    })),
  };
}
