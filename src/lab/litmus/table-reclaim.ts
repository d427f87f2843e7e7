/** Designs of table reclaim, in every scenario. Verdicts are the checker's, and stored (stored.ts). */
import { TABLE_RECLAIM_FAMILY } from '../../designs/index.ts';
import type { MatrixEntry } from './scenario.ts';
import { TABLE_RECLAIM_SCENARIOS } from './scenarios/table-reclaim.ts';
import { storedTest } from './stored.ts';

export const RECLAIM: readonly MatrixEntry[] = TABLE_RECLAIM_SCENARIOS.flatMap((scenario) =>
  TABLE_RECLAIM_FAMILY.map((design) => storedTest(scenario, 'table-reclaim', design.name, [design])),
);
