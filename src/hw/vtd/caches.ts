/**
 * The caches of a unit (VT-d 6.2): context cache, PASID cache, IOTLB, paging-structure caches. An entry stays until an invalidation
 * drops it (`keep`), or there is no room (bounded).
 *
 * Tags: context entries by source id and DID; PASID entries by source id, PASID and DID; IOTLB and paging-structure entries of the
 * second stage by DID, of the first stage and of nested translation by DID and PASID.
 */
import { offsetInSpan } from '../pt/format.ts';
import { type AccessRecorder, TaggedCache } from './tagged-cache.ts';

export const NO_PASID = -1;

export interface ContextEntry {
  sourceId: number;
  /** Not 0: the entry gives this fault (only where not-present entries are cached). */
  fault: number;
  fpd: boolean;
  /** Legacy: translation type; the second-stage table follows. */
  tt: number;
  aw: number;
  did: number;
  table: number;
  /** Legacy tables have no accessed and dirty flags. */
  readonly ssade: false;
  readonly pwsnp: false;
  /** Scalable: the PASID directory, and how many PASIDs it has room for. */
  directory: number;
  pasids: number;
  ridPasid: number;
  ridPriv: boolean;
  dte: boolean;
  paside: boolean;
  pre: boolean;
}

export interface PasidEntry {
  pasid: number;
  fault: number;
  fpd: boolean;
  pgtt: number;
  aw: number;
  did: number;
  /** Second-stage and first-stage tables. */
  table: number;
  firstTable: number;
  fiveLevels: boolean;
  ssade: boolean;
  pwsnp: boolean;
  sre: boolean;
  ere: boolean;
  wpe: boolean;
  nxe: boolean;
  smep: boolean;
  eafe: boolean;
}

/** What kind of mapping an entry holds. */
export const SECOND = 0;
export const FIRST = 1;
export const NESTED = 2;

/** Rights of user requests; those of supervisor requests stand three bits further left. */
export const READ = 1;
export const WRITE = 2;
export const EXECUTE = 4;

/** a: page >> 9 * size; b: PASID tag; c: owner * 4 + size. The owner is the DID, or the source (`ownerOf`). */
export interface IotlbEntry {
  kind: number;
  did: number;
  /** NO_PASID for second stage and legacy. */
  pasid: number;
  /** First page and size (level: 0, 1, 2) of what the entry covers. */
  page: number;
  size: number;
  /** Sizes of the page in each stage, of which a nested entry is a part: invalidations by address go by them. */
  firstSize: number;
  secondSize: number;
  /** Nested: the page of the second stage that it came through. */
  gpa: number;
  rights: number;
  /** Frame that `page` is translated to. */
  pfn: number;
  /** Not 0: the translation gives this fault (caching mode). */
  fault: number;
}

/** a: page >> 9 * level; b: PASID tag; c: (DID * 8 + level) * 4 + kind. The table that the entry at `level` points to. */
export interface StructureEntry {
  kind: number;
  did: number;
  pasid: number;
  page: number;
  level: number;
  table: number;
  /** Rights of the entries from the top to this one. */
  rights: number;
}

/** Which span of an entry at `level` the page lies in. */
function spanOf(page: number, level: number): number {
  if (page < 0x80000000 && level < 4) return page >>> (9 * level);
  return Math.floor(page * PER_SPAN[level]!);
}

const PER_SPAN: readonly number[] = [1, 2 ** -9, 2 ** -18, 2 ** -27, 2 ** -36];

/** The owner of translations that are found by source id: beyond all DIDs. */
export function ownerOf(sourceId: number): number {
  return 0x10000 + sourceId;
}

export interface CacheOptions {
  /** Entries of each cache; infinite: `keep`. 0: no such cache. */
  readonly contexts?: number;
  readonly pasids?: number;
  readonly iotlb?: number;
  readonly structures?: number;
  /** What is not present is cached too. A unit with CAP.CM may, and by default does. */
  readonly notPresent?: boolean;
  /** Given a cache's name, who is told of accesses to it. For a checker. */
  readonly recorder?: (name: string) => AccessRecorder;
}

const NEVER_FULL = Number.POSITIVE_INFINITY;

export class Caches {
  readonly contexts: TaggedCache<ContextEntry>;
  readonly pasids: TaggedCache<PasidEntry>;
  readonly iotlb: TaggedCache<IotlbEntry>;
  readonly structures: TaggedCache<StructureEntry>;
  readonly notPresent: boolean;
  readonly isRecorded: boolean;
  /** Each that a translation goes through has room: what was found is found again until it is dropped. */
  readonly areAll: boolean;
  private readonly hasStructures: boolean;
  /** Invalidations that were executed: a walk that began before the newest one caches nothing (facts: no walk that read an entry before may insert it). */
  invalidations = 0;
  /** What besides a drop makes another answer of what was found before. */
  private changes = 0;
  private readonly recorder: AccessRecorder | null;

  constructor(options: CacheOptions, cachingMode: boolean) {
    const { recorder } = options;
    const of = (name: string) => recorder?.(name) ?? null;
    this.contexts = new TaggedCache(newContext, options.contexts ?? NEVER_FULL, of('context cache'));
    this.pasids = new TaggedCache(newPasid, options.pasids ?? NEVER_FULL, of('PASID cache'));
    this.iotlb = new TaggedCache(newIotlb, options.iotlb ?? NEVER_FULL, of('IOTLB'));
    this.structures = new TaggedCache(newStructure, options.structures ?? NEVER_FULL, of('paging-structure caches'));
    this.notPresent = options.notPresent ?? cachingMode;
    this.isRecorded = recorder !== undefined;
    this.areAll = options.contexts !== 0 && options.pasids !== 0 && options.iotlb !== 0;
    this.hasStructures = options.structures !== 0;
    this.recorder = of('invalidations');
  }

  /** As long as it stays, a translation that was found is found again. */
  get version(): number {
    return (this.contexts.drops + this.pasids.drops + this.iotlb.drops + this.changes) | 0;
  }

  /** The unit is told of other tables, or an entry is filled in for a page that another one covers too. */
  changed(): void {
    this.changes++;
  }

  /** How many invalidations a walk that begins now has behind it. */
  began(): number {
    this.recorder?.loaded();
    return this.invalidations;
  }

  /** A walk is over: an invalidation may have waited for it. */
  walkEnded(): void {
    this.recorder?.stored();
  }

  /** An invalidation is executed. */
  invalidated(): void {
    this.recorder?.stored();
    this.invalidations++;
  }

  /** IOTLB entry for a page, the smallest first; null: none. `owner`: a DID, or `ownerOf` a source. */
  lookUp(owner: number, pasid: number, page: number): IotlbEntry | null {
    const { iotlb } = this;
    if (iotlb.count === 0 && !this.isRecorded) return null;
    return (
      iotlb.find(page, pasid, 4 * owner) ??
      iotlb.find(spanOf(page, 1), pasid, 4 * owner + 1) ??
      iotlb.find(spanOf(page, 2), pasid, 4 * owner + 2)
    );
  }

  /** An entry of `size` for the page, to be filled in with its tags. Null: there is no room. */
  fill(owner: number, pasid: number, page: number, size: number): IotlbEntry | null {
    const number = spanOf(page, size);
    const entry = this.iotlb.enter(number, pasid, 4 * owner + size);
    if (entry === null) return null;
    entry.page = page - offsetInSpan(page, size);
    entry.size = size;
    entry.firstSize = size;
    entry.secondSize = size;
    entry.gpa = -1;
    entry.fault = 0;
    return entry;
  }

  /** The table below the deepest entry that is known on the way to `page`, or null. Levels: 4 .. 1. */
  deepest(did: number, pasid: number, kind: number, page: number, top: number): StructureEntry | null {
    if (this.structures.count === 0 && !this.isRecorded) return null;
    for (let level = 1; level <= top; level++) {
      const found = this.structures.find(spanOf(page, level), pasid, (8 * did + level) * 4 + kind);
      if (found !== null) return found;
    }
    return null;
  }

  /** The entry at `level` on the way to `page` points to `table`. */
  enterStructure(
    did: number,
    pasid: number,
    kind: number,
    page: number,
    level: number,
    table: number,
    rights: number,
  ): void {
    if (!this.hasStructures) return;
    const number = spanOf(page, level);
    const entry = this.structures.enter(number, pasid, (8 * did + level) * 4 + kind);
    if (entry === null) return;
    entry.kind = kind;
    entry.did = did;
    entry.pasid = pasid;
    entry.page = page - offsetInSpan(page, level);
    entry.level = level;
    entry.table = table;
    entry.rights = rights;
  }

  /** All of them: a unit is reset, or told of another root table (ESRTPS). */
  dropAll(): void {
    this.invalidated();
    this.contexts.dropAll();
    this.pasids.dropAll();
    this.iotlb.dropAll();
    this.structures.dropAll();
  }
}

export function newContext(): ContextEntry {
  return {
    sourceId: 0,
    fault: 0,
    fpd: false,
    tt: 0,
    aw: 0,
    did: 0,
    table: 0,
    ssade: false,
    pwsnp: false,
    directory: 0,
    pasids: 0,
    ridPasid: 0,
    ridPriv: false,
    dte: false,
    paside: false,
    pre: false,
  };
}

export function newPasid(): PasidEntry {
  return {
    pasid: 0,
    fault: 0,
    fpd: false,
    pgtt: 0,
    aw: 0,
    did: 0,
    table: 0,
    firstTable: 0,
    fiveLevels: false,
    ssade: false,
    pwsnp: false,
    sre: false,
    ere: false,
    wpe: false,
    nxe: false,
    smep: false,
    eafe: false,
  };
}

function newIotlb(): IotlbEntry {
  return {
    kind: SECOND,
    did: 0,
    pasid: NO_PASID,
    page: 0,
    size: 0,
    firstSize: 0,
    secondSize: 0,
    gpa: -1,
    rights: 0,
    pfn: 0,
    fault: 0,
  };
}

function newStructure(): StructureEntry {
  return { kind: SECOND, did: 0, pasid: NO_PASID, page: 0, level: 0, table: 0, rights: 0 };
}
