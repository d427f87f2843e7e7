/**
 * The second-stage walk (VT-d 3.7, 9.8): legacy mode, second stage alone, and each address of a nested walk. One level a step, from
 * the deepest entry that a paging-structure cache knows.
 *
 * An entry with neither R nor W is not present; what a translation may do is what all its entries allow, which is known when the
 * leaf has been read.
 */
// @straight
import { ATOMIC, type Flow } from '../../base/flow.ts';
import { indexAt, offsetInSpan, outputPfn } from '../pt/format.ts';
import { EXECUTE, NO_PASID, ownerOf, READ, SECOND, WRITE } from './caches.ts';
import { REASONS } from './fault-reasons.ts';
import { TTM_LEGACY, type UnitState } from './state.ts';
import type { Walk } from './walk.ts';

const PS = 0x80;
const A = 0x100;
const D = 0x200;
/** Cached in place of a fault reason where an entry is not present: which one is reported depends on the access. */
const NOT_PRESENT = -1;

/** Where the second stage is, and whose it is: of a legacy context entry, or of a PASID table entry. */
export interface SecondStage {
  readonly table: number;
  readonly aw: number;
  readonly did: number;
  readonly ssade: boolean;
  readonly pwsnp: boolean;
}

/**
 * Translates `page` by the IOTLB or the tables, for `access`. Result in `secondPfn`, `secondSize` and `secondRights` (user's; of
 * what may be cached). Returns a fault, or 0.
 */
export function* secondStage(
  state: UnitState,
  walk: Walk,
  stage: SecondStage,
  page: number,
  access: number,
): Flow<number> {
  if (page >= state.pagesOf(stage.aw)) return beyondWidth(state);
  yield ATOMIC;
  const owner = walk.bySource ? ownerOf(walk.sourceId) : stage.did;
  const pasid = walk.bySource ? walk.pasid : NO_PASID;
  const known = state.caches.lookUp(owner, pasid, page);
  if (known !== null && known.fault !== 0) {
    return known.fault === NOT_PRESENT ? noPermission(state, access) : known.fault;
  }
  if (known !== null && (known.rights & access) === access) {
    walk.secondPfn = known.pfn + (page - known.page);
    walk.secondSize = known.size;
    walk.secondRights = known.rights & 7;
    return 0;
  }
  const fault = yield* walkSecondStage(state, walk, stage, page, access);
  if (fault !== 0 && !(state.caches.notPresent && isOfEntry(fault, walk))) return fault;
  yield ATOMIC;
  if (walk.began === state.caches.began()) {
    if (known !== null) state.caches.changed();
    const entry = state.caches.fill(owner, pasid, page, fault === 0 ? walk.secondSize : 0);
    if (entry !== null) {
      entry.kind = SECOND;
      entry.did = stage.did;
      entry.pasid = NO_PASID;
      entry.fault = fault !== 0 && walk.secondAbsent ? NOT_PRESENT : fault;
      entry.rights = walk.secondRights * 9;
      entry.pfn = walk.secondPfn - (page - entry.page);
    }
  }
  return fault;
}

function* walkSecondStage(
  state: UnitState,
  walk: Walk,
  stage: SecondStage,
  page: number,
  access: number,
): Flow<number> {
  const { caches, memory } = state;
  const reserved = state.reserved.secondStage;
  const top = stage.aw + 1;
  let level = top;
  let table = stage.table;
  let rights = READ | WRITE;
  walk.secondAbsent = false;
  yield ATOMIC;
  const known = caches.deepest(stage.did, NO_PASID, SECOND, page, top);
  if (known !== null) {
    level = known.level - 1;
    table = known.table;
    rights = known.rights;
  }
  for (;;) {
    const index = indexAt(page, level);
    yield;
    const at = memory.locate(table, index);
    if (at === -1) return unreadable(state, level === top);
    const lo = memory.lo(at);
    const hi = memory.hi(at);
    if ((lo & (READ | WRITE)) === 0) {
      walk.secondAbsent = true;
      return noPermission(state, access);
    }
    const isLeaf = level === 0 || (level <= 2 && (lo & PS) !== 0);
    const masks = 4 * level + (isLeaf ? 2 : 0);
    if (((lo & reserved[masks]!) | (hi & reserved[masks + 1]!)) !== 0) return reservedBits(state);
    rights &= lo;
    const isDone = isLeaf && (rights & access & (READ | WRITE)) === (access & (READ | WRITE));
    if (isLeaf && !isDone) return noPermission(state, access);
    if (stage.ssade) {
      const want = isLeaf && (access & WRITE) !== 0 ? A | D : A;
      if ((lo & want) !== want) {
        if (isNoSnoop(state, stage)) return REASONS.S_SECOND_NO_SNOOP.code;
        yield ATOMIC;
        // Changed meanwhile: the walk begins anew, as what was above it may have been changed too.
        if (!setFlags(state, table, index, lo, hi, want)) {
          level = top;
          table = stage.table;
          rights = READ | WRITE;
          continue;
        }
      }
      if (isLeaf && ((lo | want) & D) === 0) rights &= ~WRITE;
    }
    if (isLeaf) {
      const base = outputPfn(lo, hi);
      walk.secondPfn = base - offsetInSpan(base, level) + offsetInSpan(page, level);
      walk.secondSize = level;
      walk.secondRights = rights | EXECUTE;
      return 0;
    }
    table = outputPfn(lo, hi);
    yield ATOMIC;
    if (walk.began === caches.began()) caches.enterStructure(stage.did, NO_PASID, SECOND, page, level, table, rights);
    level--;
  }
}

/** Sets flags in an entry that was read as `lo` and `hi`, as a locked operation does. False: it is another one now. */
export function setFlags(
  state: UnitState,
  table: number,
  index: number,
  lo: number,
  hi: number,
  flags: number,
): boolean {
  const { memory } = state;
  const at = memory.locate(table, index);
  if (memory.lo(at) !== lo || memory.hi(at) !== hi) return false;
  memory.store(table, index, lo | flags, hi);
  return true;
}

/** Page walks could snoop, and the entry says that they do not: then flags cannot be set in memory. */
function isNoSnoop({ caps }: UnitState, { pwsnp }: SecondStage): boolean {
  return caps.walkSnoop && !pwsnp;
}

/** Whether the fault is one of an entry, whatever the access, so that it may be cached: it is absent, or has reserved bits. */
function isOfEntry(fault: number, walk: Walk): boolean {
  return walk.secondAbsent || fault === REASONS.L_PAGING_RESERVED.code || fault === REASONS.S_SECOND_RESERVED.code;
}

function unreadable({ ttm }: UnitState, isTop: boolean): number {
  if (ttm === TTM_LEGACY) return isTop ? REASONS.L_CONTEXT_INVALID.code : REASONS.L_TABLE_ACCESS.code;
  return isTop ? REASONS.S_SECOND_TOP_ACCESS.code : REASONS.S_SECOND_ACCESS.code;
}

function noPermission({ ttm }: UnitState, access: number): number {
  if (ttm !== TTM_LEGACY) return REASONS.S_SECOND_PERMISSION.code;
  return (access & WRITE) !== 0 ? REASONS.L_WRITE.code : REASONS.L_READ.code;
}

function reservedBits({ ttm }: UnitState): number {
  return ttm === TTM_LEGACY ? REASONS.L_PAGING_RESERVED.code : REASONS.S_SECOND_RESERVED.code;
}

function beyondWidth({ ttm }: UnitState): number {
  return ttm === TTM_LEGACY ? REASONS.L_BEYOND_WIDTH.code : REASONS.S_BEYOND_WIDTH.code;
}
