/**
 * The claims of the thread free-empty-page-tables (20 and 21 December 2023), each judged by what this lab has measured. No
 * verdict is written down anywhere: each is computed, and one whose runs are missing says so.
 */
import type { Claim } from '../report/page.ts';
import {
  flushesAreUnchanged,
  lowOverhead,
  mostlyReader,
  perTableScales,
  refcountIsSafe,
  writerToUnlink,
} from './cost-claims.ts';
import type { Measurements } from './findings.ts';
import { baseKeeps, freesOnUnmaps, patchKeepsNothing, realTraceGains, todayNeverFrees } from './memory-claims.ts';

export type { Measurements } from './findings.ts';

/** In the order in which the thread comes to them. */
const CLAIMS: readonly ((measured: Measurements) => Claim)[] = [
  freesOnUnmaps,
  baseKeeps,
  patchKeepsNothing,
  lowOverhead,
  mostlyReader,
  writerToUnlink,
  perTableScales,
  flushesAreUnchanged,
  refcountIsSafe,
  todayNeverFrees,
  realTraceGains,
];

export function threadClaims(measured: Measurements): readonly Claim[] {
  return CLAIMS.map((claim) => claim(measured));
}
