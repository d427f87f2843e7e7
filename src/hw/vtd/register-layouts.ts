/** Registers (VT-d 11.4), by the specification's names; `registers.ts` says where they are and how they behave. */
import { bit, bits, layout, reserved } from '../../base/layout.ts';

export const CAP = layout('CAP', 64, 'VT-d 11.4.2', {
  ND: bits(2, 0, { note: 'domains: 2^(2 ND + 4)' }),
  AFL: bit(3, { note: 'advanced fault log' }),
  RWBF: bit(4, { note: 'write buffers must be flushed' }),
  PLMR: bit(5, { note: 'protected low memory' }),
  PHMR: bit(6, { note: 'protected high memory' }),
  CM: bit(7, { note: 'caching mode' }),
  SAGAW: bits(12, 8, { note: 'address widths of tables' }),
  RSVD13: reserved(15, 13),
  MGAW: bits(21, 16, { note: 'widest address, less one' }),
  ZLR: bit(22, { note: 'zero-length reads' }),
  RSVD23: reserved(23),
  FRO: bits(33, 24, { unit: 16, note: 'offset of the fault recording registers' }),
  SSLPS: bits(37, 34, { note: 'large pages of the second stage: 2 MiB, 1 GiB' }),
  RSVD38: reserved(38),
  PSI: bit(39, { note: 'page-selective invalidation' }),
  NFR: bits(47, 40, { note: 'fault recording registers, less one' }),
  MAMV: bits(53, 48, { note: 'largest address mask' }),
  DWD: bit(54, { note: 'write draining' }),
  DRD: bit(55, { note: 'read draining' }),
  FS1GP: bit(56, { note: '1 GiB pages in the first stage' }),
  RSVD57: reserved(58, 57),
  PI: bit(59, { note: 'posted interrupts' }),
  FS5LP: bit(60, { note: '5 levels in the first stage' }),
  ECMDS: bit(61),
  ESIRTPS: bit(62),
  ESRTPS: bit(63),
});

export const ECAP = layout('ECAP', 64, 'VT-d 11.4.3', {
  C: bit(0, { note: 'page walks snoop' }),
  QI: bit(1, { note: 'queued invalidation' }),
  DT: bit(2, { note: 'device TLBs' }),
  IR: bit(3, { note: 'interrupt remapping' }),
  EIM: bit(4),
  RSVD5: reserved(5),
  PT: bit(6, { note: 'pass-through' }),
  SC: bit(7, { note: 'snoop control' }),
  IRO: bits(17, 8, { unit: 16, note: 'offset of the IOTLB registers' }),
  RSVD18: reserved(19, 18),
  MHMV: bits(23, 20, { note: 'largest handle mask' }),
  RSVD24: reserved(24),
  MTS: bit(25, { note: 'memory types' }),
  NEST: bit(26, { note: 'nested translation' }),
  RSVD27: reserved(28, 27),
  PRS: bit(29, { note: 'page requests' }),
  ERS: bit(30, { note: 'execute requests' }),
  SRS: bit(31, { note: 'supervisor requests' }),
  RSVD32: reserved(32),
  NWFS: bit(33, { note: 'no write flag' }),
  EAFS: bit(34, { note: 'extended accessed flag' }),
  PSS: bits(39, 35, { note: 'PASID bits, less one' }),
  PASID: bit(40, { note: 'requests with PASID' }),
  DIT: bit(41, { note: 'device-TLB invalidation throttle' }),
  PDS: bit(42, { note: 'page-request drain' }),
  SMTS: bit(43, { note: 'scalable mode' }),
  VCS: bit(44, { note: 'virtual commands' }),
  SSADS: bit(45, { note: 'accessed and dirty flags in the second stage' }),
  SSTS: bit(46, { note: 'second stage' }),
  FSTS: bit(47, { note: 'first stage' }),
  SMPWCS: bit(48, { note: 'page-walk coherency of scalable mode' }),
  RPS: bit(49, { note: 'RID_PASID' }),
  RSVD50: reserved(50),
  PMS: bit(51),
  ABTS: bit(52, { note: 'abort DMA mode' }),
  RPRIVS: bit(53, { note: 'RID_PRIV' }),
  RSVD54: reserved(57, 54),
  SMS: bit(58, { note: 'stop marker' }),
  RSVD59: reserved(63, 59),
});

export const GCMD = layout('GCMD', 32, 'VT-d 11.4.4', {
  RSVD: reserved(22, 0),
  CFI: bit(23),
  SIRTP: bit(24, { note: 'set interrupt remapping table pointer' }),
  IRE: bit(25),
  QIE: bit(26, { note: 'queued invalidation enable' }),
  WBF: bit(27, { note: 'write buffer flush' }),
  EAFL: bit(28),
  SFL: bit(29),
  SRTP: bit(30, { note: 'set root table pointer' }),
  TE: bit(31, { note: 'translation enable' }),
});

export const RTADDR = layout('RTADDR', 64, 'VT-d 11.4.6', {
  RSVD: reserved(9, 0),
  TTM: bits(11, 10, { names: { 0: 'legacy', 1: 'scalable', 3: 'abort DMA' }, note: 'translation table mode' }),
  RTA: bits(63, 12, { unit: 4096, note: 'root table' }),
});

export const CCMD = layout('CCMD', 64, 'VT-d 11.4.6.1', {
  DID: bits(15, 0, { note: 'domain id' }),
  SID: bits(31, 16, { note: 'source id' }),
  FM: bits(33, 32, { note: 'function mask' }),
  RSVD: reserved(58, 34),
  CAIG: bits(60, 59, { note: 'granularity that was done' }),
  CIRG: bits(62, 61, { note: 'granularity asked for: 1 global, 2 domain, 3 device' }),
  ICC: bit(63, { note: 'invalidate; clear when done' }),
});

export const IOTLB = layout('IOTLB', 64, 'VT-d 11.4.6.2', {
  RSVD: reserved(31, 0),
  DID: bits(47, 32, { note: 'domain id' }),
  DW: bit(48, { note: 'drain writes' }),
  DR: bit(49, { note: 'drain reads' }),
  RSVD50: reserved(56, 50),
  IAIG: bits(58, 57, { note: 'granularity that was done' }),
  RSVD59: reserved(59),
  IIRG: bits(61, 60, { note: 'granularity asked for: 1 global, 2 domain, 3 page' }),
  RSVD62: reserved(62),
  IVT: bit(63, { note: 'invalidate; clear when done' }),
});

export const IVA = layout('IVA', 64, 'VT-d 11.4.6.3', {
  AM: bits(5, 0, { note: 'address mask: 2^AM pages' }),
  IH: bit(6, { note: 'leaf entries only' }),
  RSVD: reserved(11, 7),
  ADDR: bits(63, 12, { unit: 4096 }),
});

export const FSTS = layout('FSTS', 32, 'VT-d 11.4.9.1', {
  PFO: bit(0, { note: 'primary fault overflow' }),
  PPF: bit(1, { note: 'primary pending fault' }),
  AFO: bit(2),
  APF: bit(3),
  IQE: bit(4, { note: 'invalidation queue error' }),
  ICE: bit(5, { note: 'invalidation completion error' }),
  ITE: bit(6, { note: 'invalidation time-out error' }),
  RSVD7: reserved(7),
  FRI: bits(15, 8, { note: 'fault record index' }),
  RSVD: reserved(31, 16),
});

/** FECTL and IECTL, each with data, address and upper address registers behind it. */
export const EVENT_CONTROL = layout('FECTL', 32, 'VT-d 11.4.9.2', {
  RSVD: reserved(29, 0),
  IP: bit(30, { note: 'interrupt pending' }),
  IM: bit(31, { note: 'interrupt mask' }),
});

export const FRCD = layout('FRCD', 128, 'VT-d 11.4.14', {
  RSVD0: reserved(11, 0),
  FI: bits(63, 12, { unit: 4096, note: 'fault info: the page' }),
  SID: bits(79, 64, { note: 'source id' }),
  RSVD80: reserved(91, 80),
  T2: bit(92),
  PRIV: bit(93, { note: 'supervisor request' }),
  EXE: bit(94, { note: 'request to execute' }),
  PP: bit(95, { note: 'PASID present' }),
  FR: bits(103, 96, { note: 'fault reason' }),
  PV: bits(123, 104, { note: 'PASID value' }),
  AT: bits(125, 124, { note: 'address type' }),
  T1: bit(126, { note: 'with T2: 0 write, 1 read, 2 page request, 3 AtomicOp' }),
  F: bit(127, { note: 'fault' }),
});

export const IQA = layout('IQA', 64, 'VT-d 11.4.10.3', {
  QS: bits(2, 0, { note: 'queue has 2^QS pages' }),
  RSVD: reserved(10, 3),
  DW: bit(11, { note: 'descriptors of 256 bits' }),
  IQA: bits(63, 12, { unit: 4096, note: 'queue' }),
});

export const IQH = layout('IQH', 64, 'VT-d 11.4.10.1', {
  RSVD: reserved(3, 0),
  QH: bits(18, 4, { unit: 16 }),
  RSVD_HIGH: reserved(63, 19),
});

export const IQT = layout('IQT', 64, 'VT-d 11.4.10.2', {
  RSVD: reserved(3, 0),
  QT: bits(18, 4, { unit: 16 }),
  RSVD_HIGH: reserved(63, 19),
});

export const ICS = layout('ICS', 32, 'VT-d 11.4.10.4', {
  IWC: bit(0, { note: 'a wait descriptor with IF is complete' }),
  RSVD: reserved(31, 1),
});
