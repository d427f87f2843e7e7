/**
 * The first-stage walk (VT-d 3.6, 9.9), alone or nested: then each table address, and the result, is translated by the second stage
 * (3.8). The format is the CPU's.
 */
// @straight
import { ATOMIC, type Flow } from '../../base/flow.ts';
import { indexAt, offsetInSpan, outputPfn } from '../pt/format.ts';
import { EXECUTE, FIRST, NESTED, type PasidEntry, READ, WRITE } from './caches.ts';
import { REASONS } from './fault-reasons.ts';
import { PGTT_NESTED } from './layouts.ts';
import { secondStage, setFlags } from './second-stage.ts';
import type { UnitState } from './state.ts';
import type { Walk } from './walk.ts';

const P = 0x1;
const RW = 0x2;
const US = 0x4;
const A = 0x20;
const D = 0x40;
const PS = 0x80;
const EA = 0x400;
/** Bit 63, in the high half. */
const XD = 0x80000000 | 0;

/** Pages of the lower half of what 4 and 5 levels translate; of a 64-bit address. */
const HALF_4_LEVELS = 2 ** 35;
const HALF_5_LEVELS = 2 ** 44;
const ALL_PAGES = 2 ** 52;

/** What the entries from the top on allow together. */
const USER_ALL = READ | WRITE | EXECUTE | (1 << 3);
const IS_USER = 1 << 3;

/**
 * Translates the walk's page. Result in `pfn`, `size`, `rights`, `firstSize` and `gpa`. Returns a fault, or 0.
 */
export function* firstStage(state: UnitState, walk: Walk, entry: PasidEntry): Flow<number> {
  const { caches, memory } = state;
  const reserved = state.reserved.firstStage;
  const { page } = walk;
  const isNested = entry.pgtt === PGTT_NESTED;
  const kind = isNested ? NESTED : FIRST;
  const top = entry.fiveLevels ? 4 : 3;
  if (!isCanonical(page, top)) return REASONS.S_NOT_CANONICAL.code;
  let level = top;
  let table = entry.firstTable;
  let together = USER_ALL;
  yield ATOMIC;
  const known = caches.deepest(entry.did, walk.usedPasid, kind, page, top);
  if (known !== null) {
    level = known.level - 1;
    table = known.table;
    together = known.rights;
  }
  for (;;) {
    const isTop = level === top;
    let frame = table;
    if (isNested) {
      const fault = yield* secondStage(state, walk, entry, table, READ);
      if (fault !== 0) return nestedFault(fault, isTop);
      frame = walk.secondPfn;
    }
    const index = indexAt(page, level);
    yield;
    const at = memory.locate(frame, index);
    if (at === -1) return isTop ? REASONS.S_FIRST_TOP_ACCESS.code : REASONS.S_FIRST_ACCESS.code;
    const lo = memory.lo(at);
    const hi = memory.hi(at);
    if ((lo & P) === 0) return REASONS.S_FIRST_NOT_PRESENT.code;
    const isLeaf = level === 0 || (level <= 2 && (lo & PS) !== 0);
    const masks = 4 * level + (isLeaf ? 2 : 0);
    const isReserved = ((lo & reserved[masks]!) | (hi & (reserved[masks + 1]! | (entry.nxe ? 0 : XD)))) !== 0;
    if (isReserved) return REASONS.S_FIRST_RESERVED.code;
    together = restrict(together, lo, hi);
    if (isLeaf) {
      const refused = refusal(walk, entry, together);
      if (refused !== 0) return refused;
    }
    const want = (isLeaf && (walk.access & WRITE) !== 0 ? A | D : A) | (entry.eafe ? EA : 0);
    if ((lo & want) !== want) {
      if (state.caps.walkSnoop && !entry.pwsnp) return REASONS.S_FIRST_NO_SNOOP.code;
      if (isNested) {
        const fault = yield* secondStage(state, walk, entry, table, READ | WRITE);
        if (fault === REASONS.S_SECOND_PERMISSION.code) return REASONS.S_NESTED_ENTRY_WRITE.code;
        if (fault !== 0) return fault;
      }
      yield ATOMIC;
      // Changed meanwhile: the walk begins anew, as what was above it may have been changed too.
      if (!setFlags(state, frame, index, lo, hi, want)) {
        level = top;
        table = entry.firstTable;
        together = USER_ALL;
        continue;
      }
    }
    if (isLeaf) {
      const base = outputPfn(lo, hi);
      walk.pfn = base - offsetInSpan(base, level) + offsetInSpan(page, level);
      walk.size = level;
      walk.firstSize = level;
      walk.gpa = walk.pfn;
      walk.rights = rightsOf(entry, together, ((lo | want) & D) !== 0);
      if (!isNested) return 0;
      return yield* throughSecondStage(state, walk, entry);
    }
    table = outputPfn(lo, hi);
    yield ATOMIC;
    if (walk.began === caches.began()) {
      caches.enterStructure(entry.did, walk.usedPasid, kind, page, level, table, together);
    }
    level--;
  }
}

/** The last address of a nested walk: what the first stage came to. */
function* throughSecondStage(state: UnitState, walk: Walk, entry: PasidEntry): Flow<number> {
  const fault = yield* secondStage(state, walk, entry, walk.gpa, walk.access & (READ | WRITE));
  if (fault !== 0) return fault === REASONS.S_BEYOND_WIDTH.code ? REASONS.S_NESTED_BEYOND_WIDTH.code : fault;
  walk.pfn = walk.secondPfn;
  if (walk.secondSize < walk.size) walk.size = walk.secondSize;
  walk.rights &= walk.secondRights * 9;
  return 0;
}

function isCanonical(page: number, top: number): boolean {
  const half = top === 3 ? HALF_4_LEVELS : HALF_5_LEVELS;
  return page < half || page >= ALL_PAGES - half;
}

function nestedFault(fault: number, isTop: boolean): number {
  if (fault === REASONS.S_BEYOND_WIDTH.code) return REASONS.S_NESTED_BEYOND_WIDTH.code;
  if (fault !== REASONS.S_SECOND_PERMISSION.code) return fault;
  return isTop ? REASONS.S_NESTED_TOP_READ.code : REASONS.S_NESTED_ENTRY_READ.code;
}

function restrict(together: number, lo: number, hi: number): number {
  let now = together;
  if ((lo & RW) === 0) now &= ~WRITE;
  if ((lo & US) === 0) now &= ~IS_USER;
  if ((hi & XD) !== 0) now &= ~EXECUTE;
  return now;
}

/** Why the walk's access is not allowed, or 0. */
function refusal(walk: Walk, entry: PasidEntry, together: number): number {
  const isUser = (together & IS_USER) !== 0;
  if (!walk.privileged && !isUser) return REASONS.S_USER.code;
  const mayWrite = (together & WRITE) !== 0 || (walk.privileged && !entry.wpe);
  if ((walk.access & WRITE) !== 0 && !mayWrite) return REASONS.S_WRITE.code;
  if ((walk.access & EXECUTE) === 0) return 0;
  const isPrevented = walk.privileged && entry.smep && isUser;
  return (together & EXECUTE) === 0 || isPrevented ? REASONS.S_EXECUTE.code : 0;
}

/** Rights that may be cached: of user requests, and three bits further left of supervisor requests. */
function rightsOf(entry: PasidEntry, together: number, isDirty: boolean): number {
  const isUser = (together & IS_USER) !== 0;
  const dirty = isDirty ? WRITE : 0;
  const execute = together & EXECUTE;
  const user = isUser ? READ | (together & dirty) | execute : 0;
  const supervisor = READ | (entry.wpe ? together & dirty : dirty) | (entry.smep && isUser ? 0 : execute);
  return user | (supervisor << 3);
}
