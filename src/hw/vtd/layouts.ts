/**
 * Root, context and PASID entries (VT-d 9.1 to 9.6); reserved-bits.ts has what a unit checks of them.
 */
import { bit, bits, layout, reserved } from '../../base/layout.ts';

export const ROOT_ENTRY = layout('root entry', 128, 'VT-d 9.1', {
  P: bit(0, { note: 'present' }),
  RSVD: reserved(11, 1),
  CTP: bits(63, 12, { unit: 4096, note: 'context table' }),
  RSVD_HIGH: reserved(127, 64),
});

/** One half of it: devices 0 to 15 have the lower context table, 16 to 31 the upper one. */
export const SCALABLE_ROOT_ENTRY = layout('scalable-mode root entry', 128, 'VT-d 9.2', {
  LP: bit(0, { note: 'lower present' }),
  RSVD: reserved(11, 1),
  LCTP: bits(63, 12, { unit: 4096, note: 'lower context table' }),
  UP: bit(64, { note: 'upper present' }),
  RSVD_UPPER: reserved(75, 65),
  UCTP: bits(127, 76, { unit: 4096, note: 'upper context table' }),
});

export const CONTEXT_ENTRY = layout('context entry', 128, 'VT-d 9.3', {
  P: bit(0, { note: 'present' }),
  FPD: bit(1, { note: 'fault processing disable' }),
  TT: bits(3, 2, { names: { 0: 'untranslated only', 1: 'all', 2: 'pass-through' }, note: 'translation type' }),
  RSVD: reserved(11, 4),
  SSPTPTR: bits(63, 12, { unit: 4096, note: 'second-stage page table' }),
  AW: bits(66, 64, { names: { 1: '39 bits', 2: '48 bits', 3: '57 bits' }, note: 'address width' }),
  // Bits 70:67 are ignored by hardware and free for software (Linux keeps none there).
  IGN: { high: 70, low: 67, kind: 'ignored' },
  RSVD71: reserved(71),
  DID: bits(87, 72, { note: 'domain id' }),
  RSVD_HIGH: reserved(127, 88),
});

export const SCALABLE_CONTEXT_ENTRY = layout('scalable-mode context entry', 256, 'VT-d 9.4', {
  P: bit(0, { note: 'present' }),
  FPD: bit(1, { note: 'fault processing disable' }),
  DTE: bit(2, { note: 'device-TLB enable' }),
  PASIDE: bit(3, { note: 'PASID enable' }),
  PRE: bit(4, { note: 'page request enable' }),
  RSVD: reserved(8, 5),
  PDTS: bits(11, 9, { note: 'PASID directory has 2^(PDTS+7) entries' }),
  PASIDDIRPTR: bits(63, 12, { unit: 4096, note: 'PASID directory' }),
  RID_PASID: bits(83, 64, { note: 'PASID of requests without one' }),
  RID_PRIV: bit(84, { note: 'requests without PASID are supervisor requests' }),
  RSVD_MIDDLE: reserved(127, 85),
  RSVD_HIGH: reserved(255, 128),
});

export const PASID_DIRECTORY_ENTRY = layout('PASID directory entry', 64, 'VT-d 9.5', {
  P: bit(0, { note: 'present' }),
  FPD: bit(1, { note: 'fault processing disable' }),
  RSVD: reserved(11, 2),
  SMPTBLPTR: bits(63, 12, { unit: 4096, note: 'PASID table' }),
});

export const PGTT_FIRST_STAGE = 1;
export const PGTT_SECOND_STAGE = 2;
export const PGTT_NESTED = 3;
export const PGTT_PASS_THROUGH = 4;

export const PASID_ENTRY = layout('PASID table entry', 512, 'VT-d 9.6', {
  P: bit(0, { note: 'present' }),
  FPD: bit(1, { note: 'fault processing disable' }),
  AW: bits(4, 2, { names: { 1: '39 bits', 2: '48 bits', 3: '57 bits' }, note: 'second-stage address width' }),
  RSVD5: reserved(5),
  PGTT: bits(8, 6, {
    names: { 1: 'first stage', 2: 'second stage', 3: 'nested', 4: 'pass-through' },
    note: 'PASID granular translation type',
  }),
  SSADE: bit(9, { note: 'second-stage access/dirty enable' }),
  RSVD10: reserved(11, 10),
  SSPTPTR: bits(63, 12, { unit: 4096, note: 'second-stage page table' }),
  DID: bits(79, 64, { note: 'domain id' }),
  RSVD80: reserved(86, 80),
  PWSNP: bit(87, { note: 'page-walk snoop' }),
  PGSNP: bit(88, { note: 'page snoop' }),
  CD: bit(89, { note: 'cache disable' }),
  EMTE: bit(90, { note: 'extended memory type enable' }),
  EMT: bits(93, 91, { note: 'extended memory type' }),
  PWT: bit(94),
  PCD: bit(95),
  PAT: bits(127, 96, { note: 'page attribute table' }),
  SRE: bit(128, { note: 'supervisor requests enable' }),
  ERE: bit(129, { note: 'execute requests enable' }),
  FSPM: bits(131, 130, { names: { 0: '4 levels', 1: '5 levels' }, note: 'first-stage paging mode' }),
  WPE: bit(132, { note: 'write protect enable' }),
  NXE: bit(133, { note: 'no-execute enable' }),
  SMEP: bit(134, { note: 'supervisor mode execute prevention' }),
  EAFE: bit(135, { note: 'extended accessed flag enable' }),
  RSVD136: reserved(139, 136),
  FSPTPTR: bits(191, 140, { unit: 4096, note: 'first-stage page table' }),
  RSVD_HIGH: reserved(511, 192),
});
