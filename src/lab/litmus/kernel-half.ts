/** Designs of kernel tables, in every scenario. Verdicts are the checker's, and stored (stored.ts). */
import { KERNEL_TABLES } from '../../designs/index.ts';
import type { MatrixEntry } from './scenario.ts';
import { KERNEL_TABLE_SCENARIOS } from './scenarios/kernel-tables.ts';
import { storedTest } from './stored.ts';

export const KERNEL_HALF: readonly MatrixEntry[] = KERNEL_TABLE_SCENARIOS.flatMap((scenario) =>
  KERNEL_TABLES.map((design) => storedTest(scenario, 'kernel-tables', design.name, [design])),
);
