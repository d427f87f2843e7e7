/**
 * The MMU of one logical processor: 4-level paging (Intel SDM vol. 3A, chapter 4, revision of 2023) with PCIDs, as flows. A walk reads one
 * entry a step from memory that others change meanwhile; accessed and dirty flags are set by locked compare-exchange (4.8).
 *
 * An access and its translation are one instruction: when the TLB was invalidated, or CR3 or CR4 written, between two steps of it
 * (by an interrupt), it begins anew. It may leave an entry in the TLB or not, as may a walk for no instruction at all (`speculate`).
 *
 * Rights that a TLB entry does not give are looked up in memory, as is the leaf of a write to a page whose entry is not dirty.
 * Left out: paging-structure caches (4.10.3: a walk begins at CR3), 5 levels, memory types, what of page-fault.ts is left out there.
 * Level 3 is the PML4. Instructions that invalidate: invalidate.ts.
 */

import { assert } from '../../base/assert.ts';
import { Cell } from '../../base/cell.ts';
import { ATOMIC, type Flow, LOCKED } from '../../base/flow.ts';
import { UNBUFFERED } from '../../base/words.ts';
import type { World } from '../../base/world.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import { indexAt, maskLo, offsetInSpan, outputPfn } from '../pt/format.ts';
import { X86_64, X86_64_PTE } from '../pt/formats/x86-64.ts';
import type { Cpu } from './cpu.ts';
import {
  CR4,
  errorCode,
  type MemoryAccess,
  mayAccess,
  PAGING,
  type PagingFeatures,
  PF,
  pagingReserved,
} from './page-fault.ts';
import { type Lookup, Tlb, type TlbEntry } from './tlb.ts';

/** CR3 by its fields: frame of the PML4, and the PCID (0 where CR4.PCIDE is clear). */
export interface Cr3 {
  readonly frame: number;
  readonly pcid: number;
}

/** What became of an access. #GP: the address is not canonical. `level`: of the page that maps it. */
export type Translated =
  | { readonly exception: null; readonly pfn: number; readonly level: number }
  | { readonly exception: '#PF' | '#GP'; readonly errorCode: number };

export interface MmuOptions extends Partial<PagingFeatures> {
  /** CR4 from the start. Default: PGE and PCIDE. */
  readonly cr4?: number;
  /** Whether a walk leaves a TLB entry. `may`: both are explored. Default: `does`. */
  readonly fills?: 'does' | 'may' | 'does not';
}

type Memory = Pick<TableMemory, 'locate' | 'lo' | 'hi' | 'setBitsLo'>;

const P = X86_64.presentLo;
const A = X86_64.accessedLo;
const D = X86_64.dirtyLo;
const PS = X86_64.pageSizeLo;
const RW = maskLo(X86_64_PTE, 'R/W');
const US = maskLo(X86_64_PTE, 'U/S');
const G = maskLo(X86_64_PTE, 'G');
const TOP = 3;
/** Pages of each half of the canonical addresses; of a 64-bit address. */
const HALF = 2 ** 35;
const ALL_PAGES = 2 ** 52;

export class Mmu {
  readonly world: World;
  readonly memory: Memory;
  readonly features: PagingFeatures;
  readonly fills: 'does' | 'may' | 'does not';
  readonly tlb: Tlb;
  readonly CR3: Cell<Cr3>;
  readonly CR4: Cell<number>;
  /** As `pagingReserved` gives them. */
  readonly reserved: Int32Array;

  constructor(cpu: Pick<Cpu, 'name' | 'world'>, memory: Memory, cr3: Cr3, options: MmuOptions = {}) {
    const { cr4 = CR4.PGE | CR4.PCIDE, fills = 'does', ...features } = options;
    assert(cr3.pcid === 0 || (cr4 & CR4.PCIDE) !== 0, `${cpu.name} has PCID ${cr3.pcid} in CR3 and no CR4.PCIDE`);
    this.world = cpu.world;
    this.memory = memory;
    this.features = { ...PAGING, ...features };
    this.fills = fills;
    this.reserved = pagingReserved(this.features);
    this.tlb = new Tlb(cpu.world, cpu.name);
    this.CR3 = new Cell(cpu.world, `${cpu.name}.CR3`, cr3, UNBUFFERED);
    this.CR4 = new Cell(cpu.world, `${cpu.name}.CR4`, cr4, UNBUFFERED);
  }
}

/** Whether bits 63:48 of the address are all as bit 47. */
export function isCanonical(page: number): boolean {
  return page < HALF || (page >= ALL_PAGES - HALF && page < ALL_PAGES);
}

/** What an access begins with: the registers, and what the TLB knows. */
interface Begun {
  readonly access: MemoryAccess;
  readonly cr3: Cr3;
  readonly cr4: number;
  readonly found: Lookup;
}

/** How a walk ends: with what translates the page, or why nothing does (PF.P, PF.RSVD); `level`: where. */
type Walked = { readonly entry: TlbEntry } | { readonly why: number; readonly level: number };

/**
 * One access by linear address: translates, and does it. `perform`: the access itself, by the frame, in the step that ends the
 * instruction; it may touch one word.
 */
export function* accessMemory(
  mmu: Mmu,
  access: MemoryAccess,
  perform: (pfn: number) => void = () => {},
): Flow<Translated> {
  if (!isCanonical(access.page)) return { exception: '#GP', errorCode: 0 };
  for (;;) {
    yield ATOMIC;
    const begun = begin(mmu, access);
    const hit = begun.found.entry;
    if (hit !== null && suffices(mmu, begun, hit)) return done(access, hit, perform);
    const walked = yield* walk(mmu, begun);
    const fills = 'entry' in walked ? yield* doesFill(mmu) : false;
    yield ATOMIC;
    if (!isStill(mmu, begun, walked)) continue;
    if ('why' in walked) return pageFault(mmu, begun, walked.why);
    if (fills) mmu.tlb.fill(begun.found, walked.entry);
    return done(access, walked.entry, perform);
  }
}

/** A walk that the processor makes when it likes: it fills the TLB, never sets D, and faults in silence (4.10.2.3). */
export function* speculate(mmu: Mmu, { AC, page, user }: Omit<MemoryAccess, 'write' | 'fetch'>): Flow<void> {
  yield ATOMIC;
  const begun = begin(mmu, { page, user, AC });
  const walked = yield* walk(mmu, begun);
  yield ATOMIC;
  if ('entry' in walked && isStill(mmu, begun, walked)) mmu.tlb.fill(begun.found, walked.entry);
}

function begin({ CR3, CR4: cr4, tlb }: Mmu, access: MemoryAccess): Begun {
  const cr3 = CR3.load();
  return { access, cr3, cr4: cr4.load(), found: tlb.lookup(cr3.pcid, access.page) };
}

/** Whether a TLB entry is enough for the access: it gives the right, and D need not be set. */
function suffices({ features }: Mmu, { access, cr4 }: Begun, entry: TlbEntry): boolean {
  return (!access.write || entry.D) && mayAccess(access, entry, features, cr4);
}

function isStill({ CR3, CR4: cr4, tlb }: Mmu, begun: Begun, walked: Walked): boolean {
  if (CR3.load() !== begun.cr3 || cr4.load() !== begun.cr4) return false;
  return tlb.isCurrent(begun.found, 'entry' in walked ? walked.entry : { level: Math.min(walked.level, 2), G: false });
}

function done({ page }: MemoryAccess, { level, pfn }: TlbEntry, perform: (pfn: number) => void): Translated {
  const frame = pfn + offsetInSpan(page, level);
  perform(frame);
  return { exception: null, pfn: frame, level };
}

/** The fault takes what the TLB has for the address along (4.10.4.1). */
function pageFault({ features, tlb }: Mmu, { access, cr4, found }: Begun, why: number): Translated {
  if (found.entry !== null) tlb.drop(access.page, found.pcid, 'global');
  return { exception: '#PF', errorCode: errorCode(access, why, features, cr4) };
}

function* doesFill({ fills, world }: Mmu): Flow<boolean> {
  if (fills !== 'may') return fills === 'does';
  yield;
  return world.choose(2) === 1;
}

/** From CR3 down. A flag that cannot be set, since the entry was changed meanwhile, makes it begin anew. */
function* walk(mmu: Mmu, { access, cr3, cr4 }: Begun): Flow<Walked> {
  const { features, memory, reserved } = mmu;
  let table = cr3.frame;
  let together = RW | US;
  let noExecute = false;
  for (let level = TOP; ; ) {
    const index = indexAt(access.page, level);
    yield;
    const at = memory.locate(table, index);
    const lo = memory.lo(at);
    const hi = memory.hi(at);
    if ((lo & P) === 0) return { why: 0, level };
    const isLeaf = level === 0 || (level < TOP && (lo & PS) !== 0);
    const mask = 4 * level + (isLeaf ? 2 : 0);
    if (((lo & reserved[mask]!) | (hi & reserved[mask + 1]!)) !== 0) return { why: PF.P | PF.RSVD, level };
    together &= lo;
    noExecute ||= hi < 0;
    const rights = { RW: (together & RW) !== 0, US: (together & US) !== 0, XD: noExecute };
    if (isLeaf && !mayAccess(access, rights, features, cr4)) return { why: PF.P, level };
    const flags = isLeaf && access.write ? A | D : A;
    if ((lo & flags) !== flags) {
      yield LOCKED;
      if (!memory.setBitsLo(table, index, lo, hi, flags)) {
        level = TOP;
        table = cr3.frame;
        together = RW | US;
        noExecute = false;
        continue;
      }
    }
    const pfn = outputPfn(lo, hi);
    if (isLeaf) {
      const isGlobal = (lo & G) !== 0 && (cr4 & CR4.PGE) !== 0;
      const isDirty = ((lo | flags) & D) !== 0;
      // PAT of a large page lies in bit 12, below the address.
      return { entry: { pfn: pfn - offsetInSpan(pfn, level), level, ...rights, D: isDirty, G: isGlobal } };
    }
    table = pfn;
    level--;
  }
}
