/** References of others, against a model that keeps the owner's and the others' apart: who drops the last one frees, and nobody before. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { World } from '../../base/world.ts';
import { ReferencedMemory } from './referenced-memory.ts';

type Act = 'get' | 'put' | 'owner';

function ran(acts: readonly Act[], counts: boolean): void {
  const memory = new ReferencedMemory(new World(), 4);
  const pfn = memory.allocFrame();
  if (counts) memory.addRefcount(pfn, 1);
  let owned = true;
  let others = 0;
  for (const act of acts) {
    const before = memory.isInUse(pfn);
    expect(before).toBe(owned || others > 0);
    if (act === 'get') {
      const got = memory.getUnlessZero(pfn);
      // A page that its owner gave back and others hold has a count all the same, but nobody finds it any more.
      expect(got).toBe(counts ? before : owned);
      if (got) others++;
    } else if (act === 'put' && others > 0) {
      others--;
      expect(memory.putReference(pfn)).toBe(!owned && others === 0);
    } else if (act === 'owner' && owned) {
      owned = false;
      // As a design that counts so does: freed by whoever comes to 0.
      if (!counts || memory.addRefcount(pfn, -1) === 0) memory.freeFrame(pfn);
    }
  }
  expect(memory.isInUse(pfn)).toBe(owned || others > 0);
}

describe('references to frames', () => {
  it.each([true, false])('keep a frame until the last is dropped; counted by the owner too: %s', (counts) => {
    const acts = fc.array(fc.constantFrom<Act>('get', 'put', 'owner'), { maxLength: 12 });
    fc.assert(
      fc.property(acts, (own) => ran(own, counts)),
      { numRuns: 300 },
    );
  });

  it('are not taken to a frame that is free or never was', () => {
    const memory = new ReferencedMemory(new World(), 4);
    expect(memory.getUnlessZero(1)).toBe(false);
    const pfn = memory.allocFrame();
    memory.freeFrame(pfn);
    expect(memory.getUnlessZero(pfn)).toBe(false);
  });
});
