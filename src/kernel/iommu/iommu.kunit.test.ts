/**
 * The cases of the kernel's "iommu_test" (drivers/iommu/generic_pt/kunit_iommu_pt.h, linux 6.19), by name and in our words,
 * over every format. The upper half of the sign-extended x86-64 address space is not modelled.
 */
import { describe, expect, it } from 'vitest';
import { FORMATS } from '../../../test/support/formats.ts';
import { alignedFrame, KunitDomain, LEAF_LEVELS, TEST_FRAME, withDomain } from '../../../test/support/kunit-domain.ts';
import { createRandom } from '../../base/random.ts';
import { EADDRINUSE } from '../../hw/pt/page-table.straight.ts';

const GIB = 2 ** 18;

function span(level: number): number {
  return 512 ** level;
}

/** First pages of one leaf of each size, one after the other, each aligned. */
function onePageOfEachSize(): { page: number; level: number }[] {
  let next = 256;
  return LEAF_LEVELS.map((level) => {
    const page = Math.ceil(next / span(level)) * span(level);
    next = page + span(level);
    return { page, level };
  });
}

for (const { format, levels } of FORMATS) {
  describe(`iommu_test ${format.name}, ${levels} levels`, () => {
    it.skip('test_increase_level: our tables do not grow a new top (PT_FEAT_DYNAMIC_TOP is AMDv1 and mock only; the kernel skips this here too)', () => {});

    it('test_map_simple: every page size maps, translates and unmaps', () => {
      withDomain(format, levels, (one) => {
        const sizes = onePageOfEachSize();
        for (const { page, level } of sizes) {
          one.doMap(page, alignedFrame(TEST_FRAME, level), span(level));
          one.checkIova(page, alignedFrame(TEST_FRAME, level), span(level));
        }
        expect(one.countValids()).toEqual([1, 1, 1]);
        for (const { page, level } of sizes) one.doUnmap(page, span(level));
        expect(one.countValids()).toEqual([0, 0, 0]);
      });
    });

    it('test_map_table_to_oa: a large page takes the place of emptied tables', () => {
      withDomain(format, levels, (one) => {
        for (const level of LEAF_LEVELS) {
          const first = alignedFrame(TEST_FRAME, 2);
          // Smaller pages only: a frame that is aligned to this size and no larger one.
          const frame = level === 2 ? first : first + span(level);
          // The kernel maps leaf by leaf; 64 small ones at a time are enough here.
          const each = level === 0 ? 64 : span(level);
          for (let offset = 0; offset < GIB; offset += each) one.doMap(GIB + offset, frame + offset, each);
          one.checkIova(GIB, frame, GIB);
          const valids = [0, 0, 0];
          valids[level] = GIB / span(level);
          expect(one.countValids()).toEqual(valids);
          if (level === 2) {
            one.doUnmap(GIB, GIB);
          } else {
            one.doUnmap(GIB, GIB / 2);
            for (let offset = GIB / 2; offset < GIB; offset += each) one.doUnmap(GIB + offset, each);
          }
          expect(one.countValids()).toEqual([0, 0, 0]);
        }
        // The 1 GiB leaf replaced what the smaller ones had left.
        expect(one.memory.framesInUse).toBe(levels - 2);
      });
    });

    it('test_unmap_split: an unmap of a small page at the start of a large one removes the large one, and no more', () => {
      for (const small of LEAF_LEVELS) {
        for (const large of LEAF_LEVELS.filter((level) => level > small)) {
          withDomain(format, levels, (one) => {
            one.doMap(0, 0, span(large));
            expect(one.unmap(0, span(small))).toBe(span(large));
            one.doMap(0, 0, span(large));
            one.doMap(span(large), 0, span(large));
            expect(one.unmap(0, span(small))).toBe(span(large));
            expect(one.translate(span(large))).toBe(0);
            // One that starts inside is refused.
            expect(one.unmap(span(large) + span(small), span(small))).toBe(0);
            expect(one.unmap(span(large), span(large))).toBe(span(large));
            expect(one.countValids()).toEqual([0, 0, 0]);
          });
        }
      }
    });

    it('test_random_map: 1000 random ranges over 1 GiB, those in the way unmapped first', () => {
      const one = new KunitDomain(format, levels);
      randomMaps(one, 1000, createRandom(levels * 1000 + format.name.length));
      expect(one.countValids()).toEqual([0, 0, 0]);
      one.destroy();
    });

    it('test_pgsize_boundary: a range that ends just below a boundary', () => {
      withDomain(format, levels, (one) => {
        const [start, last, frame] = [0xfef80, 0xfef9f, 0x208b95d];
        one.doMap(start, frame, last - start + 1);
        one.checkIova(start, frame, last - start + 1);
      });
    });

    it('test_mixed: 14 pages of 2 MiB, 3 of 1 GiB, 3 of 2 MiB', () => {
      withDomain(format, levels, (one) => {
        const [start, end] = [0x3fe400, 0x4c0600];
        one.doMap(start, start, end - start);
        const valids = one.countValids();
        expect(valids).toEqual([0, 17, 3]);
        expect(valids.reduce((sum, count) => sum + count)).toBe(20);
        one.checkIova(start, start, end - start);
        const sizes: number[] = [];
        for (let page = start; page < end; ) {
          const leaf = one.leafAt(page);
          sizes.push(leaf?.level ?? -1);
          page += span(leaf?.level ?? 9);
        }
        expect(sizes).toEqual([...Array(14).fill(1), 2, 2, 2, 1, 1, 1]);
      });
    });
  });
}

/** Ranges by first page, disjoint: the kernel's maple tree. */
function randomMaps(one: KunitDomain, count: number, random: { below(bound: number): number }): void {
  const mapped = new Map<number, number>();
  const unmapCollisions = (start: number, end: number) => {
    for (const [page, pages] of mapped) {
      if (page >= end || page + pages <= start) continue;
      one.checkIova(page, page, pages);
      one.doUnmap(page, pages);
      mapped.delete(page);
    }
  };
  let refused = 0;
  for (let i = 0; i < count; i++) {
    const start = random.below(GIB);
    const end = start + 1 + random.below(Math.min(GIB - start, i % 3 === 0 ? GIB : 4096));
    const status = one.tryMap(start, start, end - start);
    if (status !== 0) {
      refused++;
      expect(status).toBe(EADDRINUSE);
      unmapCollisions(start, end);
      one.doMap(start, start, end - start);
    }
    mapped.set(start, end - start);
    one.checkIova(start, start, end - start);
    expect(one.translate(end)).toBe([...mapped].some(([page, pages]) => end >= page && end < page + pages) ? end : -1);
  }
  expect(refused).toBeGreaterThan(count / 10);
  unmapCollisions(0, 2 * GIB);
}
