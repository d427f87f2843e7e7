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

/** All formats, and those that have fast paths once more without them. */
const VARIANTS = FORMATS.flatMap((one) => [
  { ...one, fastPaths: true },
  ...(one.levels === 4 ? [{ ...one, fastPaths: false }] : []),
]);

for (const { format, levels, fastPaths } of VARIANTS) {
  const paths = fastPaths ? '' : ', general paths alone';
  describe(`${format.name}, ${levels} levels${paths}: what brute force says`, () => {
    for (const design of DESIGNS) {
      for (const lazy of [false, true]) {
        it(
          `holds for ${design.name}, ${lazy ? 'lazy' : 'strict'}`,
          () => {
            for (const semantics of [GENERIC_PT, DMA_PTE, REPLAY]) {
              for (const maxLeafLevel of [0, 1, 2]) {
                const plain: Setup = { format, levels, design, lazy, semantics, maxLeafLevel, fastPaths };
                const setup = { ...plain, tolerated: knownFaults(plain) };
                fc.assert(
                  fc.property(sequence({ levels, maxLeafLevel }, 18), (ops) => checkSequence(setup, ops)),
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
