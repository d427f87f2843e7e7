/** What the thread said about memory, beside what the tables of the benchmark and of real traces hold. */
import { threadBase, threadPatched, threadSpaceTiB } from '../report/iova-stress-sections.ts';
import type { Claim } from '../report/page.ts';
import { formatBytes, formatCount, formatPercent } from '../report/units.ts';
import {
  allOrSome,
  BASE,
  lazyRun,
  type Measurements,
  notMeasured,
  PATCH,
  strictCost,
  strictRun,
  TODAY,
  traceName,
  tracePairs,
} from './findings.ts';

/** The thread's own figure is lost free memory, rounded to MiB: this near counts as the same. */
const SAME_WITHIN = 0.01;
const HALF_MIB = 2 ** 19;
/** Less memory than this share is a gain worth the name. */
const WORTHWHILE = 0.9;

export function baseKeeps(measured: Measurements): Claim {
  const claim = 'Without the patch, 16 TiB of use leave 32 GiB of tables behind';
  const thread = `“Base uses 32G of memory”: ${threadBase.tableText}`;
  const run = strictRun(measured, BASE);
  if (run === undefined || measured.iovaStress.spaceTiB !== threadSpaceTiB) return notMeasured(claim, thread);
  const off = run.tableBytesEnd / threadBase.tableBytes - 1;
  return {
    claim,
    thread,
    measured: `${formatBytes(run.tableBytesEnd, 'MiB')} in ${formatCount(run.tableBytesEnd / 4096)} tables (${BASE}): ${formatPercent(Math.abs(off))} ${off < 0 ? 'less' : 'more'}`,
    holds: Math.abs(off) <= SAME_WITHIN ? 'yes' : 'no',
    note: 'Ours is table arithmetic: one leaf table for each 2 MiB touched, and the tables above them. The thread measured free memory that was gone, which moves for other reasons too; the table counts of real 6.12 kernels after 1, 2 and 3 TiB fit the arithmetic to the page.',
  };
}

export function patchKeepsNothing(measured: Measurements): Claim {
  const claim = 'With the patch, nothing is left behind';
  const thread = `“Fix uses 0G of memory”: ${threadPatched.tableText}`;
  const run = strictRun(measured, PATCH);
  if (run === undefined) return notMeasured(claim, thread);
  return {
    claim,
    thread,
    measured: `${formatBytes(run.tableBytesEnd)} at the end, ${formatBytes(run.tableBytesPeak)} at the peak (${PATCH}); ${formatCount(run.tablesFreed)} tables freed`,
    holds: run.tableBytesEnd < HALF_MIB ? 'yes' : 'no',
    note: 'With a flush at each unmap, which is how VFIO unmaps and thus how the thread’s benchmark ran.',
  };
}

export function freesOnUnmaps(measured: Measurements): Claim {
  const claim = 'The series frees empty page tables on unmaps, in both flush modes';
  const thread = '“This series frees empty page tables on unmaps.”';
  const [base, strict, lazy] = [strictRun(measured, BASE), strictRun(measured, PATCH), lazyRun(measured, PATCH)];
  if (base === undefined || strict === undefined || lazy === undefined) return notMeasured(claim, thread);
  const frees = [strict, lazy].map((run) => run.tableBytesEnd < base.tableBytesEnd / 2);
  const others = measured.iovaStress.lazyRuns.filter((run) => run.dmaBytes === 4096 && run.tableBytesEnd < HALF_MIB);
  const named = others.map((run) => run.design).join(', ');
  return {
    claim,
    thread,
    measured: `flush at each unmap: ${formatBytes(strict.tableBytesEnd)} left; flush queued: ${formatBytes(lazy.tableBytesEnd, 'MiB')} left (${PATCH})`,
    holds: allOrSome(frees),
    note: `As posted, the patch acts only where the flush is not queued, so devices behind the DMA API in lazy mode gain nothing. ${named === '' ? 'No design here frees in both modes.' : `In both modes free: ${named}.`}`,
  };
}

export function todayNeverFrees(measured: Measurements): Claim {
  const claim = 'Linux as it was never frees tables during unmaps';
  const thread = '“Still better than today, where we never free them during unmaps.”';
  const run = strictRun(measured, TODAY);
  const traces = measured.replay.files.flatMap((file) => {
    const cost = strictCost(file, TODAY);
    return cost === undefined
      ? []
      : [{ name: traceName(file), freed: cost.tablesFreed, allocated: cost.tablesAllocated }];
  });
  const all = [
    ...(run === undefined ? [] : [{ name: 'iova_stress', freed: run.tablesFreed, allocated: run.tablesAllocated }]),
    ...traces,
  ];
  return {
    claim,
    thread,
    measured: all
      .map(({ name, freed, allocated }) => `${name}: ${formatCount(freed)} of ${formatCount(allocated)} tables freed`)
      .join('; '),
    holds: allOrSome(all.map(({ freed }) => freed === 0)),
    note: `${TODAY} frees a table when one unmap covers all of its span, or when a large page is mapped over it.`,
  };
}

export function realTraceGains(measured: Measurements): Claim {
  const claim = 'Freeing empty tables gives memory back on a real workload';
  const thread = 'The series’ reason to be; the thread shows it on its own benchmark only';
  const pairs = tracePairs(measured, TODAY, PATCH);
  const texts = pairs.map(({ file, first, second }) => {
    const lazyPrune = measured.replay.files
      .map((one) => (traceName(one) === file ? strictCost(one, 'lazy-prune') : undefined))
      .find(Boolean);
    const own = lazyPrune === undefined ? '' : `, ${formatBytes(lazyPrune.tableBytesEnd)} (lazy-prune)`;
    return `${file}: at the end ${formatBytes(first.tableBytesEnd)} (${TODAY}), ${formatBytes(second.tableBytesEnd)} (${PATCH})${own}; peaks ${formatBytes(first.tableBytesPeak)} and ${formatBytes(second.tableBytesPeak)}`;
  });
  return {
    claim,
    thread,
    measured: texts.length === 0 ? 'no trace was replayed' : texts.join('. '),
    holds: allOrSome(pairs.map(({ first, second }) => second.tableBytesEnd < WORTHWHILE * first.tableBytesEnd)),
    note: `Counted as a gain: at least ${formatPercent(1 - WORTHWHILE)} less table memory at the end of the trace. Replayed with a flush at each unmap.`,
  };
}
