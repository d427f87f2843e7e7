/** What a unit can do: CAP and ECAP decoded once, and the host address width, which no register tells. */
import { decode, encode } from '../../base/layout.ts';
import { CAP, ECAP } from './register-layouts.ts';

export interface Capabilities {
  readonly cap: bigint;
  readonly ecap: bigint;
  /** Host address width: bits of a physical address (DMAR table). */
  readonly haw: number;
  /** Bits of an address that a request may have. */
  readonly mgaw: number;
  /** Bit AW is set where tables of that width can be walked. */
  readonly sagaw: number;
  /** Fault recording registers, and the offset of the first. */
  readonly faultRecords: number;
  readonly faultOffset: number;
  /** Offset of IVA; IOTLB is behind it. */
  readonly iotlbOffset: number;
  /** Largest address mask of a page-selective invalidation. */
  readonly maxAddressMask: number;
  readonly pageSelective: boolean;
  readonly cachingMode: boolean;
  readonly deviceTlb: boolean;
  readonly passThrough: boolean;
  readonly snoopControl: boolean;
  readonly queued: boolean;
  readonly scalable: boolean;
  readonly firstStage: boolean;
  readonly secondStage: boolean;
  readonly nested: boolean;
  readonly fiveLevels: boolean;
  readonly firstStage1G: boolean;
  readonly secondStageLarge: number;
  readonly interruptRemapping: boolean;
  readonly pageRequests: boolean;
  /** Page walks of scalable mode can be told to snoop (SMPWCS). */
  readonly walkSnoop: boolean;
  /** The mode that aborts all DMA. */
  readonly abortDma: boolean;
  /** Setting the root table pointer invalidates everything that was found by the old one (ESRTPS). */
  readonly rootInvalidates: boolean;
}

/** Those decoded last, so that units that are made again and again share what is derived from them. */
const KNOWN: Capabilities[] = [];
const MOST_KNOWN = 16;

export function capabilities(cap: bigint, ecap: bigint, haw: number): Capabilities {
  const known = KNOWN.find((one) => one.cap === cap && one.ecap === ecap && one.haw === haw);
  if (known !== undefined) return known;
  const made = decodeBoth(cap, ecap, haw);
  KNOWN.push(made);
  if (KNOWN.length > MOST_KNOWN) KNOWN.shift();
  return made;
}

function decodeBoth(cap: bigint, ecap: bigint, haw: number): Capabilities {
  const c = decode(CAP, cap);
  const e = decode(ECAP, ecap);
  return {
    cap,
    ecap,
    haw,
    mgaw: Number(c.MGAW) + 1,
    sagaw: Number(c.SAGAW),
    faultRecords: Number(c.NFR) + 1,
    faultOffset: Number(c.FRO) * 16,
    iotlbOffset: Number(e.IRO) * 16,
    maxAddressMask: Number(c.MAMV),
    pageSelective: c.PSI === 1n,
    cachingMode: c.CM === 1n,
    deviceTlb: e.DT === 1n,
    passThrough: e.PT === 1n,
    snoopControl: e.SC === 1n,
    queued: e.QI === 1n,
    scalable: e.SMTS === 1n,
    firstStage: e.FSTS === 1n,
    secondStage: e.SSTS === 1n,
    nested: e.NEST === 1n,
    fiveLevels: c.FS5LP === 1n,
    firstStage1G: c.FS1GP === 1n,
    secondStageLarge: Number(c.SSLPS),
    interruptRemapping: e.IR === 1n,
    pageRequests: e.PRS === 1n,
    walkSnoop: e.SMPWCS === 1n,
    abortDma: e.ABTS === 1n,
    rootInvalidates: c.ESRTPS === 1n,
  };
}

/** A unit with scalable mode and all that this model has: both stages, nested, PASIDs, device TLBs; 48 bits. */
export const FULL_UNIT: Capabilities = capabilities(
  encode(CAP, {
    ND: 6,
    SAGAW: 0b00110,
    MGAW: 47,
    FRO: 0x22,
    SSLPS: 0b0011,
    PSI: 1,
    NFR: 7,
    MAMV: 18,
    DWD: 1,
    DRD: 1,
    FS1GP: 1,
  }),
  encode(ECAP, {
    C: 1,
    QI: 1,
    DT: 1,
    PT: 1,
    SC: 1,
    IRO: 0x30,
    NEST: 1,
    PRS: 1,
    ERS: 1,
    SRS: 1,
    PSS: 19,
    PASID: 1,
    SMTS: 1,
    SSADS: 1,
    SSTS: 1,
    FSTS: 1,
    RPS: 1,
    RPRIVS: 1,
  }),
  48,
);
