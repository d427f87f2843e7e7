/**
 * From a request to the tables that translate it: root entry, context entry, PASID directory entry, PASID table entry, each from its
 * cache or from memory (VT-d 3.4, 9.1 to 9.6). Memory is read in chunks of 128 bits, each a step of its own.
 */
// @straight
import { ATOMIC, type Flow } from '../../base/flow.ts';
import { type ContextEntry, NO_PASID, type PasidEntry } from './caches.ts';
import { REASONS } from './fault-reasons.ts';
import { PGTT_FIRST_STAGE, PGTT_NESTED, PGTT_PASS_THROUGH, PGTT_SECOND_STAGE } from './layouts.ts';
import { TTM_LEGACY, TTM_SCALABLE, type UnitState } from './state.ts';
import { UNTRANSLATED, type Walk } from './walk.ts';

/** Reads words `index` and `index + 1` of a frame into the walk. False: nothing answers. */
export function readChunk(state: UnitState, walk: Walk, pfn: number, index: number): boolean {
  const { memory } = state;
  const first = memory.locate(pfn, index);
  if (first === -1) return false;
  walk.lo = memory.lo(first);
  walk.hi = memory.hi(first);
  const second = memory.locate(pfn, index + 1);
  walk.lo2 = memory.lo(second);
  walk.hi2 = memory.hi(second);
  return true;
}

function hasReserved(walk: Walk, reserved: Int32Array, chunk: number): boolean {
  const at = 4 * chunk;
  return (
    (walk.lo & reserved[at]!) !== 0 ||
    (walk.hi & reserved[at + 1]!) !== 0 ||
    (walk.lo2 & reserved[at + 2]!) !== 0 ||
    (walk.hi2 & reserved[at + 3]!) !== 0
  );
}

/** Frame number in bits 63:12 of a word. */
export function frameOf(lo: number, hi: number): number {
  return (lo >>> 12) + (hi >>> 0) * 0x100000;
}

/** The context entry of the walk's source, or a fault in `fault` of what is returned. */
export function* contextOf(state: UnitState, walk: Walk): Flow<ContextEntry> {
  yield;
  const known = state.caches.contexts.find(walk.sourceId, 0, 0);
  if (known !== null) return known;
  const found = walk.context;
  found.sourceId = walk.sourceId;
  found.fault = 0;
  found.fpd = false;
  found.did = 0;
  if (state.ttm === TTM_LEGACY) yield* readLegacy(state, walk, found);
  else if (state.ttm === TTM_SCALABLE) yield* readScalable(state, walk, found);
  else found.fault = REASONS.S_ROOT_TABLE_ADDRESS.code;
  // What is cached though it is no good has domain 0.
  if (found.fault !== 0) found.did = 0;
  if (found.fault !== 0 && !state.caches.notPresent) return found;
  yield ATOMIC;
  if (walk.began !== state.caches.began()) return found;
  const entry = state.caches.contexts.enter(walk.sourceId, 0, 0);
  return entry === null ? found : Object.assign(entry, found);
}

function* readLegacy(state: UnitState, walk: Walk, found: ContextEntry): Flow<void> {
  yield ATOMIC;
  if (!readChunk(state, walk, state.root, 2 * (walk.sourceId >> 8))) found.fault = REASONS.L_ROOT_ACCESS.code;
  else if ((walk.lo & 1) === 0) found.fault = REASONS.L_ROOT_NOT_PRESENT.code;
  else if (hasReserved(walk, state.reserved.root, 0)) found.fault = REASONS.L_ROOT_RESERVED.code;
  if (found.fault !== 0) return;
  const table = frameOf(walk.lo, walk.hi);
  yield ATOMIC;
  if (!readChunk(state, walk, table, 2 * (walk.sourceId & 255))) {
    found.fault = REASONS.L_CONTEXT_ACCESS.code;
    return;
  }
  found.fpd = (walk.lo & 2) !== 0;
  if ((walk.lo & 1) === 0) {
    found.fault = REASONS.L_CONTEXT_NOT_PRESENT.code;
    return;
  }
  found.tt = (walk.lo >> 2) & 3;
  found.aw = walk.lo2 & 7;
  found.did = (walk.lo2 >>> 8) & 0xffff;
  found.table = frameOf(walk.lo, walk.hi);
  if (hasReserved(walk, state.reserved.context, 0)) found.fault = REASONS.L_CONTEXT_RESERVED.code;
  else if (!isValidLegacy(state, found)) found.fault = REASONS.L_CONTEXT_INVALID.code;
}

function isValidLegacy(state: UnitState, { tt, aw }: ContextEntry): boolean {
  if (tt === 3 || (tt === 1 && !state.caps.deviceTlb) || (tt === 2 && !state.caps.passThrough)) return false;
  return state.supportsWidth(aw);
}

function* readScalable(state: UnitState, walk: Walk, found: ContextEntry): Flow<void> {
  yield ATOMIC;
  if (!readChunk(state, walk, state.root, 2 * (walk.sourceId >> 8))) {
    found.fault = REASONS.S_ROOT_ACCESS.code;
    return;
  }
  const isUpper = (walk.sourceId & 0x80) !== 0;
  const lo = isUpper ? walk.lo2 : walk.lo;
  const hi = isUpper ? walk.hi2 : walk.hi;
  const reserved = state.reserved.scalableRoot;
  const at = isUpper ? 2 : 0;
  if ((lo & 1) === 0) found.fault = REASONS.S_ROOT_NOT_PRESENT.code;
  else if ((lo & reserved[at]!) !== 0 || (hi & reserved[at + 1]!) !== 0) found.fault = REASONS.S_ROOT_RESERVED.code;
  if (found.fault !== 0) return;
  const table = frameOf(lo, hi);
  const index = 4 * (walk.sourceId & 0x7f);
  yield ATOMIC;
  if (!readChunk(state, walk, table, index)) {
    found.fault = REASONS.S_CONTEXT_ACCESS.code;
    return;
  }
  found.fpd = (walk.lo & 2) !== 0;
  if ((walk.lo & 1) === 0) {
    found.fault = REASONS.S_CONTEXT_NOT_PRESENT.code;
    return;
  }
  found.dte = (walk.lo & 4) !== 0;
  found.paside = (walk.lo & 8) !== 0;
  found.pre = (walk.lo & 16) !== 0;
  found.pasids = 2 ** (((walk.lo >> 9) & 7) + 13);
  found.directory = frameOf(walk.lo, walk.hi);
  found.ridPasid = walk.lo2 & 0xfffff;
  found.ridPriv = (walk.lo2 & 0x100000) !== 0;
  if (hasReserved(walk, state.reserved.scalableContext, 0)) {
    found.fault = REASONS.S_CONTEXT_RESERVED.code;
    return;
  }
  yield ATOMIC;
  readChunk(state, walk, table, index + 2);
  if (hasReserved(walk, state.reserved.scalableContext, 1)) found.fault = REASONS.S_CONTEXT_RESERVED.code;
}

/** Why a context entry of scalable mode does not let the walk's request through, or 0. Sets `usedPasid`. */
export function refusedBy(context: ContextEntry, walk: Walk): number {
  if (walk.addressType !== UNTRANSLATED && !context.dte) return REASONS.S_DTE_CLEAR.code;
  if (walk.pasid !== NO_PASID) {
    walk.usedPasid = walk.pasid;
    if (!context.paside) return REASONS.S_PASIDE_CLEAR.code;
    return walk.pasid >= context.pasids ? REASONS.S_PASID_TOO_LARGE.code : 0;
  }
  walk.usedPasid = context.ridPasid;
  if (context.ridPriv) walk.privileged = true;
  return context.ridPasid >= context.pasids ? REASONS.S_RID_PASID.code : 0;
}

/** The PASID table entry of the walk, or a fault in `fault` of what is returned. Context: `refusedBy` said 0. */
export function* pasidEntryOf(state: UnitState, walk: Walk, context: ContextEntry): Flow<PasidEntry> {
  yield;
  const known = state.caches.pasids.find(walk.sourceId, walk.usedPasid, 0);
  if (known !== null) return known;
  const found = walk.pasidEntry;
  found.pasid = walk.usedPasid;
  found.fault = 0;
  found.fpd = false;
  found.did = 0;
  yield* readPasidEntry(state, walk, context.directory, found);
  if (found.fault !== 0 && !state.caches.notPresent) return found;
  yield ATOMIC;
  if (walk.began !== state.caches.began()) return found;
  const entry = state.caches.pasids.enter(walk.sourceId, walk.usedPasid, 0);
  return entry === null ? found : Object.assign(entry, found);
}

function* readPasidEntry(state: UnitState, walk: Walk, directory: number, found: PasidEntry): Flow<void> {
  const { memory } = state;
  const { usedPasid } = walk;
  // 512 entries of the directory in each frame.
  yield;
  const at = memory.locate(directory + (usedPasid >> 15), (usedPasid >> 6) & 511);
  if (at === -1) {
    found.fault = REASONS.S_DIRECTORY_ACCESS.code;
    return;
  }
  const lo = memory.lo(at);
  const hi = memory.hi(at);
  found.fpd = (lo & 2) !== 0;
  const reserved = state.reserved.directory;
  if ((lo & 1) === 0) found.fault = REASONS.S_DIRECTORY_NOT_PRESENT.code;
  else if ((lo & reserved[0]!) !== 0 || (hi & reserved[1]!) !== 0) found.fault = REASONS.S_DIRECTORY_RESERVED.code;
  if (found.fault !== 0) return;
  const table = frameOf(lo, hi);
  const index = 8 * (usedPasid & 63);
  for (let chunk = 0; chunk < 4; chunk++) {
    yield ATOMIC;
    if (!readChunk(state, walk, table, index + 2 * chunk)) {
      found.fault = REASONS.S_PASID_ACCESS.code;
      return;
    }
    if (chunk === 0) takeFirstChunk(walk, found);
    else if (chunk === 1) takeSecondChunk(walk, found);
    if (found.fault !== 0) return;
    if (hasReserved(walk, state.reserved.pasid, chunk) || hasPointerBeyond(state, walk, found, chunk)) {
      found.fault = REASONS.S_PASID_RESERVED.code;
      return;
    }
  }
  if (!isValidPasidEntry(state, found)) found.fault = REASONS.S_PASID_INVALID.code;
}

/** Whether a table pointer in the chunk, of a stage that the type uses, has bits above the address width. */
function hasPointerBeyond(state: UnitState, walk: Walk, { pgtt }: PasidEntry, chunk: number): boolean {
  const usesSecond = pgtt === PGTT_SECOND_STAGE || pgtt === PGTT_NESTED;
  const usesFirst = pgtt === PGTT_FIRST_STAGE || pgtt === PGTT_NESTED;
  const isUsed = chunk === 0 ? usesSecond : chunk === 1 && usesFirst;
  return isUsed && (walk.hi & state.reserved.pointerHi) !== 0;
}

/** Bits 127:0. */
function takeFirstChunk(walk: Walk, found: PasidEntry): void {
  if ((walk.lo & 2) !== 0) found.fpd = true;
  if ((walk.lo & 1) === 0) found.fault = REASONS.S_PASID_NOT_PRESENT.code;
  found.aw = (walk.lo >> 2) & 7;
  found.pgtt = (walk.lo >> 6) & 7;
  found.ssade = (walk.lo & 0x200) !== 0;
  found.table = frameOf(walk.lo, walk.hi);
  found.did = walk.lo2 & 0xffff;
  found.pwsnp = (walk.lo2 & 0x800000) !== 0;
}

/** Bits 255:128. */
function takeSecondChunk(walk: Walk, found: PasidEntry): void {
  found.sre = (walk.lo & 1) !== 0;
  found.ere = (walk.lo & 2) !== 0;
  found.fiveLevels = (walk.lo & 0xc) === 4;
  found.wpe = (walk.lo & 0x10) !== 0;
  found.nxe = (walk.lo & 0x20) !== 0;
  found.smep = (walk.lo & 0x40) !== 0;
  found.eafe = (walk.lo & 0x80) !== 0;
  found.firstTable = frameOf(walk.lo, walk.hi);
  const { pgtt } = found;
  const hasFirst = pgtt === PGTT_FIRST_STAGE || pgtt === PGTT_NESTED;
  if (hasFirst && (walk.lo & 8) !== 0) found.fault = REASONS.S_PASID_INVALID.code;
}

function isValidPasidEntry(state: UnitState, { pgtt, aw, fiveLevels }: PasidEntry): boolean {
  const { caps } = state;
  const hasFirst = pgtt === PGTT_FIRST_STAGE || pgtt === PGTT_NESTED;
  if (hasFirst && fiveLevels && !caps.fiveLevels) return false;
  if (pgtt === PGTT_FIRST_STAGE) return caps.firstStage;
  if (pgtt === PGTT_SECOND_STAGE) return caps.secondStage && state.supportsWidth(aw);
  if (pgtt === PGTT_NESTED) return caps.nested && caps.firstStage && caps.secondStage && state.supportsWidth(aw);
  // AW is programmed for pass-through too (Linux intel_pasid_setup_pass_through), as in legacy mode.
  return pgtt === PGTT_PASS_THROUGH && caps.passThrough && state.supportsWidth(aw);
}
