/**
 * Where the emulated unit and the model differ, by name. A deviation says what the model would answer if it departed from its rule in
 * that way: on memory with a patch, or in place of its own outcome. A step's difference is explained by the fewest deviations that
 * together turn our answer into theirs exactly; nothing is taken for granted by what a case is called.
 */
import { reservedMask } from '../../base/layout.ts';
import { PASID_ENTRY, REASONS } from '../../hw/index.ts';
import type { DmaOutcome } from './golden.ts';
import { faultOutcome, type Read, type Trial } from './trial.ts';

/** What the model would answer: on memory with these words, or at once. */
export type Variation =
  | { readonly patches: readonly (readonly [address: bigint, value: bigint])[] }
  | { readonly outcome: DmaOutcome };

export interface Context {
  /** The IOTLB has a translation of the page that lacks the right. */
  readonly hasNarrow: boolean;
  /** QEMU before 9.2, which knows no first stage. */
  readonly isOld: boolean;
}

export interface Deviation {
  readonly id: string;
  /** Who keeps the rule. */
  readonly right: 'qemu' | 'ours' | 'unsure';
  readonly rule: string;
  readonly why: string;
  /** It is about how an outcome is told, and so fits one that came from a cache; else the access is walked anew. */
  readonly isReport?: true;
  /** `outcome`: as far as other deviations have changed it. */
  readonly vary: (trial: Trial, outcome: DmaOutcome, context: Context) => Variation | null;
}

const ONES = 2n ** 64n - 1n;
/** Reserved bits of a PASID table entry, by quadword. */
const PASID_RESERVED = Array.from({ length: 8 }, (_, word) => (reservedMask(PASID_ENTRY) >> BigInt(64 * word)) & ONES);
const R = REASONS;

/** Words of tables before the paging entries: root and context entry; with directory and PASID table entry. */
function pagingReads({ isScalable, reads }: Trial): readonly Read[] {
  return reads.slice(isScalable ? 15 : 4);
}

function last<T>(list: readonly T[]): T | undefined {
  return list[list.length - 1];
}

/** Whether the walk is one of the first stage: by the type in the PASID table entry, which follows its directory entry. */
function isFirstStage({ isScalable, reads }: Trial): boolean {
  return isScalable && reads.length > 7 && ((reads[7]!.value >> 6n) & 7n) === 1n;
}

const LEGACY_CODES: Readonly<Record<number, number>> = {
  [R.S_ROOT_ACCESS.code]: R.L_ROOT_ACCESS.code,
  [R.S_ROOT_NOT_PRESENT.code]: R.L_ROOT_NOT_PRESENT.code,
  [R.S_ROOT_RESERVED.code]: R.L_ROOT_RESERVED.code,
  [R.S_CONTEXT_ACCESS.code]: R.L_CONTEXT_ACCESS.code,
  [R.S_CONTEXT_NOT_PRESENT.code]: R.L_CONTEXT_NOT_PRESENT.code,
  [R.S_CONTEXT_RESERVED.code]: R.L_CONTEXT_RESERVED.code,
  [R.S_SECOND_ACCESS.code]: R.L_TABLE_ACCESS.code,
  [R.S_SECOND_RESERVED.code]: R.L_PAGING_RESERVED.code,
  [R.S_SECOND_TOP_ACCESS.code]: R.L_CONTEXT_INVALID.code,
  [R.S_BEYOND_HARDWARE.code]: R.L_BEYOND_WIDTH.code,
  [R.S_BEYOND_WIDTH.code]: R.L_BEYOND_WIDTH.code,
};

const PASID_CODES: readonly number[] = [
  R.S_RID_PASID.code,
  R.S_DIRECTORY_ACCESS.code,
  R.S_DIRECTORY_NOT_PRESENT.code,
  R.S_DIRECTORY_RESERVED.code,
  R.S_PASID_NOT_PRESENT.code,
  R.S_PASID_RESERVED.code,
  R.S_PASID_INVALID.code,
];

/** Faults of root, context and PASID tables, in the numbers of both modes. */
const TABLE_CODES: readonly number[] = [
  ...PASID_CODES,
  ...[R.L_ROOT_ACCESS, R.L_ROOT_NOT_PRESENT, R.L_ROOT_RESERVED].map(({ code }) => code),
  ...[R.S_ROOT_ACCESS, R.S_ROOT_NOT_PRESENT, R.S_ROOT_RESERVED].map(({ code }) => code),
  ...[R.L_CONTEXT_ACCESS, R.L_CONTEXT_NOT_PRESENT, R.L_CONTEXT_RESERVED].map(({ code }) => code),
  ...[R.S_CONTEXT_ACCESS, R.S_CONTEXT_NOT_PRESENT, R.S_CONTEXT_RESERVED].map(({ code }) => code),
];

/** The fault that a walk which checks rights at each level ends with, or 0. */
function earlyRefusal(trial: Trial): number {
  const { access, isScalable } = trial;
  const isFirst = isFirstStage(trial);
  for (const { value } of pagingReads(trial)) {
    if (isFirst) {
      if ((value & 1n) === 0n) return 0;
      if ((value & 4n) === 0n) return R.S_USER.code;
      if (access.write && (value & 2n) === 0n) return R.S_WRITE.code;
    } else {
      const need = access.write ? 2n : 1n;
      if ((value & need) !== 0n) continue;
      if (isScalable) return R.S_SECOND_PERMISSION.code;
      return access.write ? R.L_WRITE.code : R.L_READ.code;
    }
  }
  return 0;
}

export const DEVIATIONS: readonly Deviation[] = [
  {
    id: 'legacy-codes-in-scalable-mode',
    right: 'ours',
    rule: 'scalable mode has fault reasons of its own, from 30h on',
    why: 'the emulation has one table of reasons for root, context and second-stage faults of both modes',
    isReport: true,
    vary: ({ access, isScalable }, outcome) => {
      if (!isScalable || !('fault' in outcome)) return null;
      const permission = access.write ? R.L_WRITE.code : R.L_READ.code;
      const isPermission = outcome.fault === R.S_SECOND_PERMISSION.code;
      const fault = isPermission ? permission : LEGACY_CODES[outcome.fault];
      return fault === undefined ? null : { outcome: { ...outcome, fault } };
    },
  },
  {
    id: 'one-code-for-pasid-tables',
    right: 'ours',
    rule: 'directory and PASID table entry have reasons of their own: 50h to 52h, 58h to 5Bh',
    why: 'QEMU before 9.2 reports 58h for all of them',
    isReport: true,
    vary: (_, outcome, { isOld }) =>
      isOld && 'fault' in outcome && PASID_CODES.includes(outcome.fault)
        ? { outcome: { ...outcome, fault: R.S_PASID_ACCESS.code } }
        : null,
  },
  {
    id: 'pasid-present-without-pasid',
    right: 'ours',
    rule: 'FRCD.PP says that the request came with a PASID',
    why: 'the emulation sets it for faults of page walks of requests without one too, with RID_PASID as the value',
    isReport: true,
    vary: ({ isScalable, ridPasid }, outcome) =>
      isScalable && 'fault' in outcome && outcome.pp === 0 && !TABLE_CODES.includes(outcome.fault)
        ? { outcome: { ...outcome, pp: 1, pv: ridPasid } }
        : null,
  },
  {
    id: 'cached-without-right',
    right: 'ours',
    rule: 'a fault is recorded unless FPD; rights may be added to an entry without an invalidation',
    why: 'an access that a cached translation does not allow is dropped: no walk, no fault',
    isReport: true,
    vary: (_, __, { hasNarrow }) => (hasNarrow ? { outcome: { blocked: true } } : null),
  },
  {
    id: 'all-ones-is-unreadable',
    right: 'ours',
    rule: 'an entry of all ones has reserved bits set',
    why: 'the emulation takes the value for a failed read',
    vary: (trial) => {
      const paging = pagingReads(trial);
      if (last(paging)?.value !== ONES) return null;
      const isTop = paging.length === 1;
      const fault = isFirstStage(trial)
        ? isTop
          ? R.S_FIRST_TOP_ACCESS
          : R.S_FIRST_ACCESS
        : trial.isScalable
          ? isTop
            ? R.S_SECOND_TOP_ACCESS
            : R.S_SECOND_ACCESS
          : isTop
            ? R.L_CONTEXT_INVALID
            : R.L_TABLE_ACCESS;
      return trial.fpd ? null : { outcome: faultOutcome(trial.access, fault.code) };
    },
  },
  {
    id: 'superpage-beside-interrupt-range',
    right: 'ours',
    rule: 'only an address that comes to lie in FEExxxxxh faults',
    why: 'the emulation faults on all of a large page that has the range in it',
    vary: ({ access, fpd, isScalable, pfn, reason, size }) => {
      if (reason !== 0 || size === 0 || fpd) return null;
      const first = pfn - (pfn % 512 ** size);
      const isNear = first <= 0xfeeff && first + 512 ** size > 0xfee00;
      const fault = isScalable ? R.S_INTERRUPT_RANGE : R.L_INTERRUPT_RANGE;
      return isNear ? { outcome: faultOutcome(access, fault.code) } : null;
    },
  },
  {
    id: 'scalable-code-in-legacy-mode',
    right: 'ours',
    rule: 'legacy mode reports the interrupt range as 0Eh',
    why: 'the emulation of a unit that has scalable mode says 87h in legacy mode too',
    isReport: true,
    vary: ({ hasScalable, isScalable }, outcome) =>
      hasScalable && !isScalable && 'fault' in outcome && outcome.fault === R.L_INTERRUPT_RANGE.code
        ? { outcome: { ...outcome, fault: R.S_INTERRUPT_RANGE.code } }
        : null,
  },
  {
    id: 'pass-through-of-any-width',
    right: 'unsure',
    rule: 'an address beyond the width of the unit faults, translated or passed through',
    why: 'the emulation passes every address through; whether AW and MGAW bound pass-through is not certain to us',
    vary: ({ access, memory, reads, reason, isScalable }) => {
      const isPassThrough = isScalable
        ? (((reads[7]?.value ?? 0n) >> 6n) & 7n) === 4n
        : (((reads[2]?.value ?? 0n) >> 2n) & 3n) === 2n;
      const isBeyond = reason === R.L_BEYOND_WIDTH.code || reason === R.S_BEYOND_HARDWARE.code;
      if (!isPassThrough || !isBeyond) return null;
      return { outcome: memory.answers(access.address) ? { ok: access.address } : { blocked: true } };
    },
  },
  {
    id: 'rights-at-each-level',
    right: 'ours',
    rule: 'what a translation may do is what its entries allow together; each entry is checked for reserved bits as it is read',
    why: 'the emulation refuses at the first entry without the right, before it looks at reserved bits or at the next table',
    vary: (trial) => {
      const fault = trial.fpd ? 0 : earlyRefusal(trial);
      return fault === 0 ? null : { outcome: faultOutcome(trial.access, fault) };
    },
  },
  {
    id: 'context-reserved-despite-fpd',
    right: 'unsure',
    rule: 'a fault in a context entry is not recorded if the entry has FPD set',
    why: 'the emulation does not count reserved bits in a context entry among the qualified faults',
    vary: ({ access, fpd, reason }) =>
      fpd && (reason === R.L_CONTEXT_RESERVED.code || reason === R.S_CONTEXT_RESERVED.code)
        ? { outcome: faultOutcome(access, reason) }
        : null,
  },
  {
    id: 'pasid-tables-despite-fpd',
    right: 'ours',
    rule: 'a fault in a directory or PASID table entry is not recorded if it, or an entry before it, has FPD set',
    why: 'QEMU before 9.2 has one code for them, which is not qualified; FPD in these entries counts only once all are good',
    vary: ({ access, fpd, reads, reason }, _, { isOld }) => {
      if (!fpd || !PASID_CODES.includes(reason)) return null;
      // From 9.2 on the context entry's FPD counts.
      return isOld || (reads[2]!.value & 2n) === 0n ? { outcome: faultOutcome(access, reason) } : null;
    },
  },
  {
    id: 'pasid-table-access-despite-fpd',
    right: 'unsure',
    rule: 'a fault behind an entry with FPD set is not recorded',
    why: 'the emulation records a directory or PASID table entry that cannot be read all the same; whether these are qualified faults is not certain to us',
    vary: ({ access, fpd, reason }) =>
      fpd && (reason === R.S_DIRECTORY_ACCESS.code || reason === R.S_PASID_ACCESS.code)
        ? { outcome: faultOutcome(access, reason) }
        : null,
  },
  {
    id: 'pasid-entry-reserved-bits',
    right: 'ours',
    rule: 'reserved bits of a PASID table entry are a fault (5Ah)',
    why: 'the emulation looks at some of them only',
    vary: ({ memory, reads, reason }) => {
      const entry = reads[7];
      if (reason !== R.S_PASID_RESERVED.code || entry === undefined) return null;
      const words = PASID_RESERVED.map((mask, word) => {
        const address = entry.address + BigInt(8 * word);
        return [address, memory.value(address) & ~mask] as const;
      });
      return { patches: words };
    },
  },
  {
    id: 'directory-reserved-bits',
    right: 'ours',
    rule: 'reserved bits of a PASID directory entry are a fault (52h)',
    why: 'the emulation does not look at them; those above the address width make an address that nothing answers',
    vary: ({ access, haw, reads, reason }) => {
      const entry = reads[6];
      if (reason !== R.S_DIRECTORY_RESERVED.code || entry === undefined) return null;
      if (entry.value >> BigInt(haw) !== 0n) return { outcome: faultOutcome(access, R.S_PASID_ACCESS.code) };
      return { patches: [[entry.address, entry.value & ~0xffcn]] };
    },
  },
  {
    id: 'directory-size-unchecked',
    right: 'ours',
    rule: 'the PASID directory has 2^(PDTS+7) entries; RID_PASID beyond them is a fault (48h)',
    why: 'the emulation does not look at PDTS',
    vary: ({ reads, reason }) => {
      const entry = reads[2];
      if (reason !== R.S_RID_PASID.code || entry === undefined) return null;
      return { patches: [[entry.address, entry.value | 0xe00n]] };
    },
  },
  {
    id: 'type-not-supported-is-second-stage',
    right: 'ours',
    rule: 'a translation type that the unit has not is a fault (5Bh)',
    why: 'QEMU before 9.2 takes first stage and nested for second stage',
    vary: ({ reads, reason }, _, { isOld }) => {
      const entry = reads[7];
      if (!isOld || reason !== R.S_PASID_INVALID.code || entry === undefined) return null;
      const type = (entry.value >> 6n) & 7n;
      return type === 1n || type === 3n ? { patches: [[entry.address, (entry.value & ~0x1c0n) | 0x80n]] } : null;
    },
  },
  {
    id: 'type-before-present',
    right: 'ours',
    rule: 'a PASID table entry that is not present is 59h, whatever else is in it',
    why: 'the emulation of 10.0 looks at the type first',
    vary: ({ access, fpd, reason }, _, { isOld }) =>
      !isOld && reason === R.S_PASID_NOT_PRESENT.code && !fpd
        ? { outcome: faultOutcome(access, R.S_PASID_INVALID.code) }
        : null,
  },
  {
    id: 'leaf-bit-11-never-reserved',
    right: 'ours',
    rule: 'bit 11 of a leaf is reserved in a unit without snoop control',
    why: 'the emulation does not look at it in a unit that has scalable mode',
    vary: (trial) => {
      const entry = last(pagingReads(trial));
      const isReserved = trial.reason === R.S_SECOND_RESERVED.code || trial.reason === R.L_PAGING_RESERVED.code;
      if (!trial.hasScalable || !isReserved || entry === undefined) return null;
      return (entry.value & 0x800n) === 0n ? null : { patches: [[entry.address, entry.value & ~0x800n]] };
    },
  },
  {
    id: 'other-half-of-root-entry',
    right: 'ours',
    rule: 'the half of a root entry that a request uses is the one that is checked',
    why: 'the emulation checks both halves for reserved bits',
    vary: ({ access, haw, isScalable, reads, reason }) => {
      const other = reads[(access.rid & 0x80) === 0 ? 1 : 0];
      if (!isScalable || other === undefined || reason === R.S_ROOT_NOT_PRESENT.code) return null;
      const reserved = 0xffen | (ONES ^ (2n ** BigInt(haw) - 1n));
      return (other.value & reserved) === 0n ? null : { outcome: faultOutcome(access, R.S_ROOT_RESERVED.code) };
    },
  },
];
