/**
 * Fault reasons (VT-d 7.1.3, annex of fault codes; texts in our words after Linux drivers/iommu/intel/dmar.c). A qualified one is
 * not recorded where the entry that was reached says FPD.
 *
 * Legacy mode has its own numbers; the names below say which mode a reason belongs to by L_ and S_.
 */

export interface FaultReason {
  readonly code: number;
  readonly text: string;
  /** Not recorded, not reported, where FPD is set in an entry that was reached. */
  readonly qualified: boolean;
}

const reason = (code: number, text: string, qualified = true): FaultReason => ({ code, text, qualified });

export const REASONS = {
  L_ROOT_NOT_PRESENT: reason(0x01, 'root entry is not present', false),
  L_CONTEXT_NOT_PRESENT: reason(0x02, 'context entry is not present'),
  L_CONTEXT_INVALID: reason(0x03, 'context entry is invalid: AW, TT, or its page table cannot be read'),
  L_BEYOND_WIDTH: reason(0x04, 'address is beyond the width of the tables'),
  L_WRITE: reason(0x05, 'no write permission'),
  L_READ: reason(0x06, 'no read permission'),
  L_TABLE_ACCESS: reason(0x07, 'a page table that an entry points to cannot be read'),
  L_ROOT_ACCESS: reason(0x08, 'root entry cannot be read', false),
  L_CONTEXT_ACCESS: reason(0x09, 'context entry cannot be read', false),
  L_ROOT_RESERVED: reason(0x0a, 'reserved bit set in root entry', false),
  L_CONTEXT_RESERVED: reason(0x0b, 'reserved bit set in context entry'),
  L_PAGING_RESERVED: reason(0x0c, 'reserved bit set in paging entry'),
  L_BLOCKED: reason(0x0d, 'context entry blocks translation requests and translated requests'),
  L_INTERRUPT_RANGE: reason(0x0e, 'address after translation lies in the interrupt range'),
  S_ROOT_TABLE_ADDRESS: reason(0x30, 'root table address: reserved translation table mode', false),
  S_LEGACY_WITH_PASID: reason(0x31, 'request with PASID while the unit is in legacy mode', false),
  S_ROOT_ACCESS: reason(0x38, 'root entry cannot be read', false),
  S_ROOT_NOT_PRESENT: reason(0x39, 'root entry is not present', false),
  S_ROOT_RESERVED: reason(0x3a, 'reserved bit set in root entry', false),
  S_CONTEXT_ACCESS: reason(0x40, 'context entry cannot be read', false),
  S_CONTEXT_NOT_PRESENT: reason(0x41, 'context entry is not present'),
  S_CONTEXT_RESERVED: reason(0x42, 'reserved bit set in context entry'),
  S_CONTEXT_INVALID: reason(0x43, 'context entry is invalid'),
  S_DTE_CLEAR: reason(0x44, 'translation request or translated request, and DTE is clear'),
  S_PASIDE_CLEAR: reason(0x45, 'request with PASID, and PASIDE is clear'),
  S_PASID_TOO_LARGE: reason(0x46, 'PASID is beyond the PASID directory'),
  S_PRE_CLEAR: reason(0x47, 'page request, and PRE is clear'),
  S_RID_PASID: reason(0x48, 'RID_PASID is beyond the PASID directory'),
  S_DIRECTORY_ACCESS: reason(0x50, 'PASID directory entry cannot be read'),
  S_DIRECTORY_NOT_PRESENT: reason(0x51, 'PASID directory entry is not present'),
  S_DIRECTORY_RESERVED: reason(0x52, 'reserved bit set in PASID directory entry'),
  S_PASID_ACCESS: reason(0x58, 'PASID table entry cannot be read'),
  S_PASID_NOT_PRESENT: reason(0x59, 'PASID table entry is not present'),
  S_PASID_RESERVED: reason(0x5a, 'reserved bit set in PASID table entry'),
  S_PASID_INVALID: reason(0x5b, 'PASID table entry is invalid: PGTT, AW or FSPM'),
  S_ERE_CLEAR: reason(0x5c, 'request to execute, and ERE is clear'),
  S_SRE_CLEAR: reason(0x5d, 'supervisor request, and SRE is clear'),
  S_FIRST_ACCESS: reason(0x70, 'first-stage table that an entry points to cannot be read'),
  S_FIRST_NOT_PRESENT: reason(0x71, 'first-stage entry is not present'),
  S_FIRST_RESERVED: reason(0x72, 'reserved bit set in first-stage entry'),
  S_FIRST_TOP_ACCESS: reason(0x73, 'first-stage page table of the PASID entry cannot be read'),
  S_NESTED_BEYOND_WIDTH: reason(0x74, 'first-stage entry holds an address beyond the second stage'),
  S_NESTED_TOP_READ: reason(0x75, 'second stage allows no read of the first-stage page table'),
  S_NESTED_ENTRY_READ: reason(0x76, 'second stage allows no read of a first-stage entry'),
  S_NESTED_ENTRY_WRITE: reason(0x77, 'second stage allows no write of a first-stage entry (A/D)'),
  S_SECOND_ACCESS: reason(0x78, 'second-stage table that an entry points to cannot be read'),
  S_SECOND_PERMISSION: reason(0x79, 'second stage has no permission for the access'),
  S_SECOND_RESERVED: reason(0x7a, 'reserved bit set in second-stage entry'),
  S_SECOND_TOP_ACCESS: reason(0x7b, 'second-stage page table of the PASID entry cannot be read'),
  S_SECOND_NO_SNOOP: reason(0x7c, 'A/D update of a second-stage entry while page walks do not snoop'),
  S_NOT_CANONICAL: reason(0x80, 'address is not canonical'),
  S_USER: reason(0x81, 'user request, and U/S is clear in a first-stage entry'),
  S_EXECUTE: reason(0x82, 'no execute permission'),
  S_BEYOND_HARDWARE: reason(0x83, 'address is beyond what the unit can send'),
  S_BEYOND_WIDTH: reason(0x84, 'address is beyond the width of the second-stage tables'),
  S_WRITE: reason(0x85, 'no write permission'),
  S_READ: reason(0x86, 'no read permission'),
  S_INTERRUPT_RANGE: reason(0x87, 'address after translation lies in the interrupt range'),
  S_FIRST_NO_SNOOP: reason(0x90, 'A/D update of a first-stage entry while page walks do not snoop'),
} as const satisfies Record<string, FaultReason>;

export type FaultName = keyof typeof REASONS;

const BY_CODE = new Map<number, FaultReason>(Object.values(REASONS).map((entry) => [entry.code, entry]));

export function faultReason(code: number): FaultReason | undefined {
  return BY_CODE.get(code);
}

/** By code: 1 where FPD keeps the fault from being recorded. */
export const QUALIFIED = Uint8Array.from({ length: 256 }, (_, code) => (BY_CODE.get(code)?.qualified === true ? 1 : 0));
