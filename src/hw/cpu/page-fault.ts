/**
 * When an access by linear address is refused, and what #PF says of it: reserved bits (Intel SDM vol. 3A, 4.5.4), access rights
 * (4.6.1) and the error code (4.7), for 4-level paging.
 *
 * Left out: protection keys, shadow stacks, SGX, HLAT, implicit supervisor accesses of user code (descriptor tables).
 */
import { halvesOf } from '../../base/halves.ts';
import { fieldMask, type Layout, reservedMask } from '../../base/layout.ts';
import { X86_64_PDE_LEAF, X86_64_PDPTE_LEAF, X86_64_PTE, X86_64_TABLE } from '../pt/formats/x86-64.ts';
import type { TlbEntry } from './tlb.ts';

/** Bits of the error code of #PF (4.7). */
export const PF = {
  /** 0: an entry was not present. 1: a protection violation. */
  P: 1 << 0,
  /** W/R: a write. */
  W: 1 << 1,
  /** U/S: by user mode. */
  U: 1 << 2,
  /** A reserved bit was set in an entry. */
  RSVD: 1 << 3,
  /** I/D: an instruction fetch, where that can be told (SMEP or NXE). */
  I: 1 << 4,
} as const;

/** CR4, bits that matter here (2.5). */
export const CR4 = { PGE: 1 << 7, PCIDE: 1 << 17, SMEP: 1 << 20, SMAP: 1 << 21 } as const;

/** An access by linear address. None of the flags: a read by the kernel. */
export interface MemoryAccess {
  /** Bits 63:12 of the linear address. */
  readonly page: number;
  readonly write?: boolean | undefined;
  readonly fetch?: boolean | undefined;
  /** CPL 3. */
  readonly user?: boolean | undefined;
  /** RFLAGS.AC: the kernel means to access user memory (STAC). */
  readonly AC?: boolean | undefined;
}

/** What a processor has, and what is set once and for all. */
export interface PagingFeatures {
  /** Physical-address width in bits, to 52. */
  readonly MAXPHYADDR: number;
  /** IA32_EFER.NXE: XD counts; else it is reserved. */
  readonly NXE: boolean;
  /** CR0.WP: the kernel does not write to read-only pages. */
  readonly WP: boolean;
  /** Pages of 1 GiB; else PS of a PDPTE is reserved. */
  readonly Page1GB: boolean;
}

export const PAGING: PagingFeatures = { MAXPHYADDR: 46, NXE: true, WP: true, Page1GB: true };

const PS = fieldMask(X86_64_TABLE.fields.PS);
const XD = fieldMask(X86_64_PTE.fields.XD);
const LEAVES = [X86_64_PTE, X86_64_PDE_LEAF, X86_64_PDPTE_LEAF];

/** Reserved bits of entries that are present, as halves at `4 * level + 2 * isLeaf`. */
export function pagingReserved({ MAXPHYADDR, NXE, Page1GB }: PagingFeatures): Int32Array {
  const beyond = ((1n << 52n) - 1n) ^ ((1n << BigInt(MAXPHYADDR)) - 1n);
  const of = (layout: Layout, more = 0n) => halvesOf(reservedMask(layout) | beyond | (NXE ? 0n : XD) | more, 2);
  const masks = new Int32Array(16);
  for (let level = 0; level < 4; level++) {
    masks.set(of(X86_64_TABLE, level === 3 ? PS : 0n), 4 * level);
    const leaf = LEAVES[level];
    if (leaf !== undefined) masks.set(of(leaf, level === 2 && !Page1GB ? PS : 0n), 4 * level + 2);
  }
  return masks;
}

/** Whether a page with these rights may be accessed (4.6.1). `cr4`: SMEP and SMAP count. */
export function mayAccess(
  { AC, fetch, user, write }: MemoryAccess,
  { RW, US, XD: noExecute }: Pick<TlbEntry, 'RW' | 'US' | 'XD'>,
  { WP }: PagingFeatures,
  cr4: number,
): boolean {
  if (fetch) return !noExecute && (user ? US : !(US && (cr4 & CR4.SMEP) !== 0));
  if (user) return US && (!write || RW);
  if (US && (cr4 & CR4.SMAP) !== 0 && !AC) return false;
  return !write || RW || !WP;
}

/** The error code. `why`: PF.P, or PF.P and PF.RSVD; 0: an entry was not present. */
export function errorCode(
  { fetch, user, write }: MemoryAccess,
  why: number,
  { NXE }: PagingFeatures,
  cr4: number,
): number {
  const tellsFetch = fetch && (NXE || (cr4 & CR4.SMEP) !== 0);
  return why | (write ? PF.W : 0) | (user ? PF.U : 0) | (tellsFetch ? PF.I : 0);
}
