/** Designs of external TLBs, in every scenario. Verdicts are the checker's, and stored (stored.ts). */
import { EXTERNAL_TLB } from '../../designs/index.ts';
import type { MatrixEntry } from './scenario.ts';
import { EXTERNAL_SCENARIOS } from './scenarios/external.ts';
import { storedTest } from './stored.ts';

export const EXTERNAL: readonly MatrixEntry[] = EXTERNAL_SCENARIOS.flatMap((scenario) =>
  EXTERNAL_TLB.map((design) => storedTest(scenario, 'external-tlb', design.name, [design])),
);
