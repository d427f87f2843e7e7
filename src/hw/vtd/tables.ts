/** Entries and descriptors written by the names of their fields: for set-ups of tests, and for software in litmus tests. */
import { encode, type Fields, type Layout } from '../../base/layout.ts';
import type { VtdMemory } from './memory.ts';

/**
 * Stores an entry, 64 bits after the other, from word `index` of a frame on. Fields that are not named are zero; those that hold an
 * address take a frame number. One access for each 64 bits: in a program for the checker `yield ATOMIC;` before, or outside threads.
 */
export function writeEntry<F extends Fields>(
  memory: VtdMemory,
  frame: number,
  index: number,
  table: Layout<F>,
  values: { readonly [K in keyof F]?: bigint | number },
): void {
  const raw = encode(table, values);
  for (let word = 0; word < table.bits / 64; word++) {
    const part = raw >> BigInt(64 * word);
    memory.store(frame, index + word, Number(BigInt.asIntN(32, part)), Number(BigInt.asIntN(32, part >> 32n)));
  }
}
