/**
 * The x86-64 long-mode format: CPU page tables with 4 and 5 levels, which VT-d's first stage shares bit for bit.
 *
 * From the Intel SDM vol. 3A, 4.5 (tables 4-15 to 4-20) and the VT-d specification 9.9 (first-stage paging entries).
 * A leaf above level 0 has PAT at bit 12; at level 0 it is bit 7, where the levels above have PS. Protection keys
 * (62:59) are CPU only; first-stage entries ignore them. Reserved bits above the machine's physical width are not
 * modelled here: the layouts take 52 bits of address.
 */
import { bit, bits, ignored, layout, reserved, software } from '../../../base/layout.ts';
import { maskLo, type PageTableFormat } from '../format.ts';

const SDM = 'Intel SDM vol. 3A, 4.5; VT-d 9.9';

const low = {
  P: bit(0, { note: 'present' }),
  'R/W': bit(1, { note: 'writes allowed' }),
  'U/S': bit(2, { note: 'user-mode accesses allowed' }),
  PWT: bit(3),
  PCD: bit(4),
  A: bit(5, { note: 'accessed' }),
} as const;

const high = {
  SW_HIGH: software(58, 52),
  PK: bits(62, 59, { note: 'protection key; ignored by VT-d' }),
  XD: bit(63, { note: 'execute disable' }),
} as const;

const leafLow = {
  ...low,
  D: bit(6, { note: 'dirty' }),
  G: bit(8, { note: 'global; ignored by VT-d' }),
  SW: software(11, 9),
} as const;

export const X86_64_PTE = layout('PTE', 64, SDM, {
  ...leafLow,
  PAT: bit(7),
  ADDR: bits(51, 12, { unit: 4096 }),
  ...high,
});

export const X86_64_PDE_LEAF = layout('PDE (2 MiB page)', 64, SDM, {
  ...leafLow,
  PS: bit(7, { note: 'this entry is a page' }),
  PAT: bit(12),
  RSVD: reserved(20, 13),
  ADDR: bits(51, 21, { unit: 2 ** 21 }),
  ...high,
});

export const X86_64_PDPTE_LEAF = layout('PDPTE (1 GiB page)', 64, SDM, {
  ...leafLow,
  PS: bit(7, { note: 'this entry is a page' }),
  PAT: bit(12),
  RSVD: reserved(29, 13),
  ADDR: bits(51, 30, { unit: 2 ** 30 }),
  ...high,
});

/** Bit 7 must be zero in a PML4E and PML5E; in a PDE and PDPTE a one makes it a page. */
export const X86_64_TABLE = layout('table entry', 64, SDM, {
  ...low,
  IGN6: ignored(6),
  PS: bit(7),
  SW: software(11, 8),
  ADDR: bits(51, 12, { unit: 4096 }),
  SW_HIGH: software(62, 52),
  XD: bit(63, { note: 'execute disable for all below' }),
});

const P = maskLo(X86_64_PTE, 'P');
const RW = maskLo(X86_64_PTE, 'R/W');
const US = maskLo(X86_64_PTE, 'U/S');
const A = maskLo(X86_64_PTE, 'A');
const D = maskLo(X86_64_PTE, 'D');

export const X86_64: PageTableFormat = {
  name: 'x86-64',
  levels: [4, 5],
  layouts: { leaf: [X86_64_PTE, X86_64_PDE_LEAF, X86_64_PDPTE_LEAF], table: X86_64_TABLE },
  presentLo: P,
  // As generic_pt's x86_64 format installs tables: accessed already set, so hardware need not write them.
  tableLo: P | RW | US | A,
  pageSizeLo: maskLo(X86_64_PDE_LEAF, 'PS'),
  accessedLo: A,
  dirtyLo: D,
  // As generic_pt's set_prot: accessed and, where writable, dirty already. The format has no write-only leaf.
  leafLo: [0, P | US | A, P | US | RW | A | D, P | US | RW | A | D],
  leafHi: [0, 0, 0, 0],
};
