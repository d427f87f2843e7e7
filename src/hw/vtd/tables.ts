/** Entries and descriptors written by the names of their fields: for set-ups of tests, and for software in litmus tests. */
import { assert } from '../../base/assert.ts';
import { highHalf, lowHalf } from '../../base/halves.ts';
import { encode, type Fields, type Layout } from '../../base/layout.ts';
import type { VtdMemory } from './memory.ts';

/**
 * Stores an entry, 64 bits after the other, from word `index` of a frame on. Fields that are not named are zero. A field's number is
 * its bits: a frame number where they are an address from bit 12 on, one of 2 MiB or 1 GiB in the leaf of such a page, of 4 bytes in
 * STATUS_ADDR. One access for each 64 bits: in a program for the checker `yield ATOMIC;` before, or outside threads.
 *
 * @throws InvariantError when the entry does not lie within the frame.
 */
export function writeEntry<F extends Fields>(
  memory: VtdMemory,
  frame: number,
  index: number,
  table: Layout<F>,
  values: { readonly [K in keyof F]?: bigint | number },
): void {
  assert(
    index >= 0 && index + table.bits / 64 <= 512,
    () => `${table.name} at word ${index} does not lie within a frame of 512`,
  );
  const raw = encode(table, values);
  for (let word = 0; word < table.bits / 64; word++) {
    const part = raw >> BigInt(64 * word);
    memory.store(frame, index + word, lowHalf(part), highHalf(part));
  }
}
