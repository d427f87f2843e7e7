/** What an entry that is no good is answered with, by the specification: written out, not taken from the model. */
import { fieldMask, type Layout } from '../../../src/base/layout.ts';
import {
  CONTEXT_ENTRY,
  PASID_DIRECTORY_ENTRY,
  PASID_ENTRY,
  ROOT_ENTRY,
  SCALABLE_CONTEXT_ENTRY,
} from '../../../src/hw/vtd/layouts.ts';
import { HAW } from './machine.ts';
import type { Step } from './tables.ts';

export interface Codes {
  readonly absent: number;
  readonly reserved: number;
  readonly unreadable: number;
}

const LEGACY = {
  root: { absent: 0x01, reserved: 0x0a, unreadable: 0x08 },
  context: { absent: 0x02, reserved: 0x0b, unreadable: 0x09 },
} as const;

const SCALABLE = {
  root: { absent: 0x39, reserved: 0x3a, unreadable: 0x38 },
  context: { absent: 0x41, reserved: 0x42, unreadable: 0x40 },
  directory: { absent: 0x51, reserved: 0x52, unreadable: 0x50 },
  pasid: { absent: 0x59, reserved: 0x5a, unreadable: 0x58 },
} as const;

const PERMISSION = { request: 0x79, top: 0x75, table: 0x76 } as const;

export function codesOf(step: Step, isLegacy: boolean, isWrite: boolean): Codes {
  const { structure, isTop, purpose } = step;
  if (structure === 'first') return { absent: 0x71, reserved: 0x72, unreadable: isTop ? 0x73 : 0x70 };
  if (structure === 'second') {
    if (isLegacy) return { absent: isWrite ? 0x05 : 0x06, reserved: 0x0c, unreadable: isTop ? 0x03 : 0x07 };
    return { absent: PERMISSION[purpose], reserved: 0x7a, unreadable: isTop ? 0x7b : 0x78 };
  }
  if (!isLegacy) return SCALABLE[structure];
  return LEGACY[structure === 'root' ? 'root' : 'context'];
}

/** Faults that are recorded whatever FPD says: those of the root entry and of its table. */
export function isQualified(code: number): boolean {
  return ![0x01, 0x08, 0x0a, 0x30, 0x31, 0x38, 0x39, 0x3a].includes(code);
}

const WORD = 2n ** 64n - 1n;

function span(high: number, low: number): bigint {
  return (1n << BigInt(high + 1)) - (1n << BigInt(low));
}

function kindMask(table: Layout, kind: string): bigint {
  return Object.values(table.fields)
    .filter((field) => field.kind === kind)
    .reduce((mask, field) => mask | fieldMask(field), 0n);
}

/** Bits that make the entry present, all to be clear for it to be absent. */
export function presence(step: Step): bigint {
  return step.structure === 'second' ? 3n : 1n;
}

export interface Features {
  /** CAP.SSLPS, FS1GP; ECAP.SC, DT. */
  readonly snoop: boolean;
  readonly deviceTlb: boolean;
  readonly nxe: boolean;
}

/** Bits of the entry that must be zero. */
export function reservedOf(step: Step, isLegacy: boolean, features: Features): bigint {
  const beyond = span(63, HAW);
  switch (step.structure) {
    case 'root':
      return isLegacy ? kindMask(ROOT_ENTRY, 'reserved') | beyond : span(11, 1) | beyond;
    case 'context':
      return kindMask(isLegacy ? CONTEXT_ENTRY : SCALABLE_CONTEXT_ENTRY, 'reserved') | beyond;
    case 'directory':
      return kindMask(PASID_DIRECTORY_ENTRY, 'reserved') | beyond;
    case 'pasid':
      return kindMask(PASID_ENTRY, 'reserved');
    case 'second':
      return secondReserved(step, features);
    case 'first':
      return firstReserved(step, features);
  }
}

/** Pointers of a PASID table entry beyond the address width, of the stages that its type uses. */
export function beyondPointers(usesSecond: boolean, usesFirst: boolean): bigint {
  return (usesSecond ? span(63, HAW) : 0n) | (usesFirst ? span(63, HAW) << 128n : 0n);
}

function secondReserved({ level, isLeaf }: Step, { snoop, deviceTlb }: Features): bigint {
  let mask = span(51, HAW);
  if (!(isLeaf && snoop)) mask |= 1n << 11n;
  if (!(isLeaf && deviceTlb)) mask |= 1n << 62n;
  if (level > 2) mask |= 0x80n;
  if (isLeaf && level > 0) mask |= span(11 + 9 * level, 12);
  return mask;
}

function firstReserved({ level, isLeaf }: Step, { nxe }: Features): bigint {
  let mask = span(51, HAW);
  if (!nxe) mask |= 1n << 63n;
  if (level > 2) mask |= 0x80n;
  // Bit 12 of a large page is its PAT.
  if (isLeaf && level > 0) mask |= span(11 + 9 * level, 13);
  return mask;
}

/** Bits that a unit does not look at. */
export function ignoredOf(step: Step, isLegacy: boolean): bigint {
  switch (step.structure) {
    case 'context':
      return isLegacy ? kindMask(CONTEXT_ENTRY, 'ignored') : 0n;
    case 'second':
      return ((1n << 63n) | span(61, 52) | span(10, 3)) & ~(step.level > 0 ? 0x80n : 0n) & WORD;
    case 'first':
      // PAT of a large page.
      return span(62, 52) | span(11, 8) | span(4, 3) | (step.isLeaf && step.level > 0 ? 1n << 12n : 0n);
    default:
      return 0n;
  }
}
