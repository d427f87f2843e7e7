/** All programs with known counts. */
import type { Counted } from './counted.ts';
import { CRITICAL_SECTIONS } from './critical-sections.ts';
import { DATA_DEPENDENT } from './data-dependent.ts';
import { EXCHANGES } from './exchanges.ts';
import { MUTUAL_EXCLUSION } from './mutual-exclusion.ts';
import { READS_AND_WRITES } from './reads-and-writes.ts';

export { type Counted, testOf } from './counted.ts';

export const COUNTED: readonly Counted[] = [
  ...READS_AND_WRITES,
  ...EXCHANGES,
  ...CRITICAL_SECTIONS,
  ...MUTUAL_EXCLUSION,
  ...DATA_DEPENDENT,
];
