/** The summary of a trace that was read, and what its reader should be warned of. */

import type { TraceSummary } from './events.ts';
import type { TraceState } from './state.ts';
import { SKIP } from './tally.ts';

export function summarize(state: TraceState, bytes: number): TraceSummary {
  const { tally } = state;
  const events = state.names.totals();
  const timed = tally.unit !== 'none';
  return {
    format: state.format ?? 'ftrace',
    lines: tally.lines,
    bytes,
    events,
    tasks: state.tasks.list(),
    otherLines: { ...tally.other },
    skipped: tally.skipped(),
    gaps: tally.gaps,
    gapsOmitted: tally.gapsOmitted,
    warnings: warnings(state, events),
    timeUnit: tally.unit,
    firstTimestamp: timed ? tally.earliest : null,
    lastTimestamp: timed ? tally.latest : null,
    timeWentBack: tally.wentBack,
  };
}

function warnings(state: TraceState, events: TraceSummary['events']): string[] {
  const { tally } = state;
  const found: string[] = [];
  const undecoded = tally.skippedOf(SKIP.raw) + tally.skippedOf(SKIP.hex);
  if (undecoded > 0) {
    found.push(
      `${undecoded} lines have no fields: the raw, hex or bin option was on; turn it off ` +
        '(echo 0 > /sys/kernel/tracing/options/raw) and read the trace again',
    );
  }
  if (!('iommu:map' in events) && !('iommu:unmap' in events)) {
    found.push(
      'no iommu:map or iommu:unmap event that can be read: enable the events iommu:map and iommu:unmap to record them',
    );
  }
  const gaps = tally.gaps.length + tally.gapsOmitted;
  if (gaps > 0)
    found.push(`the kernel lost events in ${gaps} places: maps and unmaps may be missing; a larger buffer helps`);
  if (tally.skippedOf(SKIP.truncated) > 0) found.push('the last line is cut short: the trace may be incomplete');
  if (tally.strayTimes > 0) found.push(`${tally.strayTimes} events have their time in another unit than the first one`);
  if (tally.wentBack > 0) found.push(`time goes back ${tally.wentBack} times: was the trace put together from parts?`);
  if (state.tasks.overflowed) found.push('more tasks than are told apart: the rest is one, "other tasks"');
  return found;
}
