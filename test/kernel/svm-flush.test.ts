/** Ranges in bytes as descriptors: what is flushed covers what was asked, in blocks that a descriptor can say, and is none for no pages. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runAlone } from '../../src/base/flow.ts';
import { BASE, type Device, type Kernel, patched, svm_pages, ULONG_MAX } from '../../src/kernel/index.ts';

interface Block {
  readonly address: bigint;
  readonly pages: bigint;
}

/** Blocks that are flushed from the IOTLB for [start, end); null: all of the PASID. */
function flushed(start: bigint, end: bigint): readonly Block[] | null {
  const blocks: Block[] = [];
  let all = false;
  const table = patched(BASE, {
    replace: {
      *qi_flush_piotlb_pages(_dev, _pasid, address, pages) {
        blocks.push({ address, pages });
      },
      *qi_flush_dev_iotlb_pasid() {},
      *intel_flush_svm_all() {
        all = true;
      },
    },
  });
  const kernel = Object.create(table) as Kernel;
  runAlone(kernel.intel_arch_invalidate_secondary_tlbs({} as Device, 1, start, end));
  return all ? null : blocks;
}

const page = fc.bigInt({ min: 0n, max: 2n ** 20n });

describe('a range that the CPU has flushed', () => {
  it('is covered by aligned blocks of a power of two, less than twice as many pages and one block more', () => {
    fc.assert(
      fc.property(page, fc.bigInt({ min: 1n, max: 2n ** 12n }), (first, pages) => {
        const blocks = flushed(first * 4096n, (first + pages) * 4096n)!;
        for (const { address, pages: size } of blocks) {
          expect(size & (size - 1n)).toBe(0n);
          expect(address % (size * 4096n)).toBe(0n);
        }
        const covers = (one: bigint): boolean =>
          blocks.some(({ address, pages: size }) => address / 4096n <= one && one < address / 4096n + size);
        for (const one of [first, first + pages / 2n, first + pages - 1n]) expect(covers(one)).toBe(true);
        // No two overlap, and there is no gap.
        for (const [i, { address, pages: size }] of blocks.slice(0, -1).entries()) {
          expect(blocks[i + 1]!.address).toBe(address + size * 4096n);
        }
        expect(blocks.length).toBeLessThanOrEqual(2);
      }),
    );
  });

  it('is all of the PASID where it is all of the address space', () => {
    expect(flushed(0n, ULONG_MAX)).toBeNull();
  });

  it('has no pages, 64 bits wide, where its end is rounded up beyond the last byte', () => {
    expect(svm_pages(0n, ULONG_MAX)).toBe(0n);
    expect(svm_pages(0n, 4096n)).toBe(1n);
    expect(svm_pages(0n, 4097n)).toBe(2n);
    expect(flushed(4096n, 4096n)).toEqual([]);
  });
});
