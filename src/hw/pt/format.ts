/**
 * Page-table formats. One generic walk serves them all (map.ts, unmap.ts, walk.ts); a format is this object: its entry
 * layouts as tables, and a few int32 masks taken from them once, which is what the hot code reads.
 *
 * Both formats here share the radix of the x86 architecture: 512 entries of 64 bits a table, 9 bits of the address a
 * level, 4 KiB, 2 MiB and 1 GiB leaves, output address in bits 51:12. Names: level 0 is the leaf table (PTE, SS-PTE),
 * level 1 the PDE, 2 the PDPTE, 3 the PML4E, 4 the PML5E; the kernel's generic_pt counts the same way, its older VT-d
 * driver from 1.
 */
import { assert } from '../../base/assert.ts';
import { type BitField, type Fields, fieldMask, type Layout } from '../../base/layout.ts';

/** Permissions of a mapping, as in the kernel's include/linux/iommu.h. At least one of the two is needed. */
export const IOMMU_READ = 1;
export const IOMMU_WRITE = 2;

export interface EntryLayouts {
  /** Leaf by level: [4 KiB, 2 MiB, 1 GiB]. */
  readonly leaf: readonly [Layout, Layout, Layout];
  /** An entry that points to a lower table; the same at every level above 0. */
  readonly table: Layout;
}

export interface PageTableFormat {
  readonly name: 'x86-64' | 'vtd-second-stage';
  /** Numbers of levels that the format has, e.g. [4, 5]. */
  readonly levels: readonly number[];
  readonly layouts: EntryLayouts;
  /**
   * An entry whose low half has none of these bits is empty. Software that only meets entries of its own making need not look
   * at the high half: a leaf carries a permission, a table pointer both.
   */
  readonly presentLo: number;
  /** Low bits of a table entry besides the address. */
  readonly tableLo: number;
  /** Set in a leaf above level 0. */
  readonly pageSizeLo: number;
  readonly accessedLo: number;
  readonly dirtyLo: number;
  /** Low bits of a leaf by permission: index IOMMU_READ | IOMMU_WRITE; 0 where the format cannot express it. */
  readonly leafLo: readonly [number, number, number, number];
  readonly leafHi: readonly [number, number, number, number];
}

/** Frame number of the table that an entry points to. Exact below 2^31: tables of the simulated machine lie there. */
export function tablePfn(lo: number, hi: number): number {
  return (lo >>> 12) | ((hi & 0x7ff) << 20);
}

/** Frame number of a leaf's output address, bits 51:12. */
export function outputPfn(lo: number, hi: number): number {
  return (lo >>> 12) + (hi & 0xfffff) * 2 ** 20;
}

/** Low half of an address with frame number `pfn`. */
export function addressLo(pfn: number): number {
  return pfn << 12;
}

/** High half, bits 51:32. */
export function addressHi(pfn: number): number {
  return (pfn * 2 ** -20) & 0xfffff;
}

const SPAN_PAGES: readonly number[] = [1, 2 ** 9, 2 ** 18, 2 ** 27, 2 ** 36, 2 ** 45];

/** Pages of 4 KiB that one entry at `level` spans. A look-up: `**` and `%` on numbers beyond int32 cost a call each. */
export function spanPages(level: number): number {
  return SPAN_PAGES[level]!;
}

/** 2^-27: what brings the level 3 index of a page number to bits 8:0. */
export const PER_LEVEL_3 = 7.450580596923828e-9;

/** Index of `page` in a table at `level`. */
export function indexAt(page: number, level: number): number {
  return (level < 3 ? page >>> (9 * level) : ((page * PER_LEVEL_3) | 0) >>> (9 * (level - 3))) & 511;
}

/** Pages from the start of the entry's span at `level` to `page`. */
export function offsetInSpan(page: number, level: number): number {
  if (level < 3) return page & (SPAN_PAGES[level]! - 1);
  return page - Math.floor(page / SPAN_PAGES[level]!) * SPAN_PAGES[level]!;
}

/** The low-half mask of a field. @throws InvariantError when the layout has no such field or it lies above bit 31. */
export function maskLo(table: Layout, field: string): number {
  const found: BitField | undefined = (table.fields as Fields)[field];
  assert(found !== undefined && found.high < 32, `${table.name} has no field ${field} in its low half`);
  return Number(BigInt.asIntN(32, fieldMask(found)));
}
