/**
 * A request through the unit (VT-d 3.4 to 3.9): the entries that say how it is translated, then IOTLB or tables. Returns 0 and the
 * frame in `walk.pfn`, a fault reason, or `INTERRUPT` for what is no memory access.
 */
// @straight
import { ATOMIC, type Flow } from '../../base/flow.ts';
import {
  type ContextEntry,
  EXECUTE,
  FIRST,
  type IotlbEntry,
  NESTED,
  NO_PASID,
  ownerOf,
  type PasidEntry,
  READ,
  WRITE,
} from './caches.ts';
import { contextOf, pasidEntryOf, refusedBy } from './entries.ts';
import { REASONS } from './fault-reasons.ts';
import { firstStage } from './first-stage.ts';
import { PGTT_FIRST_STAGE, PGTT_NESTED, PGTT_PASS_THROUGH, PGTT_SECOND_STAGE } from './layouts.ts';
import { secondStage } from './second-stage.ts';
import { TTM_ABORT, TTM_LEGACY, TTM_SCALABLE, type UnitState } from './state.ts';
import { TRANSLATED, UNTRANSLATED, type Walk } from './walk.ts';

/** The request is an interrupt message: a write to 0xFEExxxxx without PASID. */
export const INTERRUPT = -1;
/** The unit is told to abort all DMA: nothing is recorded. */
export const ABORTED = -2;

/** Pages 0xFEE00 to 0xFEEFF. */
export function isInterruptRange(page: number): boolean {
  return page >= 0xfee00 && page <= 0xfeeff;
}

export function* translate(state: UnitState, walk: Walk): Flow<number> {
  walk.fpd = false;
  // What is executed is read.
  if ((walk.access & EXECUTE) !== 0) walk.access |= READ;
  walk.usedPasid = NO_PASID;
  walk.did = 0;
  walk.size = 0;
  if (walk.pasid === NO_PASID && walk.addressType === UNTRANSLATED && isInterruptRange(walk.page)) return INTERRUPT;
  if (!state.enabled) {
    walk.pfn = walk.page;
    walk.rights = 63;
    return 0;
  }
  if (state.ttm === TTM_ABORT && state.caps.abortDma) return ABORTED;
  yield ATOMIC;
  walk.began = state.caches.began();
  if (state.caches.isRecorded) state.walks.push(walk);
  const outcome = yield* underWay(state, walk);
  if (state.caches.isRecorded) {
    yield ATOMIC;
    state.caches.walkEnded();
    state.walks.splice(state.walks.indexOf(walk), 1);
  }
  return outcome;
}

function* underWay(state: UnitState, walk: Walk): Flow<number> {
  const isLegacy = state.ttm === TTM_LEGACY;
  if (isLegacy && walk.pasid !== NO_PASID) return REASONS.S_LEGACY_WITH_PASID.code;
  if (!isLegacy && state.ttm !== TTM_SCALABLE) return REASONS.S_ROOT_TABLE_ADDRESS.code;
  walk.bySource = state.choices.iotlbBySource === true;
  if (walk.bySource) {
    yield ATOMIC;
    if (isKnownBySource(state, walk) && !isInterruptRange(walk.pfn)) return 0;
  }
  const context = yield* contextOf(state, walk);
  if (context.fpd) walk.fpd = true;
  if (context.fault !== 0) return context.fault;
  let fault = 0;
  if (isLegacy) fault = yield* legacy(state, walk, context);
  else fault = yield* scalable(state, walk, context);
  if (fault !== 0 || !isInterruptRange(walk.pfn) || walk.addressType === TRANSLATED) return fault;
  return isLegacy ? REASONS.L_INTERRUPT_RANGE.code : REASONS.S_INTERRUPT_RANGE.code;
}

/** Whether the IOTLB has a translation with the rights that are needed for the request as it came. */
function isKnownBySource(state: UnitState, walk: Walk): boolean {
  const need = walk.privileged ? walk.access << 3 : walk.access;
  const known = state.caches.lookUp(ownerOf(walk.sourceId), walk.pasid, walk.page);
  if (known === null || known.fault !== 0 || (known.rights & need) !== need) return false;
  takeKnown(walk, known);
  return true;
}

function takeKnown(walk: Walk, known: IotlbEntry): void {
  walk.pfn = known.pfn + (walk.page - known.page);
  walk.size = known.size;
  walk.rights = known.rights;
}

const PASS_THROUGH = 2;

function* legacy(state: UnitState, walk: Walk, context: ContextEntry): Flow<number> {
  walk.did = context.did;
  if (walk.addressType !== UNTRANSLATED && context.tt !== 1) return REASONS.L_BLOCKED.code;
  if (walk.addressType === TRANSLATED) return unchanged(walk);
  if (context.tt === PASS_THROUGH) {
    if (walk.page >= state.pagesOf(context.aw)) return REASONS.L_BEYOND_WIDTH.code;
    return unchanged(walk);
  }
  const fault = yield* secondStage(state, walk, context, walk.page, walk.access & (READ | WRITE));
  if (fault === 0) takeSecond(walk);
  return fault;
}

function* scalable(state: UnitState, walk: Walk, context: ContextEntry): Flow<number> {
  const refused = refusedBy(context, walk);
  if (refused !== 0) return refused;
  if (walk.addressType === TRANSLATED) return unchanged(walk);
  const entry = yield* pasidEntryOf(state, walk, context);
  if (entry.fpd) walk.fpd = true;
  if (entry.fault !== 0) return entry.fault;
  walk.did = entry.did;
  if (walk.privileged && !entry.sre && entry.pgtt !== PGTT_SECOND_STAGE) return REASONS.S_SRE_CLEAR.code;
  if ((walk.access & EXECUTE) !== 0 && !entry.ere) return REASONS.S_ERE_CLEAR.code;
  if (entry.pgtt === PGTT_PASS_THROUGH) {
    if (walk.page >= 2 ** (state.caps.haw - 12)) return REASONS.S_BEYOND_HARDWARE.code;
    return unchanged(walk);
  }
  if (entry.pgtt === PGTT_SECOND_STAGE) {
    const fault = yield* secondStage(state, walk, entry, walk.page, walk.access & (READ | WRITE));
    if (fault === 0) takeSecond(walk);
    return fault;
  }
  return yield* throughFirst(state, walk, entry);
}

function takeSecond(walk: Walk): void {
  walk.pfn = walk.secondPfn;
  walk.size = walk.secondSize;
  walk.rights = walk.secondRights * 9;
}

function unchanged(walk: Walk): number {
  walk.pfn = walk.page;
  walk.rights = 63;
  return 0;
}

/** First stage, alone or nested: what both stages came to is one entry of the IOTLB. */
function* throughFirst(state: UnitState, walk: Walk, entry: PasidEntry): Flow<number> {
  const { caches } = state;
  const need = walk.privileged ? walk.access << 3 : walk.access;
  const isNested = entry.pgtt === PGTT_NESTED;
  walk.bySource &&= !isNested;
  const owner = walk.bySource ? ownerOf(walk.sourceId) : entry.did;
  const pasid = walk.bySource ? walk.pasid : walk.usedPasid;
  yield ATOMIC;
  const known = caches.lookUp(owner, pasid, walk.page);
  if (known !== null && known.fault !== 0) return known.fault;
  if (known !== null && (known.rights & need) === need) {
    takeKnown(walk, known);
    return 0;
  }
  const fault = yield* firstStage(state, walk, entry);
  if (fault !== 0 && !(caches.notPresent && isOfEntry(fault))) return fault;
  yield ATOMIC;
  if (walk.began !== caches.began()) return fault;
  if (known !== null) caches.changed();
  const filled = caches.fill(owner, pasid, walk.page, fault === 0 ? walk.size : 0);
  if (filled === null) return fault;
  filled.kind = isNested ? NESTED : FIRST;
  filled.did = entry.did;
  filled.pasid = walk.usedPasid;
  filled.fault = fault;
  if (fault !== 0) return fault;
  filled.firstSize = walk.firstSize;
  filled.secondSize = isNested ? walk.secondSize : walk.size;
  filled.gpa = entry.pgtt === PGTT_FIRST_STAGE ? -1 : walk.gpa;
  filled.rights = walk.rights;
  filled.pfn = walk.pfn - (walk.page - filled.page);
  return 0;
}

/**
 * Whether the fault is one of a first-stage entry, whatever the access, so that it may be cached. Those of the second stage are
 * cached with its entries.
 */
function isOfEntry(fault: number): boolean {
  return fault === REASONS.S_FIRST_NOT_PRESENT.code || fault === REASONS.S_FIRST_RESERVED.code;
}
