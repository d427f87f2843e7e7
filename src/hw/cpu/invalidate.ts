/**
 * Instructions that invalidate TLB entries (Intel SDM vol. 3A, 4.10.4.1; vol. 2, INVLPG, INVPCID, MOV to control registers), one step
 * each. What software need not rely on they do not do: entries stay that an instruction may or may not invalidate.
 *
 * Context of all: CPL 0. They serialize, so that no walk of this processor goes on over them (tlb.ts). Other processors know nothing of it.
 */
import { assert } from '../../base/assert.ts';
import { ATOMIC, type Flow } from '../../base/flow.ts';
import { type Cr3, isCanonical, type Mmu } from './mmu.ts';
import { CR4 } from './page-fault.ts';

/** PCIDs: bits 11:0 of CR3. */
const PCIDS = 2 ** 12;

/** The page's entries of the current PCID, and global ones. An address that is not canonical: nothing. */
export function* INVLPG(mmu: Mmu, page: number): Flow<void> {
  yield ATOMIC;
  if (isCanonical(page)) mmu.tlb.drop(page, mmu.CR3.load().pcid, 'global');
}

/** Types of INVPCID. */
export const INVPCID_TYPE = { ADDRESS: 0, SINGLE: 1, ALL_GLOBAL: 2, ALL: 3 } as const;

/** The descriptor in memory: bits 11:0, and bits 127:76 (address, as a page). */
export interface InvpcidDescriptor {
  readonly pcid: number;
  readonly page?: number;
}

/**
 * Type 0: one page of a PCID. 1: all of a PCID. 2: all of all PCIDs, global ones too. 3: the same without global ones. #GP: another
 * type, a PCID that is none or, where CR4.PCIDE is clear, not 0 (types 0 and 1), an address that is not canonical (type 0).
 */
export function* INVPCID(mmu: Mmu, type: number, { page = 0, pcid }: InvpcidDescriptor): Flow<'#GP' | null> {
  yield ATOMIC;
  if (!(type >= 0 && type <= 3) || !(pcid >= 0 && pcid < PCIDS)) return '#GP';
  if (type <= INVPCID_TYPE.SINGLE && pcid !== 0 && (mmu.CR4.load() & CR4.PCIDE) === 0) return '#GP';
  if (type === INVPCID_TYPE.ADDRESS) {
    if (!isCanonical(page)) return '#GP';
    mmu.tlb.drop(page, pcid);
  } else if (type === INVPCID_TYPE.SINGLE) mmu.tlb.flush((tag) => tag === pcid);
  else mmu.tlb.flush((tag) => type === INVPCID_TYPE.ALL_GLOBAL || tag !== 'global');
  return null;
}

/**
 * MOV to CR3. Without `NOFLUSH` (bit 63 of the operand, where CR4.PCIDE is set) all entries of the new PCID go, but for global ones; with it
 * none. #GP: NOFLUSH without CR4.PCIDE. Without PCIDE the PCID is 0: bits 11:0 mean something else.
 */
export function* MOV_CR3(mmu: Mmu, { frame, pcid }: Cr3, NOFLUSH = false): Flow<'#GP' | null> {
  yield ATOMIC;
  const hasPcids = (mmu.CR4.load() & CR4.PCIDE) !== 0;
  assert(pcid >= 0 && pcid < PCIDS, `${pcid} is no PCID: it has 12 bits`);
  if (NOFLUSH && !hasPcids) return '#GP';
  const own = hasPcids ? pcid : 0;
  mmu.CR3.store({ frame, pcid: own });
  if (!NOFLUSH) mmu.tlb.flush((tag) => tag === own);
  return null;
}

/**
 * MOV to CR4. A change of PGE, or PCIDE becoming clear: everything goes, global entries too. SMEP becoming set: all of the current PCID. #GP:
 * PCIDE becomes set while CR3 has a PCID other than 0. Where it becomes clear the PCID is 0 from then on.
 */
export function* MOV_CR4(mmu: Mmu, cr4: number): Flow<'#GP' | null> {
  yield ATOMIC;
  const before = mmu.CR4.load();
  const { pcid } = mmu.CR3.load();
  const changed = before ^ cr4;
  if ((changed & cr4 & CR4.PCIDE) !== 0 && pcid !== 0) return '#GP';
  mmu.CR4.store(cr4);
  if ((changed & before & CR4.PCIDE) !== 0) mmu.CR3.store({ ...mmu.CR3.load(), pcid: 0 });
  if ((changed & CR4.PGE) !== 0 || (changed & before & CR4.PCIDE) !== 0) mmu.tlb.flush(() => true);
  else if ((changed & cr4 & CR4.SMEP) !== 0) mmu.tlb.flush((tag) => tag === pcid);
  return null;
}
