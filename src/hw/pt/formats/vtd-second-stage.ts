/**
 * VT-d second-stage paging entries: 3, 4 and 5 levels (39, 48 and 57 address bits).
 *
 * From the VT-d specification 3.7 and 9.8, and the kernel's drivers/iommu/generic_pt/fmt/vtdss.h. There is no present
 * bit: an entry with neither R nor W set is not present to hardware, and software calls an entry empty when all 64 bits
 * are zero (a leaf without permission cannot be made, `set_prot` refuses it). A and D exist where the unit has SSADS.
 */
import { bit, bits, ignored, layout, reserved, software } from '../../../base/layout.ts';
import { maskLo, type PageTableFormat } from '../format.ts';

const SPEC = 'VT-d 9.8';

const low = {
  R: bit(0, { note: 'reads allowed' }),
  W: bit(1, { note: 'writes allowed' }),
  X: bit(2, { note: 'execute, where supported; else ignored' }),
} as const;

const leafLow = {
  ...low,
  EMT: bits(5, 3, { note: 'extended memory type' }),
  IPAT: bit(6, { note: 'ignore PAT' }),
  A: bit(8, { note: 'accessed' }),
  D: bit(9, { note: 'dirty' }),
  SW: software(10),
  SNP: bit(11, { note: 'snoop behaviour' }),
} as const;

const high = {
  SW_HIGH: software(61, 52),
  TM: bit(62, { note: 'transient mapping, for device TLBs' }),
  SW63: software(63),
} as const;

export const SS_PTE = layout('SS-PTE', 64, SPEC, {
  ...leafLow,
  IGN7: ignored(7),
  ADDR: bits(51, 12, { unit: 4096 }),
  ...high,
});

export const SS_PDE_LEAF = layout('SS-PDE (2 MiB page)', 64, SPEC, {
  ...leafLow,
  PS: bit(7, { note: 'this entry is a page' }),
  RSVD: reserved(20, 12),
  ADDR: bits(51, 21, { unit: 2 ** 21 }),
  ...high,
});

export const SS_PDPTE_LEAF = layout('SS-PDPTE (1 GiB page)', 64, SPEC, {
  ...leafLow,
  PS: bit(7, { note: 'this entry is a page' }),
  RSVD: reserved(29, 12),
  ADDR: bits(51, 30, { unit: 2 ** 30 }),
  ...high,
});

export const SS_TABLE = layout('SS table entry', 64, SPEC, {
  ...low,
  IGN_LOW: ignored(6, 3),
  PS: bit(7),
  A: bit(8, { note: 'accessed' }),
  IGN_HIGH: software(11, 9),
  ADDR: bits(51, 12, { unit: 4096 }),
  SW_HIGH: software(61, 52),
  RSVD62: ignored(62),
  SW63: software(63),
});

const R = maskLo(SS_PTE, 'R');
const W = maskLo(SS_PTE, 'W');

export const VTD_SECOND_STAGE: PageTableFormat = {
  name: 'vtd-second-stage',
  levels: [3, 4, 5],
  layouts: { leaf: [SS_PTE, SS_PDE_LEAF, SS_PDPTE_LEAF], table: SS_TABLE },
  presentLo: -1,
  tableLo: R | W,
  pageSizeLo: maskLo(SS_PDE_LEAF, 'PS'),
  accessedLo: maskLo(SS_PTE, 'A'),
  dirtyLo: maskLo(SS_PTE, 'D'),
  leafLo: [0, R, W, R | W],
  leafHi: [0, 0, 0, 0],
};
