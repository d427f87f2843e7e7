/** A unit with memory that has holes, tables to be built in it, and what the unit sends, kept. */
import { encode } from '../../../src/base/layout.ts';
import { NO_PASID, READ } from '../../../src/hw/vtd/caches.ts';
import { type DeviceTlbPort, SparseMemory } from '../../../src/hw/vtd/memory.ts';
import { CAP, ECAP } from '../../../src/hw/vtd/register-layouts.ts';
import { GCMD_OFFSET, RTADDR_OFFSET } from '../../../src/hw/vtd/registers.ts';
import type { Choices } from '../../../src/hw/vtd/state.ts';
import { type Outcome, VtdUnit } from '../../../src/hw/vtd/unit.ts';
import { UNTRANSLATED } from '../../../src/hw/vtd/walk.ts';

export const HAW = 46;
/** Nothing answers from here to the end of the address width. Aligned for all page sizes. */
export const HOLE = 1n << 45n;
export const FAULTS = 0x220;
export const IVA = 0x500;
export const IOTLB = 0x508;

type Bits = Readonly<Record<string, number>>;

const CAP_BITS: Bits = {
  ND: 6,
  SAGAW: 0xe,
  MGAW: 56,
  FRO: FAULTS / 16,
  SSLPS: 3,
  PSI: 1,
  MAMV: 18,
  DWD: 1,
  DRD: 1,
  FS1GP: 1,
  FS5LP: 1,
};

const ECAP_BITS: Bits = {
  C: 1,
  QI: 1,
  DT: 1,
  IR: 1,
  PT: 1,
  SC: 1,
  IRO: IVA / 16,
  NEST: 1,
  PRS: 1,
  ERS: 1,
  SRS: 1,
  EAFS: 1,
  PSS: 19,
  PASID: 1,
  SMTS: 1,
  SSADS: 1,
  SSTS: 1,
  FSTS: 1,
  SMPWCS: 1,
  RPS: 1,
  ABTS: 1,
  RPRIVS: 1,
};

/** No caches: each request looks at memory. */
export const UNCACHED: Choices = { contexts: 0, pasids: 0, iotlb: 0, structures: 0 };

export interface MachineOptions {
  readonly cap?: Bits;
  readonly ecap?: Bits;
  readonly choices?: Choices;
  readonly deviceTlbs?: DeviceTlbPort;
}

export interface Request {
  readonly sourceId: number;
  readonly pasid: number;
  readonly page: number;
  readonly access: number;
  readonly privileged: boolean;
  readonly addressType: number;
}

export function request(values: Partial<Request>): Request {
  return {
    sourceId: 0,
    pasid: NO_PASID,
    page: 0,
    access: READ,
    privileged: false,
    addressType: UNTRANSLATED,
    ...values,
  };
}

export const TE = 0x80000000n;
export const SRTP = 0x40000000n;
export const QIE = 0x04000000n;

export class Machine {
  readonly memory = new SparseMemory([[0n, HOLE]]);
  readonly unit: VtdUnit;
  readonly messages: { address: bigint; data: number }[] = [];
  private nextFrame = 0x100000n;
  private enabled = 0n;

  constructor({ cap = {}, ecap = {}, choices = {}, deviceTlbs }: MachineOptions = {}) {
    this.unit = new VtdUnit({
      cap: encode(CAP, { ...CAP_BITS, ...cap }),
      ecap: encode(ECAP, { ...ECAP_BITS, ...ecap }),
      haw: HAW,
      memory: this.memory,
      interrupts: { message: (address, data) => this.messages.push({ address, data }) },
      ...(deviceTlbs === undefined ? {} : { deviceTlbs }),
      ...choices,
    });
  }

  /** Address of frames that nothing has been stored in; of a multiple of `alignment` frames. */
  frames(count = 1, alignment = 1): bigint {
    const size = BigInt(alignment) << 12n;
    const at = ((this.nextFrame + size - 1n) / size) * size;
    this.nextFrame = at + (BigInt(count) << 12n);
    return at;
  }

  word(address: bigint): bigint {
    return this.memory.read(address);
  }

  put(address: bigint, value: bigint): void {
    this.memory.write(address, value);
  }

  /** Stores an entry of `bits` bits. */
  putEntry(address: bigint, bits: number, value: bigint): void {
    for (let i = 0; i < bits / 64; i++) this.put(address + BigInt(8 * i), BigInt.asUintN(64, value >> BigInt(64 * i)));
  }

  /** RTADDR, SRTP and TE, with what is enabled. */
  start(root: bigint, mode: number): void {
    this.unit.write(RTADDR_OFFSET, 8, root | (BigInt(mode) << 10n));
    this.unit.write(GCMD_OFFSET, 4, this.enabled | SRTP);
    this.command(this.enabled | TE);
  }

  command(enabled: bigint): void {
    this.enabled = enabled;
    this.unit.write(GCMD_OFFSET, 4, enabled);
  }

  /** GCMD with more bits. */
  enable(bits: bigint): void {
    this.command(this.enabled | bits);
  }

  disable(bits: bigint): void {
    this.command(this.enabled & ~bits);
  }

  access({ sourceId, pasid, page, access, privileged, addressType }: Request): Outcome {
    return this.unit.access(sourceId, pasid, page, access, privileged, addressType);
  }

  /** Clears F of record `index`. */
  clearRecord(index = 0): void {
    this.unit.write(FAULTS + 16 * index + 8, 8, 1n << 63n);
  }
}
