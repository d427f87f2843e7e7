/**
 * Random maps and unmaps through every format, design, mode and semantics, against the brute-force oracle.
 * More runs: TABLEWALK_RUNS=20 npx vitest run domain.property (a new seed each time; a failure prints it, and
 * TABLEWALK_SEED repeats it).
 */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { DESIGNS } from '../../../test/support/designs.ts';
import { runs, sequence } from '../../../test/support/domain-arbitraries.ts';
import { checkSequence, knownFaults, type Setup } from '../../../test/support/domain-harness.ts';
import { FORMATS } from '../../../test/support/formats.ts';
import { DMA_PTE, GENERIC_PT, REPLAY } from '../../hw/pt/page-table.straight.ts';

const MINUTES = 60_000;

for (const { format, levels } of FORMATS) {
  describe(`${format.name}, ${levels} levels: what brute force says`, () => {
    for (const design of DESIGNS) {
      for (const lazy of [false, true]) {
        it(
          `holds for ${design.name}, ${lazy ? 'lazy' : 'strict'}`,
          () => {
            for (const semantics of [GENERIC_PT, DMA_PTE, REPLAY]) {
              for (const maxLeafLevel of [0, 1, 2]) {
                const plain: Setup = { format, levels, design, lazy, semantics, maxLeafLevel };
                const setup = { ...plain, tolerated: knownFaults(plain) };
                fc.assert(
                  fc.property(sequence({ levels, maxLeafLevel }, 22), (ops) => checkSequence(setup, ops)),
                  runs(1),
                );
              }
            }
          },
          30 * MINUTES,
        );
      }
    }
  });
}
