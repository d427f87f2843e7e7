import { describe, expect, it } from 'vitest';
import type { IovaStressResult, IovaStressRun } from '../../sim/workloads/iova-stress-result.ts';
import type { ReplayResult } from '../replay/result.ts';
import type { Holds } from '../report/page.ts';
import { sampleIovaStress, sampleReplay } from '../report/sample.ts';
import { threadClaims } from './claims.ts';
import { BASE, PATCH } from './findings.ts';

type Change = (run: IovaStressRun) => Partial<IovaStressRun>;

/** The sample with the 4 KiB runs of one design changed. */
function changed(design: string, change: Change): IovaStressResult {
  const sample = sampleIovaStress();
  const edit = (run: IovaStressRun) =>
    run.design === design && run.dmaBytes === 4096 ? { ...run, ...change(run) } : run;
  return { ...sample, runs: sample.runs.map(edit), lazyRuns: sample.lazyRuns.map(edit) };
}

function holds(words: string, iovaStress: IovaStressResult, replay: ReplayResult = noTrace): Holds | undefined {
  const claims = threadClaims({ iovaStress, replay, seconds: new Map() });
  return claims.find(({ claim }) => claim.includes(words))?.holds;
}

const noTrace: ReplayResult = { schema: 1, command: 'replay', files: [], events: {} };

describe('the claims of the thread', () => {
  it('are judged by numbers: other numbers, another verdict', () => {
    const left = 'leave 32 GiB';
    expect(holds(left, sampleIovaStress())).toBe('yes');
    expect(
      holds(
        left,
        changed(BASE, () => ({ tableBytesEnd: 30_000 * 2 ** 20 })),
      ),
    ).toBe('no');

    const nothing = 'nothing is left';
    expect(holds(nothing, sampleIovaStress())).toBe('yes');
    expect(
      holds(
        nothing,
        changed(PATCH, () => ({ tableBytesEnd: 2 ** 21 })),
      ),
    ).toBe('no');

    const both = 'both flush modes';
    expect(holds(both, sampleIovaStress())).toBe('partly');
    expect(
      holds(
        both,
        changed(PATCH, () => ({ tableBytesEnd: 4096 })),
      ),
    ).toBe('yes');
    expect(
      holds(
        both,
        changed(PATCH, () => ({ tableBytesEnd: 2 ** 35 })),
      ),
    ).toBe('no');
  });

  it('call an overhead low by its ratio, or partly by what it adds to a pair', () => {
    const overhead = 'overhead is low';
    const base = sampleIovaStress().runs.find((run) => run.design === BASE)!.seconds;
    const slower = (seconds: number) => changed(PATCH, () => ({ seconds }));
    expect(holds(overhead, slower(base * 1.04))).toBe('yes');
    expect(holds(overhead, slower(base + 1))).toBe('partly');
    expect(holds(overhead, slower(base + 2))).toBe('no');
  });

  it('count takings of the lock', () => {
    const locks = (readLocks: number, writeLocks: number) => changed(PATCH, () => ({ readLocks, writeLocks }));
    expect(holds('as a reader', locks(95, 5))).toBe('yes');
    expect(holds('as a reader', locks(60, 40))).toBe('partly');
    expect(holds('as a reader', locks(40, 60))).toBe('no');
    expect(
      holds(
        'only to unlink',
        changed(PATCH, (run) => ({ writeLocks: run.tablesFreed })),
      ),
    ).toBe('yes');
    expect(
      holds(
        'only to unlink',
        changed(PATCH, (run) => ({ writeLocks: 2 * run.tablesFreed })),
      ),
    ).toBe('no');
  });

  it('look at flushes: more of them, or wider ones', () => {
    const same = changed(PATCH, () => ({ flushEnlargedPages: 0 }));
    expect(holds('no flush beyond', same)).toBe('yes');
    expect(
      holds(
        'no flush beyond',
        changed(PATCH, () => ({ flushEnlargedPages: 1 })),
      ),
    ).toBe('partly');
    expect(
      holds(
        'no flush beyond',
        changed(PATCH, (run) => ({ flushes: run.flushes + 1 })),
      ),
    ).toBe('no');
  });

  it('ask real traces whether memory comes back', () => {
    const replay = sampleReplay();
    const [file] = replay.files;
    const ends = (bytes: Record<string, number>): ReplayResult => ({
      ...replay,
      files: [
        { ...file!, designs: file!.designs.map((cost) => ({ ...cost, tableBytesEnd: bytes[cost.design] ?? 0 })) },
      ],
    });
    const returned = 'memory back on a real workload';
    expect(holds(returned, sampleIovaStress(), ends({ 'covered-range': 100, 'refcount-rwlock': 50 }))).toBe('yes');
    expect(holds(returned, sampleIovaStress(), ends({ 'covered-range': 100, 'refcount-rwlock': 95 }))).toBe('no');
    expect(holds(returned, sampleIovaStress())).toBe('not-measured');
  });

  it('are not judged without the runs, nor at another size than the thread’s', () => {
    const sample = sampleIovaStress();
    for (const claim of threadClaims({
      iovaStress: { ...sample, runs: [], lazyRuns: [] },
      replay: noTrace,
      seconds: new Map(),
    })) {
      expect(claim.holds).toBe('not-measured');
    }
    expect(holds('leave 32 GiB', { ...sample, spaceTiB: 1 })).toBe('not-measured');
  });
});
