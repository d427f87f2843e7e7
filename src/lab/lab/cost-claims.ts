/** What the thread said about time, locks and flushes, beside what was timed and counted. */
import { threadBase, threadPatched } from '../report/iova-stress-sections.ts';
import type { Claim, Holds } from '../report/page.ts';
import { formatBytes, formatCount, formatPercent, formatRatio, formatSeconds } from '../report/units.ts';
import { BASE, type Measurements, notMeasured, PATCH, strictCost, strictRun, traceName } from './findings.ts';

/** Pairs of the thread's run: 16 TiB in steps of 2 MiB. */
const THREAD_PAIRS = 2 ** 23;
const MOSTLY = 0.1;

export function lowOverhead(measured: Measurements): Claim {
  const claim = 'The overhead is low';
  const threadRatio = threadPatched.seconds / threadBase.seconds;
  const threadAdded = (threadPatched.seconds - threadBase.seconds) / THREAD_PAIRS;
  const thread = `“It intends to be a low overhead feature”: ${formatSeconds(threadBase.seconds)} against ${formatSeconds(threadPatched.seconds)}, ${formatRatio(threadRatio)}, ${formatSeconds(threadAdded)} more a pair`;
  const [base, patch] = [strictRun(measured, BASE), strictRun(measured, PATCH)];
  if (base === undefined || patch === undefined || base.seconds === 0) return notMeasured(claim, thread);
  const ratio = patch.seconds / base.seconds;
  const added = (patch.seconds - base.seconds) / patch.pairs;
  const others = measured.iovaStress.runs
    .filter((run) => run.dmaBytes === 4096 && run.design !== BASE && run.design !== PATCH)
    .map((run) => `${run.design} ${formatRatio(run.seconds / base.seconds)}`);
  return {
    claim,
    thread,
    measured: `${PATCH} ${formatRatio(ratio)}, ${formatSeconds(added)} more a pair (${spread(measured)}); ${others.join(', ')}`,
    holds: overheadHolds(ratio, added, threadRatio, threadAdded),
    note: 'Not the same measure: the thread’s seconds hold the system call, the IOVA bookkeeping, the driver and the hardware’s flush, ours the page tables alone, so that the same added work is a larger share here. Besides, never, covered-range and lazy-prune take a fast path here, and the designs that count each entry, as the patch does, cannot. “partly” means that it adds no more time a pair than it did in the thread, though the ratio is higher.',
  };
}

function overheadHolds(ratio: number, added: number, threadRatio: number, threadAdded: number): Holds {
  if (ratio <= threadRatio) return 'yes';
  return added <= threadAdded ? 'partly' : 'no';
}

/** The least and the greatest time of each: a ratio is no better than what it is made of. */
function spread(measured: Measurements): string {
  const [patch, base] = [PATCH, BASE].map((design) => measured.seconds.get(design) ?? []);
  if (patch === undefined || base === undefined || patch.length < 2 || base.length < 2) return 'one run each';
  const [ours, theirs] = [patch, base].map(
    (all) => `${formatSeconds(Math.min(...all))} to ${formatSeconds(Math.max(...all))}`,
  );
  return `${ours} against ${theirs}, ${Math.min(patch.length, base.length)} runs each`;
}

export function mostlyReader(measured: Measurements): Claim {
  const claim = 'Most of the time the lock is held as a reader';
  const thread = '“most of time the lock is held is reader”';
  const shares = lockTakings(measured);
  if (shares.length === 0) return notMeasured(claim, thread);
  const worst = Math.max(...shares.map(({ share }) => share));
  return {
    claim,
    thread,
    measured: shares.map(({ text }) => text).join('; '),
    holds: worst <= MOSTLY ? 'yes' : worst < 0.5 ? 'partly' : 'no',
    note: `Takings are counted, not the time between them. “yes” would be at most ${formatPercent(MOSTLY)} for writing, “no” half of them. The worst case counts: the thread’s own benchmark empties a table with every unmap.`,
  };
}

interface Takings {
  readonly share: number;
  readonly text: string;
}

function lockTakings(measured: Measurements): readonly Takings[] {
  const run = strictRun(measured, PATCH);
  const traces = measured.replay.files.map((file) => ({ name: traceName(file), cost: strictCost(file, PATCH) }));
  return [{ name: 'iova_stress', cost: run }, ...traces].flatMap(({ name, cost }) => {
    if (cost === undefined || cost.readLocks + cost.writeLocks === 0) return [];
    const share = cost.writeLocks / (cost.readLocks + cost.writeLocks);
    const counts = `${formatCount(cost.readLocks)} for reading, ${formatCount(cost.writeLocks)} for writing`;
    return [{ share, text: `${name}: ${counts}, ${formatPercent(share)} for writing` }];
  });
}

export function writerToUnlink(measured: Measurements): Claim {
  const claim = 'The lock is taken as a writer only to unlink a table that is larger than the request';
  const thread =
    '“held as a writer for short period of time when unmapping a page that is bigger than the current iova request. For all other cases this lock is read-only.”';
  const run = strictRun(measured, PATCH);
  if (run === undefined) return notMeasured(claim, thread);
  const each = run.writeLocks / run.pairs;
  return {
    claim,
    thread,
    measured: `${formatCount(run.writeLocks)} write locks for ${formatCount(run.tablesFreed)} tables freed, ${formatCount(each)} for each unmap of 4 KiB`,
    holds: run.writeLocks === run.tablesFreed ? 'yes' : run.writeLocks < 1.1 * run.tablesFreed ? 'partly' : 'no',
    note: 'One write lock for each table unlinked, and none besides. In this benchmark each unmap empties its leaf table and those above, up to the root: the exception is the rule.',
  };
}

export function perTableScales(measured: Measurements): Claim {
  const claim = 'A lock in each table would scale better';
  const thread = '“A more scalable solution would be to spread read/writer lock per-page table”';
  const [patch, own, base] = [PATCH, 'per-table-lock', BASE].map((design) => strictRun(measured, design));
  if (patch === undefined || own === undefined || base === undefined || base.seconds === 0)
    return notMeasured(claim, thread);
  return {
    claim,
    thread,
    measured: `on one CPU ${formatRatio(own.seconds / base.seconds)} of never freeing, against ${formatRatio(patch.seconds / base.seconds)} with one lock; ${formatCount(own.writeLocks)} exclusive takings spread over the tables, against ${formatCount(patch.writeLocks)} of the one lock`,
    holds: 'not-measured',
    note: 'What scales shows with several CPUs in contention, which this lab does not run. On one CPU the lock in each table costs its takings: parent and child for each unlinking, and one for each level of a walk.',
  };
}

export function flushesAreUnchanged(measured: Measurements): Claim {
  const claim = 'Freeing costs no flush beyond the unmap’s own';
  const thread = 'Not said; the seconds of the thread hold whatever its flushes cost';
  const [base, patch] = [strictRun(measured, BASE), strictRun(measured, PATCH)];
  if (base === undefined || patch === undefined || patch.flushes === 0) return notMeasured(claim, thread);
  const enlarged = measured.iovaStress.runs
    .filter((run) => run.dmaBytes === 4096 && run.flushes > 0)
    .map((run) => `${run.design} ${formatBytes((run.flushEnlargedPages / run.flushes) * 4096)}`);
  const wider = patch.flushEnlargedPages > base.flushEnlargedPages;
  return {
    claim,
    thread,
    measured: `${formatCount(patch.flushes)} flushes with the patch, ${formatCount(base.flushes)} without; each reaches beyond the request by, on average: ${enlarged.join(', ')}`,
    holds: patch.flushes > base.flushes ? 'no' : wider ? 'partly' : 'yes',
    note: 'The patch rounds the range to the span of the highest entry that it cleared. So wide a range is no longer flushed by page: other mappings of the domain lose their cached translations with it, a cost that no number of the thread shows.',
  };
}

export function refcountIsSafe(measured: Measurements): Claim {
  const [one, other] = [strictRun(measured, PATCH), strictRun(measured, 'mapcount-rwlock')];
  const times =
    one === undefined || other === undefined || one.seconds === 0
      ? ''
      : `; the count in _mapcount instead takes ${formatRatio(other.seconds / one.seconds)} of the time`;
  return {
    claim: 'The page’s reference count may serve as the count of entries',
    thread: '“You can’t use refcount for your purpose” (Matthew Wilcox); others may raise it for a moment',
    measured: `nobody else takes references in these runs${times}`,
    holds: 'not-measured',
    note: 'What happens when others do is a question about interleavings, for a checker and not for a benchmark.',
  };
}
