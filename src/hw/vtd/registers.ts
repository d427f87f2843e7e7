/**
 * The register file (VT-d 11.4): 32-bit words, with what a write may change. What a write sets off is the unit's (unit.ts).
 *
 * Accesses are of 4 or 8 bytes at a multiple of their size; others, and what lies outside 4 KiB, read as zero and change nothing.
 */
import { highHalf, joinHalves, lowHalf } from '../../base/halves.ts';
import { fieldMask, type Layout } from '../../base/layout.ts';
import type { Capabilities } from './capabilities.ts';
import {
  CAP,
  CCMD,
  ECAP,
  EVENT_CONTROL,
  FRCD,
  FSTS,
  GCMD,
  ICS,
  IOTLB,
  IQA,
  IQH,
  IQT,
  IVA,
  RTADDR,
} from './register-layouts.ts';

export const VER_OFFSET = 0x0;
export const CAP_OFFSET = 0x8;
export const ECAP_OFFSET = 0x10;
export const GCMD_OFFSET = 0x18;
export const GSTS_OFFSET = 0x1c;
export const RTADDR_OFFSET = 0x20;
export const CCMD_OFFSET = 0x28;
export const FSTS_OFFSET = 0x34;
export const FECTL_OFFSET = 0x38;
export const IQH_OFFSET = 0x80;
export const IQT_OFFSET = 0x88;
export const IQA_OFFSET = 0x90;
export const ICS_OFFSET = 0x9c;
export const IECTL_OFFSET = 0xa0;

export interface Register {
  readonly name: string;
  readonly offset: number;
  /** Bytes: 4 or 8 (FRCD: 16). */
  readonly size: number;
  readonly layout: Layout | null;
  /** Bits that a write sets. */
  readonly writable: bigint;
  /** Bits that read as zero. */
  readonly writeOnly: bigint;
  /** Bits that a write of one clears. */
  readonly writeOneToClear: bigint;
}

const ALL_32 = 0xffffffffn;

/** The registers of a unit with these capabilities. */
export function registersOf(caps: Capabilities): readonly Register[] {
  const plain = (name: string, offset: number, size: number, layout: Layout | null, writable: bigint): Register => ({
    name,
    offset,
    size,
    layout,
    writable,
    writeOnly: 0n,
    writeOneToClear: 0n,
  });
  const clearing = (name: string, offset: number, size: number, layout: Layout, ...fields: string[]): Register => ({
    ...plain(name, offset, size, layout, 0n),
    writeOneToClear: masks(layout, ...fields),
  });
  const event = (name: string, offset: number): readonly Register[] => [
    plain(`${name}CTL`, offset, 4, EVENT_CONTROL, masks(EVENT_CONTROL, 'IM')),
    plain(`${name}DATA`, offset + 4, 4, null, ALL_32),
    plain(`${name}ADDR`, offset + 8, 4, null, 0xfffffffcn),
    plain(`${name}UADDR`, offset + 12, 4, null, ALL_32),
  ];
  const queue = !caps.queued
    ? []
    : [
        plain('IQH', IQH_OFFSET, 8, IQH, 0n),
        plain('IQT', IQT_OFFSET, 8, IQT, masks(IQT, 'QT')),
        plain('IQA', IQA_OFFSET, 8, IQA, masks(IQA, 'QS', 'IQA', ...(caps.scalable ? ['DW'] : []))),
        clearing('ICS', ICS_OFFSET, 4, ICS, 'IWC'),
        ...event('IE', IECTL_OFFSET),
      ];
  const records = Array.from({ length: caps.faultRecords }, (_, i) =>
    clearing(`FRCD${i}`, caps.faultOffset + 16 * i, 16, FRCD, 'F'),
  );
  return [
    plain('VER', VER_OFFSET, 4, null, 0n),
    plain('CAP', CAP_OFFSET, 8, CAP, 0n),
    plain('ECAP', ECAP_OFFSET, 8, ECAP, 0n),
    { ...plain('GCMD', GCMD_OFFSET, 4, GCMD, 0n), writeOnly: ALL_32 },
    plain('GSTS', GSTS_OFFSET, 4, GCMD, 0n),
    plain('RTADDR', RTADDR_OFFSET, 8, RTADDR, masks(RTADDR, 'RTA', ...(caps.scalable ? ['TTM'] : []))),
    {
      ...plain('CCMD', CCMD_OFFSET, 8, CCMD, masks(CCMD, 'DID', 'SID', 'FM', 'CIRG', 'ICC')),
      writeOnly: masks(CCMD, 'SID', 'FM'),
    },
    clearing('FSTS', FSTS_OFFSET, 4, FSTS, 'PFO', 'IQE', 'ICE', 'ITE'),
    ...event('FE', FECTL_OFFSET),
    ...queue,
    plain('IVA', caps.iotlbOffset, 8, IVA, masks(IVA, 'AM', 'IH', 'ADDR')),
    plain('IOTLB', caps.iotlbOffset + 8, 8, IOTLB, masks(IOTLB, 'DID', 'DW', 'DR', 'IIRG', 'IVT')),
    ...records,
  ];
}

function masks(table: Layout, ...names: string[]): bigint {
  return names.reduce((mask, name) => mask | fieldMask(table.fields[name]!), 0n);
}

const WORDS = 1024;

/** What a write changes in each word, the same for all units of some capabilities. */
interface Masks {
  readonly registers: readonly Register[];
  readonly writable: Int32Array;
  readonly clearing: Int32Array;
  /** Bits that read as zero. */
  readonly hidden: Int32Array;
}

const KNOWN = new WeakMap<Capabilities, Masks>();

function masksOf(caps: Capabilities): Masks {
  const known = KNOWN.get(caps);
  if (known !== undefined) return known;
  const registers = registersOf(caps);
  const words = () => new Int32Array(WORDS);
  const made = { registers, writable: words(), clearing: words(), hidden: words() };
  for (const { offset, size, writable, writeOneToClear, writeOnly } of registers) {
    for (let half = 0; half < size / 4; half++) {
      const of = (mask: bigint) => lowHalf(mask >> BigInt(32 * half));
      made.writable[offset / 4 + half] = of(writable);
      made.clearing[offset / 4 + half] = of(writeOneToClear);
      made.hidden[offset / 4 + half] = of(writeOnly);
    }
  }
  KNOWN.set(caps, made);
  return made;
}

export class RegisterFile {
  readonly registers: readonly Register[];
  readonly words = new Int32Array(WORDS);
  private readonly writable: Int32Array;
  private readonly clearing: Int32Array;
  private readonly hidden: Int32Array;

  constructor(caps: Capabilities) {
    const { clearing, hidden, registers, writable } = masksOf(caps);
    this.registers = registers;
    this.writable = writable;
    this.clearing = clearing;
    this.hidden = hidden;
    // Version 6.0 of the architecture's register set.
    this.words[VER_OFFSET / 4] = 0x60;
    this.set64(CAP_OFFSET, caps.cap);
    this.set64(ECAP_OFFSET, caps.ecap);
    // Faults and invalidation events are masked when a unit comes out of reset.
    this.words[FECTL_OFFSET / 4] = 1 << 31;
    if (caps.queued) this.words[IECTL_OFFSET / 4] = 1 << 31;
  }

  get32(offset: number): number {
    return this.words[offset >> 2]!;
  }

  set32(offset: number, value: number): void {
    this.words[offset >> 2] = value;
  }

  get64(offset: number): bigint {
    const at = offset >> 2;
    return joinHalves(this.words[at]!, this.words[at + 1]!);
  }

  set64(offset: number, value: bigint): void {
    this.words[offset >> 2] = lowHalf(value);
    this.words[(offset >> 2) + 1] = highHalf(value);
  }

  isAccess(offset: number, size: number): boolean {
    return (size === 4 || size === 8) && offset >= 0 && offset % size === 0 && offset + size <= 4 * WORDS;
  }

  /** What software reads. */
  read(offset: number, size: number): bigint {
    if (!this.isAccess(offset, size)) return 0n;
    const low = this.readWord(offset >> 2);
    return size === 4 ? low : low | (this.readWord((offset >> 2) + 1) << 32n);
  }

  private readWord(at: number): bigint {
    return BigInt((this.words[at]! & ~this.hidden[at]!) >>> 0);
  }

  /** What a write of 4 bytes by software changes by itself. Context: `isAccess`. */
  writeWord(offset: number, value: number): void {
    const at = offset >> 2;
    const writable = this.writable[at]!;
    this.words[at] = (this.words[at]! & ~writable & ~(value & this.clearing[at]!)) | (value & writable);
  }
}
