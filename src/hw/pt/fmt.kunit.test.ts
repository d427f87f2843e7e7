/**
 * The cases of the kernel's "fmt_test" (drivers/iommu/generic_pt/kunit_generic_pt.h, linux 6.19), by name and in our
 * words, over every format: single entries, level arithmetic, the choice of page sizes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectedLeaf, expectedTable, word } from '../../../test/support/expected-entries.ts';
import { FORMATS } from '../../../test/support/formats.ts';
import { alignedFrame, LEAF_LEVELS, READ_WRITE, TEST_FRAME, withDomain } from '../../../test/support/kunit-domain.ts';
import { decode, reservedBitsSet } from '../../base/layout.ts';
import {
  addressHi,
  addressLo,
  IOMMU_READ,
  IOMMU_WRITE,
  indexAt,
  offsetInSpan,
  outputPfn,
  spanPages,
  tablePfn,
} from './format.ts';
import { readAndClearDirty, setDirty, visitEntries } from './walk.straight.ts';

const LAST_FRAME = 2 ** 40 - 1;
const page45 = fc.maxSafeNat().map((value) => value % 2 ** 45);

for (const { format, levels } of FORMATS) {
  describe(`fmt_test ${format.name}, ${levels} levels`, () => {
    it('test_init: a new table has a root, which is empty', () => {
      withDomain(format, levels, (one) => {
        expect(one.memory.framesInUse).toBe(1);
        expect(one.countValids()).toEqual([0, 0, 0]);
        expect(one.translate(0)).toBe(-1);
      });
    });

    it('test_bitops: indexes, spans and address halves agree with arithmetic on big integers', () => {
      fc.assert(
        fc.property(page45, fc.nat(4), (page, level) => {
          const shift = BigInt(9 * level);
          expect(indexAt(page, level)).toBe(Number((BigInt(page) >> shift) & 511n));
          expect(offsetInSpan(page, level)).toBe(Number(BigInt(page) & ((1n << shift) - 1n)));
          expect(spanPages(level)).toBe(Number(1n << shift));
          const frame = page % 2 ** 40;
          const address = BigInt(frame) << 12n;
          expect(word(addressLo(frame), addressHi(frame))).toBe(address);
          expect(outputPfn(addressLo(frame), addressHi(frame))).toBe(frame);
        }),
        { seed: 1 },
      );
    });

    it('test_best_pgsize: the first leaf is the largest that both addresses and the size allow', () => {
      const top = Math.min(2, levels - 1);
      const exponent = fc.nat(19);
      const odd = fc.nat(7).map((value) => 2 * value + 1);
      const parts = {
        pageLg2: exponent,
        pageOdd: odd,
        frameLg2: exponent,
        frameOdd: odd,
        sizeLg2: exponent,
        more: fc.nat(3),
      };
      fc.assert(
        fc.property(fc.record(parts), ({ pageLg2, pageOdd, frameLg2, frameOdd, sizeLg2, more }) => {
          const page = pageOdd * 2 ** pageLg2;
          const frame = frameOdd * 2 ** frameLg2;
          const pages = Math.min(2 ** sizeLg2 + more, 2 ** 18 + 3);
          // Only the first leaf is asked for; what follows would take long for badly aligned gigabytes.
          const expected = [2, 1, 0].find((level) => {
            const span = spanPages(level);
            return level <= top && page % span === 0 && frame % span === 0 && pages >= span;
          });
          fc.pre(expected !== 0 || pages <= 3000);
          withDomain(format, levels, (one) => {
            one.doMap(page, frame, pages);
            expect(one.leafAt(page)?.level).toBe(expected);
          });
        }),
        { seed: 2, numRuns: 60 },
      );
    });

    it('test_table_ptr: the frame of a table comes back out of its entry', () => {
      for (const frame of [1, 0xfffff, 0x100000, 0x7fffffff]) {
        const entry = expectedTable(format, frame);
        const lo = Number(BigInt.asIntN(32, entry));
        const hi = Number(BigInt.asIntN(32, entry >> 32n));
        expect(tablePfn(lo, hi)).toBe(frame);
        expect(lo).toBe(addressLo(frame) | format.tableLo);
        expect(hi).toBe(addressHi(frame));
        expect(reservedBitsSet(format.layouts.table, entry)).toEqual([]);
        expect(decode(format.layouts.table, entry).PS).toBe(0n);
      }
    });

    it('test_max_va: the last page is mapped, the one after it refused', () => {
      withDomain(format, levels, (one) => {
        expect(one.pageLimit).toBe(2 ** (9 * levels));
        one.doMap(one.pageLimit - 1, TEST_FRAME, 1);
        expect(one.translate(one.pageLimit - 1)).toBe(TEST_FRAME);
        expect(one.translate(one.pageLimit)).toBe(-1);
        expect(one.tryMap(one.pageLimit, TEST_FRAME, 1)).toBe(-34);
        expect(one.tryMap(one.pageLimit - 1, TEST_FRAME, 2)).toBe(-34);
        expect(one.unmap(one.pageLimit, 1)).toBe(0);
      });
    });

    it('test_table_radix: the levels decode every bit of the address, each bit once', () => {
      withDomain(format, levels, (one) => {
        // A page in each table of the path that differs in one level's index only.
        const pages = [0];
        for (let level = 0; level < levels; level++) pages.push(spanPages(level), 511 * spanPages(level));
        pages.forEach((page, i) => {
          one.doMap(page, 1000 + i, 1);
        });
        pages.forEach((page, i) => {
          expect(one.translate(page)).toBe(1000 + i);
        });
        expect(one.countValids()[0]).toBe(pages.length);
        let bits = 0;
        for (let level = 0; level < levels; level++) bits += Math.log2(spanPages(level + 1) / spanPages(level));
        expect(2 ** bits).toBe(one.pageLimit);
      });
    });

    it('test_entry_possible_sizes: 4 KiB, 2 MiB and 1 GiB, one to a level, none above', () => {
      withDomain(format, levels, (one) => {
        expect(format.layouts.leaf).toHaveLength(LEAF_LEVELS.length);
        // 1 TiB, as aligned as can be: 1 GiB leaves, or with fewer levels what fits.
        const pages = Math.min(2 ** 28, one.pageLimit);
        one.doMap(0, 0, pages);
        expect(one.countValids()).toEqual([0, 0, pages / 2 ** 18]);
        one.doUnmap(0, pages);
      });
    });

    it('test_entry_oa: each leaf size stores every output address', () => {
      for (const level of LEAF_LEVELS) {
        for (const frame of [TEST_FRAME, 0, LAST_FRAME, 0xfffff, 2 ** 31, 2 ** 32 - 1]) {
          const oa = alignedFrame(frame, level);
          withDomain(format, levels, (one) => {
            one.doMap(spanPages(level), oa, spanPages(level));
            const leaf = one.leafAt(spanPages(level));
            expect(leaf?.level).toBe(level);
            const entry = word(leaf?.lo ?? 0, leaf?.hi ?? 0);
            expect(entry).toBe(expectedLeaf(format, level, oa, READ_WRITE));
            expect(outputPfn(leaf?.lo ?? 0, leaf?.hi ?? 0)).toBe(level === 0 ? oa : alignedFrame(oa, level));
            expect(one.translate(2 * spanPages(level) - 1)).toBe(oa + spanPages(level) - 1);
            one.doUnmap(spanPages(level), spanPages(level));
            expect(one.leafAt(spanPages(level))).toBeUndefined();
          });
        }
      }
    });

    it('test_attr_from_entry: permissions are in the entry as they were given', () => {
      for (const level of LEAF_LEVELS) {
        for (const prot of [IOMMU_READ, IOMMU_WRITE, READ_WRITE]) {
          withDomain(format, levels, (one) => {
            one.doMap(0, alignedFrame(TEST_FRAME, level), spanPages(level), prot);
            const leaf = one.leafAt(0);
            const entry = word(leaf?.lo ?? 0, leaf?.hi ?? 0);
            expect(entry).toBe(expectedLeaf(format, level, alignedFrame(TEST_FRAME, level), prot));
            const table = format.layouts.leaf[level];
            if (table === undefined) throw new Error('no layout');
            expect(reservedBitsSet(table, entry)).toEqual([]);
            const fields: Record<string, bigint | undefined> = decode(table, entry);
            expect(fields[format.name === 'x86-64' ? 'R/W' : 'W']).toBe(BigInt(prot >> 1));
          });
        }
      }
      withDomain(format, levels, (one) => {
        expect(one.tryMap(0, 0, 1, 0)).toBe(-22);
        expect(one.tryMap(0, 0, 1, 4)).toBe(-22);
        expect(one.countValids()).toEqual([0, 0, 0]);
      });
    });

    it('test_dirty: a leaf that was made dirty is reported once, and is clean when it was read', () => {
      for (const level of LEAF_LEVELS) {
        withDomain(format, levels, (one) => {
          const pages = spanPages(level);
          // Read-only: the x86-64 format presets the dirty bit of a leaf that may be written.
          one.doMap(pages, alignedFrame(TEST_FRAME, level), 2 * pages, IOMMU_READ);
          const dirty = (keep: boolean) => {
            const seen: [number, number][] = [];
            const note = (page: number, count: number) => void seen.push([page, count]);
            expect(readAndClearDirty(one.domain.pt, one.cpu, 0, 4 * pages, note, keep)).toBe(0);
            return seen;
          };
          expect(dirty(false)).toEqual([]);
          expect(setDirty(one.domain.pt, 2 * pages - 1)).toBe(true);
          expect(setDirty(one.domain.pt, 3 * pages)).toBe(false);
          expect(dirty(true)).toEqual([[pages, pages]]);
          expect(dirty(false)).toEqual([[pages, pages]]);
          expect([one.cpu.gather.start, one.cpu.gather.end]).toEqual([pages, 2 * pages]);
          expect(dirty(false)).toEqual([]);
          one.checkIova(pages, alignedFrame(TEST_FRAME, level), 2 * pages);
        });
      }
    });

    it('test_dirty: only what the range touches is read, and a range beyond the table is refused', () => {
      withDomain(format, levels, (one) => {
        one.doMap(0, 0, 8, IOMMU_READ);
        for (let page = 0; page < 8; page++) setDirty(one.domain.pt, page);
        const seen: number[] = [];
        readAndClearDirty(one.domain.pt, one.cpu, 2, 3, (page) => void seen.push(page), false);
        expect(seen).toEqual([2, 3, 4]);
        let left = 0;
        visitEntries(one.domain.pt, (_level, _index, isLeaf, lo) => {
          if (isLeaf && (lo & format.dirtyLo) !== 0) left++;
        });
        expect(left).toBe(5);
        expect(readAndClearDirty(one.domain.pt, one.cpu, one.pageLimit - 1, 2, () => {}, false)).toBe(-34);
      });
    });
  });
}
