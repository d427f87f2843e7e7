/** Designs of mirrors, in every scenario. Verdicts are the checker's, and stored (stored.ts). */
import { MIRROR } from '../../designs/index.ts';
import type { MatrixEntry } from './scenario.ts';
import { MIRROR_SCENARIOS } from './scenarios/mirror.ts';
import { storedTest } from './stored.ts';

export const MIRRORS: readonly MatrixEntry[] = MIRROR_SCENARIOS.flatMap((scenario) =>
  MIRROR.map((design) => storedTest(scenario, 'mirror', design.name, [design])),
);
