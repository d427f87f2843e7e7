/**
 * Branded quantities: page numbers, identifiers, times. This file alone casts to a brand; everyone else goes through
 * the makers, which check the range, or through the named arithmetic below, so that a decayed `vpn + 1` does not
 * compile where a `Vpn` is due.
 *
 * Page numbers, ids, counts and cycles are `number` (exact below 2^53: a 57-bit address has a 45-bit page number).
 * Byte addresses are `bigint` and live at the edges only: parsing, printing, JSON.
 */
import { assert } from './assert.ts';

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Virtual page number: a virtual address or IOVA without its low 12 bits. */
export type Vpn = Branded<number, 'Vpn'>;
/** Page frame number: a physical address without its low 12 bits. */
export type Pfn = Branded<number, 'Pfn'>;
/** A virtual address of the CPU, in bytes. */
export type Va = Branded<bigint, 'Va'>;
/** An address as a device sends it to the IOMMU, in bytes. */
export type Iova = Branded<bigint, 'Iova'>;
/** A physical address, in bytes. */
export type Pa = Branded<bigint, 'Pa'>;
/** Process address space identifier, 20 bits (PCIe 6.20; Linux MAX_NR_PASID_BITS). */
export type Pasid = Branded<number, 'Pasid'>;
/** VT-d domain identifier, 16 bits. */
export type DomainId = Branded<number, 'DomainId'>;
/** PCI requester: bus 15:8, device 7:3, function 2:0. */
export type SourceId = Branded<number, 'SourceId'>;
/** Virtual time, in cycles of the simulated clock. */
export type Cycles = Branded<number, 'Cycles'>;

export const PAGE_SHIFT = 12;
export const PAGE_BYTES = 4096;
/** Widest virtual page number: 5 levels of 9 bits. */
export const VPN_BITS = 45;
/** Widest page frame number: 52 address bits less 12 (Intel SDM vol. 3, 4.1.4; VT-d 9.8). */
export const PFN_BITS = 40;
export const PASID_BITS = 20;

export function vpn(value: number): Vpn {
  return inRange(value, 2 ** VPN_BITS, 'virtual page number') as Vpn;
}

export function pfn(value: number): Pfn {
  return inRange(value, 2 ** PFN_BITS, 'page frame number') as Pfn;
}

export function pasid(value: number): Pasid {
  return inRange(value, 2 ** PASID_BITS, 'PASID') as Pasid;
}

export function domainId(value: number): DomainId {
  return inRange(value, 2 ** 16, 'domain id') as DomainId;
}

export function sourceId(value: number): SourceId {
  return inRange(value, 2 ** 16, 'source id') as SourceId;
}

export function cycles(value: number): Cycles {
  return inRange(value, 2 ** 53, 'cycle count') as Cycles;
}

export function va(value: bigint): Va {
  return in64Bits(value, 'virtual address') as Va;
}

export function iova(value: bigint): Iova {
  return in64Bits(value, 'IOVA') as Iova;
}

export function pa(value: bigint): Pa {
  return in64Bits(value, 'physical address') as Pa;
}

export function addPages<P extends Vpn | Pfn>(page: P, pages: number): P {
  return (page + pages) as P;
}

/** Pages from `from` up to `to`, `to` excluded. */
export function pagesBetween(from: Vpn, to: Vpn): number {
  return to - from;
}

/** Index into the table at `level`; level 0 is the leaf table. */
export function tableIndex(page: Vpn, level: number): number {
  return level < 3 ? (page >>> (9 * level)) & 511 : (page * 2 ** (-9 * level)) & 511;
}

/** "0x…" of the byte address of a page, without leading zeros. */
export function pageAddress(page: number): string {
  return `0x${(BigInt(page) << BigInt(PAGE_SHIFT)).toString(16)}`;
}

function inRange(value: number, limit: number, what: string): number {
  assert(
    Number.isInteger(value) && value >= 0 && value < limit,
    () =>
      `${what} ${value} is not an integer in 0 .. ${limit - 1}: an address was passed for a page number, or input was not checked`,
  );
  return value;
}

function in64Bits(value: bigint, what: string): bigint {
  assert(value >= 0n && value < 1n << 64n, () => `${what} ${value} does not fit 64 bits: input was not checked`);
  return value;
}
