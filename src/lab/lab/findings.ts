/** What the claims are judged by: the measurements of one lab, with the look-ups that every claim needs. */
import type { IovaStressResult, IovaStressRun } from '../../sim/workloads/iova-stress-result.ts';
import type { DesignCost, ReplayFile, ReplayResult } from '../replay/result.ts';
import type { Claim, Holds } from '../report/page.ts';

export interface Measurements {
  readonly iovaStress: IovaStressResult;
  /** All times measured by design, in strict mode, 4 KiB of DMA: the spread behind the kept one. */
  readonly seconds: ReadonlyMap<string, readonly number[]>;
  readonly replay: ReplayResult;
}

/** The thread's patch as posted, and what it is compared with. */
export const PATCH = 'refcount-rwlock';
export const BASE = 'never';
export const TODAY = 'covered-range';

export function strictRun(measured: Measurements, design: string): IovaStressRun | undefined {
  return measured.iovaStress.runs.find((run) => run.design === design && run.dmaBytes === 4096);
}

export function lazyRun(measured: Measurements, design: string): IovaStressRun | undefined {
  return measured.iovaStress.lazyRuns.find((run) => run.design === design && run.dmaBytes === 4096);
}

export function strictCost(file: ReplayFile, design: string): DesignCost | undefined {
  return file.designs.find((cost) => cost.design === design && cost.mode === 'strict');
}

/** Of each replayed trace, the costs of two designs. */
export function tracePairs(
  measured: Measurements,
  first: string,
  second: string,
): readonly { readonly file: string; readonly first: DesignCost; readonly second: DesignCost }[] {
  return measured.replay.files.flatMap((file) => {
    const [one, other] = [strictCost(file, first), strictCost(file, second)];
    return one === undefined || other === undefined ? [] : [{ file: traceName(file), first: one, second: other }];
  });
}

/** The name of a bundled trace without folder and endings. */
export function traceName(file: ReplayFile): string {
  return (file.file.split(/[\\/]/).at(-1) ?? file.file)
    .replace(/\.gz$/, '')
    .replace(/\.txt$/, '')
    .replace(/\.trace$/, '');
}

/** `yes` when all are, `no` when none is. */
export function allOrSome(facts: readonly boolean[]): Holds {
  if (facts.length === 0) return 'not-measured';
  if (facts.every(Boolean)) return 'yes';
  return facts.some(Boolean) ? 'partly' : 'no';
}

export function notMeasured(claim: string, thread: string): Claim {
  return { claim, thread, measured: 'the runs that this needs were not done', holds: 'not-measured', note: '' };
}
