/** Designs of table reclaim, in every scenario. Verdicts are the checker's, and stored (stored.ts). */
import { TABLE_RECLAIM_FAMILY } from '../../designs/index.ts';
import type { MatrixEntry } from './scenario.ts';
import { RECLAIM_ADVERSARIES } from './scenarios/reclaim-adversaries.ts';
import { TABLE_RECLAIM_SCENARIOS } from './scenarios/table-reclaim.ts';
import { storedTest } from './stored.ts';

export const RECLAIM: readonly MatrixEntry[] = [...TABLE_RECLAIM_SCENARIOS, ...RECLAIM_ADVERSARIES].flatMap(
  (scenario) => TABLE_RECLAIM_FAMILY.map((design) => storedTest(scenario, 'table-reclaim', design.name, [design])),
);
