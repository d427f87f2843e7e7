/** The fixture of the kernel's generic_pt kunit tests: one domain, mapped through the core, with a leak check at the end. */
import { expect } from 'vitest';
import { IOMMU_READ, IOMMU_WRITE, type PageTableFormat, spanPages } from '../../src/hw/pt/format.ts';
import { createCpu } from '../../src/hw/pt/page-table.straight.ts';
import { visitEntries } from '../../src/hw/pt/walk.straight.ts';
import {
  createDomain,
  destroyDomain,
  iommuIovaToPhys,
  iommuMap,
  iommuUnmap,
} from '../../src/kernel/iommu/domain.straight.ts';
import { designNamed } from './designs.ts';
import { WatchedMemory } from './watched-memory.ts';

/** Leaf levels that both formats have: 4 KiB, 2 MiB, 1 GiB. */
export const LEAF_LEVELS = [0, 1, 2];
export const READ_WRITE = IOMMU_READ | IOMMU_WRITE;
/** The kernel's test_oa, 0x74a71445deadbeef without what does not fit 52 bits, as a frame number. */
export const TEST_FRAME = Number((0x74a71445deadbeefn & ((1n << 52n) - 1n)) >> 12n);

/** `frame` rounded down to a leaf of `level`. */
export function alignedFrame(frame: number, level: number): number {
  return frame - (frame % spanPages(level));
}

export class KunitDomain {
  readonly memory = new WatchedMemory();
  readonly cpu = createCpu();
  readonly domain;

  constructor(format: PageTableFormat, levels: number, design = 'covered-range', maxLeafLevel = 2) {
    this.domain = createDomain({
      memory: this.memory,
      format,
      levels,
      reclaim: designNamed(design),
      maxLeafLevel,
    });
  }

  get pageLimit(): number {
    return this.domain.pt.pageLimit;
  }

  tryMap(page: number, frame: number, pages: number, prot = READ_WRITE): number {
    return iommuMap(this.domain, this.cpu, page, frame, pages, prot);
  }

  doMap(page: number, frame: number, pages: number, prot = READ_WRITE): void {
    expect(this.tryMap(page, frame, pages, prot)).toBe(0);
  }

  unmap(page: number, pages: number): number {
    return iommuUnmap(this.domain, this.cpu, page, pages);
  }

  doUnmap(page: number, pages: number): void {
    expect(this.unmap(page, pages)).toBe(pages);
  }

  translate(page: number): number {
    return iommuIovaToPhys(this.domain, page);
  }

  /** Every page of a small range; of a large one, some from each end and some between. */
  checkIova(page: number, frame: number, pages: number): void {
    const stride = Math.max(1, Math.floor(pages / 97));
    for (let i = 0; i < pages; i = i < 8 || i >= pages - 8 ? i + 1 : Math.min(i + stride, pages - 8)) {
      if (this.translate(page + i) !== frame + i)
        expect([page + i, this.translate(page + i)]).toEqual([page + i, frame + i]);
    }
  }

  /** Leaves by level: what the kernel's tests call valids. */
  countValids(): number[] {
    const valids = [0, 0, 0];
    visitEntries(this.domain.pt, (level, _index, isLeaf) => {
      if (isLeaf) valids[level] = (valids[level] ?? 0) + 1;
    });
    return valids;
  }

  /** Leaf entry at `page`: level, low and high half. */
  leafAt(page: number): { level: number; lo: number; hi: number } | undefined {
    let found: { level: number; lo: number; hi: number } | undefined;
    visitEntries(this.domain.pt, (level, _index, isLeaf, lo, hi, at) => {
      if (isLeaf && at === page) found = { level, lo, hi };
    });
    return found;
  }

  /** pt_iommu_deinit, and the check for leaks that the kernel makes with NR_SECONDARY_PAGETABLE. */
  destroy(): void {
    expect(destroyDomain(this.domain, this.cpu)).toBe(0);
    expect(this.memory.given.size).toBe(0);
    expect(this.memory.framesInUse).toBe(0);
  }
}

export function withDomain(format: PageTableFormat, levels: number, body: (one: KunitDomain) => void): void {
  const one = new KunitDomain(format, levels);
  body(one);
  one.destroy();
}
