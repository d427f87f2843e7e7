/**
 * What each invalidation drops (VT-d 6.5): exactly what it must, or more where `Choices` says that the unit does. Each is one step;
 * it is complete only when walks that began before are over.
 *
 * An IOTLB invalidation by domain or by page is for the second stage and for what was nested on it; entries of the first stage alone
 * are dropped by PASID-based ones, or all together (facts: Linux 04b1b069f151, which flushed the wrong kind).
 */
import { spanPages } from '../pt/format.ts';
import { FIRST, type IotlbEntry, NESTED, SECOND, type StructureEntry } from './caches.ts';
import { TTM_SCALABLE, type UnitState } from './state.ts';

/** Granularities of CCMD, IOTLB and their descriptors; 0 is none. */
export const GLOBAL = 1;
export const DOMAIN = 2;
export const SELECTIVE = 3;

/** Granularities of the PASID cache's. */
export const PC_DOMAIN = 0;
export const PC_PASID = 1;
export const PC_GLOBAL = 3;

/** Granularities of PASID-based IOTLB invalidations. */
export const PASID_SELECTIVE = 2;
export const PASID_PAGE_SELECTIVE = 3;

/** Bits of a source id that a function mask leaves out. */
const FUNCTION_BITS = [0, 4, 6, 7];

/** Returns the granularity that was done. Scalable-mode context entries have no DID: it is not looked at (Linux says so too). */
export function invalidateContexts(
  state: UnitState,
  granularity: number,
  did: number,
  sourceId: number,
  functionMask: number,
): number {
  const { caches, choices } = state;
  const hasDids = state.ttm !== TTM_SCALABLE;
  const domainIsGlobal = choices.domainContextIsGlobal === true || !hasDids;
  const isGlobal = granularity === GLOBAL || (granularity === DOMAIN && domainIsGlobal);
  caches.invalidated();
  if (isGlobal) {
    caches.contexts.dropAll();
    return GLOBAL;
  }
  const kept = ~FUNCTION_BITS[functionMask]! & 0xffff;
  caches.contexts.dropWhere(
    (entry) =>
      (entry.did === did || !hasDids) && (granularity === DOMAIN || (entry.sourceId & kept) === (sourceId & kept)),
  );
  return granularity;
}

export function invalidatePasids(state: UnitState, granularity: number, did: number, pasid: number): void {
  const { caches } = state;
  caches.invalidated();
  if (granularity === PC_GLOBAL) caches.pasids.dropAll();
  else caches.pasids.dropWhere((entry) => entry.did === did && (granularity === PC_DOMAIN || entry.pasid === pasid));
}

/** Pages [page, page + pages); `leafOnly`: paging-structure caches stay (IH). Returns the granularity that was done. */
export function invalidateIotlb(
  state: UnitState,
  granularity: number,
  did: number,
  page: number,
  pages: number,
  leafOnly: boolean,
): number {
  const { caches, choices } = state;
  caches.invalidated();
  if (granularity === GLOBAL) {
    caches.iotlb.dropAll();
    caches.structures.dropAll();
    return GLOBAL;
  }
  const isOurs = (entry: IotlbEntry | StructureEntry) =>
    entry.did === did && (entry.kind !== FIRST || choices.domainDropsFirstStage === true);
  const widest = 2 ** (choices.domainFromAddressMask ?? 64);
  if (granularity === DOMAIN || pages >= widest) {
    caches.iotlb.dropWhere(isOurs);
    caches.structures.dropWhere(isOurs);
    return granularity;
  }
  caches.iotlb.dropWhere((entry) => entry.did === did && entry.kind !== FIRST && overlapsSecond(entry, page, pages));
  if (!leafOnly) {
    caches.structures.dropWhere(
      (entry) => entry.did === did && entry.kind === SECOND && overlap(entry.page, spanPages(entry.level), page, pages),
    );
  }
  return granularity;
}

/** PASID-based: first stage and nested. */
export function invalidatePasidIotlb(
  state: UnitState,
  granularity: number,
  did: number,
  pasid: number,
  page: number,
  pages: number,
  leafOnly: boolean,
): void {
  const { caches } = state;
  const isOurs = (entry: IotlbEntry | StructureEntry) =>
    entry.kind !== SECOND && entry.did === did && entry.pasid === pasid;
  caches.invalidated();
  if (granularity === PASID_SELECTIVE) {
    caches.iotlb.dropWhere(isOurs);
    caches.structures.dropWhere(isOurs);
    return;
  }
  caches.iotlb.dropWhere((entry) => isOurs(entry) && overlapsFirst(entry, page, pages));
  if (!leafOnly) {
    caches.structures.dropWhere((entry) => isOurs(entry) && overlap(entry.page, spanPages(entry.level), page, pages));
  }
}

/** Second stage: what the entry covers; nested: the page of the second stage that it came through. */
function overlapsSecond(entry: IotlbEntry, page: number, pages: number): boolean {
  const size = spanPages(entry.secondSize);
  const start = entry.kind === NESTED ? entry.gpa - (entry.gpa % size) : entry.page;
  return overlap(start, size, page, pages);
}

/**
 * By the page of the first stage, of which a nested entry may be a part: an address in another part of it drops the entry too (the
 * RISC-V reference model's issue 780 is to miss that).
 */
function overlapsFirst(entry: IotlbEntry, page: number, pages: number): boolean {
  const size = spanPages(entry.firstSize);
  return overlap(entry.page - (entry.page % size), size, page, pages);
}

function overlap(a: number, aPages: number, b: number, bPages: number): boolean {
  return a < b + bPages && b < a + aPages;
}
