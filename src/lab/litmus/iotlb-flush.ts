/** Designs of the IOTLB flush, in every scenario. Verdicts are the checker's, and stored (stored.ts). */
import { IOTLB_FLUSH } from '../../designs/index.ts';
import type { MatrixEntry } from './scenario.ts';
import { IOTLB_FLUSH_SCENARIOS } from './scenarios/iotlb-flush.ts';
import { storedTest } from './stored.ts';

export const DMA: readonly MatrixEntry[] = IOTLB_FLUSH_SCENARIOS.flatMap((scenario) =>
  IOTLB_FLUSH.map((design) => storedTest(scenario, 'iotlb-flush', design.name, [design])),
);
