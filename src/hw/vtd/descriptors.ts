/** Invalidation descriptors (VT-d 6.5.2): 128 bits, or 256 of which the upper half is reserved (but for private data). */
import { halvesOf } from '../../base/halves.ts';
import { bit, bits, type Layout, layout, reserved, reservedMask } from '../../base/layout.ts';

const type = { TYPE: bits(3, 0) } as const;
const domainGranularity = { 1: 'global', 2: 'domain-selective', 3: 'device-selective' } as const;

export const CC_INV_DSC = layout('cc_inv', 128, 'VT-d 6.5.2.1', {
  ...type,
  G: bits(5, 4, { names: domainGranularity, note: 'granularity' }),
  RSVD: reserved(15, 6),
  DID: bits(31, 16),
  SID: bits(47, 32),
  FM: bits(49, 48, { note: 'function mask' }),
  RSVD50: reserved(63, 50),
  RSVD_HIGH: reserved(127, 64),
});

export const PC_INV_DSC = layout('pc_inv', 128, 'VT-d 6.5.2.2', {
  ...type,
  G: bits(5, 4, { names: { 0: 'domain-selective', 1: 'PASID-selective', 3: 'global' }, note: 'granularity' }),
  RSVD: reserved(15, 6),
  DID: bits(31, 16),
  PASID: bits(51, 32),
  RSVD52: reserved(63, 52),
  RSVD_HIGH: reserved(127, 64),
});

const address = {
  AM: bits(69, 64, { note: 'address mask: 2^AM pages' }),
  IH: bit(70, { note: 'leaf entries only' }),
  RSVD71: reserved(75, 71),
  ADDR: bits(127, 76, { unit: 4096 }),
} as const;

export const IOTLB_INV_DSC = layout('iotlb_inv', 128, 'VT-d 6.5.2.3', {
  ...type,
  G: bits(5, 4, { names: { 1: 'global', 2: 'domain-selective', 3: 'page-selective' }, note: 'granularity' }),
  DW: bit(6, { note: 'drain writes' }),
  DR: bit(7, { note: 'drain reads' }),
  RSVD: reserved(15, 8),
  DID: bits(31, 16),
  RSVD32: reserved(63, 32),
  ...address,
});

export const P_IOTLB_INV_DSC = layout('p_iotlb_inv', 128, 'VT-d 6.5.2.4', {
  ...type,
  G: bits(5, 4, { names: { 2: 'PASID-selective', 3: 'page-selective' }, note: 'granularity' }),
  RSVD: reserved(15, 6),
  DID: bits(31, 16),
  PASID: bits(51, 32),
  RSVD52: reserved(63, 52),
  ...address,
});

export const DEV_TLB_INV_DSC = layout('dev_tlb_inv', 128, 'VT-d 6.5.2.5', {
  ...type,
  RSVD: reserved(11, 4),
  PFSID_LOW: bits(15, 12),
  MIP: bits(20, 16, { note: 'queue depth of the device' }),
  RSVD21: reserved(31, 21),
  SID: bits(47, 32),
  RSVD48: reserved(51, 48),
  PFSID_HIGH: bits(63, 52),
  S: bit(64, { note: 'low address bits tell the size' }),
  RSVD65: reserved(75, 65),
  ADDR: bits(127, 76, { unit: 4096 }),
});

export const P_DEV_TLB_INV_DSC = layout('p_dev_tlb_inv', 128, 'VT-d 6.5.2.6', {
  ...type,
  MIP: bits(8, 4, { note: 'queue depth of the device' }),
  RSVD: reserved(11, 9),
  PFSID_LOW: bits(15, 12),
  SID: bits(31, 16),
  PASID: bits(51, 32),
  PFSID_HIGH: bits(63, 52),
  GLOBAL: bit(64, { note: 'of all PASIDs' }),
  RSVD65: reserved(74, 65),
  S: bit(75, { note: 'low address bits tell the size' }),
  ADDR: bits(127, 76, { unit: 4096 }),
});

export const IEC_INV_DSC = layout('iec_inv', 128, 'VT-d 6.5.2.7', {
  ...type,
  G: bit(4, { note: 'index-selective' }),
  RSVD: reserved(26, 5),
  IM: bits(31, 27, { note: 'index mask' }),
  IIDX: bits(47, 32, { note: 'interrupt index' }),
  RSVD48: reserved(63, 48),
  RSVD_HIGH: reserved(127, 64),
});

export const INV_WAIT_DSC = layout('inv_wait', 128, 'VT-d 6.5.2.8', {
  ...type,
  IF: bit(4, { note: 'interrupt flag' }),
  SW: bit(5, { note: 'status write' }),
  FN: bit(6, { note: 'fence' }),
  PD: bit(7, { note: 'page-request drain' }),
  RSVD: reserved(31, 8),
  STATUS_DATA: bits(63, 32),
  RSVD64: reserved(65, 64),
  STATUS_ADDR: bits(127, 66, { unit: 4 }),
});

export const PAGE_GRP_RESP_DSC = layout('page_grp_resp', 128, 'VT-d 7.7.1', {
  ...type,
  PP: bit(4, { note: 'PASID present' }),
  PDP: bit(5, { note: 'private data present' }),
  RSVD: reserved(11, 6),
  RC: bits(15, 12, { names: { 0: 'success', 1: 'invalid', 15: 'failure' }, note: 'response code' }),
  RID: bits(31, 16),
  PASID: bits(51, 32),
  RSVD52: reserved(63, 52),
  RSVD64: reserved(65, 64),
  LPIG: bit(66, { note: 'last page in group' }),
  PRGI: bits(75, 67, { note: 'page request group index' }),
  RSVD76: reserved(127, 76),
});

/** By type. */
export const DESCRIPTORS: readonly (Layout | undefined)[] = [
  undefined,
  CC_INV_DSC,
  IOTLB_INV_DSC,
  DEV_TLB_INV_DSC,
  IEC_INV_DSC,
  INV_WAIT_DSC,
  P_IOTLB_INV_DSC,
  PC_INV_DSC,
  P_DEV_TLB_INV_DSC,
  PAGE_GRP_RESP_DSC,
];

/** By type: reserved bits as four int32 halves. */
const RESERVED = DESCRIPTORS.map((table) => {
  const mask = table === undefined ? 0n : reservedMask(table);
  return halvesOf(mask, 4);
});

/** A descriptor as four int32 halves, of which the upper half of a 256-bit one is looked at already. */
export function hasReservedBits(type: number, halves: Int32Array): boolean {
  const reserved = RESERVED[type]!;
  for (let i = 0; i < 4; i++) if ((halves[i]! & reserved[i]!) !== 0) return true;
  return false;
}
