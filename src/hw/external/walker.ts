/**
 * An IOMMU that walks page tables by itself, as litmus tests of coherence need it: roots by PASID or domain, IOTLB, paging-structure caches, and the
 * devices' TLBs behind it. It has what all of them promise (VT-d 6.5, AMD IOMMU 2.4, PCIe ATS), and no more:
 *
 * - the walk reads one entry a step; each pointer may be cached when it was read, and a later walk begins at the deepest one it finds;
 * - nothing may be filled or used that was read before an invalidation of it was executed: the walk begins anew;
 * - an invalidation is complete once that is so, and once accesses that were translated before are done: here the step in which it is executed.
 *
 * Registers, descriptors, context and PASID tables: hw/vtd. Left out: accessed and dirty flags, the no-execute flag.
 */
import { ATOMIC, type Flow } from '../../base/flow.ts';
import { UNBUFFERED, Words } from '../../base/words.ts';
import type { World } from '../../base/world.ts';
import type { RecordedMemory } from '../memory/recorded-memory.ts';
import { indexAt, offsetInSpan, outputPfn, type PageTableFormat } from '../pt/format.ts';
import { type Place, Places } from './places.ts';

/** What a page is translated to. */
export interface ExternalEntry {
  /** Frame of the first page that it covers. */
  readonly pfn: number;
  readonly writable: boolean;
  /** 0: a page of 4 KiB, 1: 2 MiB, 2: 1 GiB. */
  readonly level: number;
}

export type WalkFault = 'not present' | 'not writable' | 'supervisor';

export interface ExternalAccess {
  /** PASID, or the domain of a device that has none. */
  readonly space: number;
  readonly page: number;
  readonly write: boolean;
}

export interface WalkerOptions {
  readonly format: PageTableFormat;
  /** Level of the root table: 3 where there are four. */
  readonly top: number;
  /** How many spaces there are, from 0 on. */
  readonly spaces: number;
  /** All pages that are ever translated. */
  readonly pages: readonly number[];
  /** Whether pointers to tables are cached. Default: they are. */
  readonly structures?: boolean;
  /**
   * Whether a cached entry that does not allow a write is looked at again in memory (x86), or refuses it until it is dropped (what arm's
   * architecture allows). Default: it is.
   */
  readonly rechecks?: boolean;
  /** An observer's look at each table, in the step before it is read, and for which space. */
  readonly observe?: (table: number, space: number) => void;
}

/** The same bit in both formats. */
const WRITE_LO = 2;
/** In entries of a format that has it. */
const USER_LO = 4;
const LEAF_LEVELS = [0, 1, 2] as const;
const LEAF_SIZES = ['4K', '2M', '1G'] as const;
/** Caches of pointers go by the entry that has the pointer (SDM 4.10.3.1, VT-d 6.2.5): from level 1 on. */
const POINTERS = ['PDE', 'PDPTE', 'PML4E', 'PML5E'] as const;

interface Space {
  /** By level of the page. */
  readonly iotlb: readonly Places<ExternalEntry>[];
  /** By level of the entry that points to the table, from 1 on: its frame. */
  readonly structures: readonly Places<number>[];
}

export class ExternalWalker {
  /** Frame of each space's top table; 0: none, and every access faults. Read anew by each walk. */
  readonly roots: Words<number>;
  private readonly memory: RecordedMemory;
  private readonly options: WalkerOptions;
  private readonly spaces: readonly Space[];

  constructor(world: World, memory: RecordedMemory, options: WalkerOptions) {
    this.memory = memory;
    this.options = options;
    this.roots = new Words<number>(world, 'root of space', new Array<number>(options.spaces).fill(0), UNBUFFERED);
    const { pages, spaces, top } = options;
    this.spaces = Array.from({ length: spaces }, (_, space) => {
      const of = spaces === 1 ? '' : ` of space ${space}`;
      return {
        iotlb: LEAF_LEVELS.map(
          (level) => new Places<ExternalEntry>(world, `IOTLB${of} ${LEAF_SIZES[level]} page`, level, pages),
        ),
        structures: Array.from(
          { length: top },
          (_, nth) => new Places<number>(world, `${POINTERS[nth]} cache${of} page`, nth + 1, pages),
        ),
      };
    });
  }

  /**
   * Translates, and does the access in the step in which that ends: `perform` gets the frame, or the fault. It may touch what it likes.
   */
  *translate(access: ExternalAccess, perform: (entry: ExternalEntry | WalkFault) => void): Flow<void> {
    for (;;) {
      yield ATOMIC;
      const places = this.space(access).iotlb.map((own) => own.look(access.page));
      const hit = this.hit(access, places);
      if (hit !== null) {
        perform(hit);
        return;
      }
      const walked = yield* this.walk(access);
      if (walked === 'anew') continue;
      yield ATOMIC;
      const result = this.end(access, walked, places);
      if (result === 'anew') continue;
      perform(result);
      return;
    }
  }

  /** What the IOTLB has for the access; null: a walk is needed. */
  private hit(access: ExternalAccess, places: readonly Place<ExternalEntry>[]): ExternalEntry | WalkFault | null {
    for (const { entry } of places) {
      if (entry === null) continue;
      if (!access.write || entry.writable) return entry;
      if (this.options.rechecks === false) return 'not writable';
    }
    return null;
  }

  /** Fills the IOTLB with what was read, if its place is as it was before. A fault is not cached. Context: an atomic step. */
  private end(
    access: ExternalAccess,
    walked: ExternalEntry | WalkFault,
    before: readonly Place<ExternalEntry>[],
  ): ExternalEntry | WalkFault | 'anew' {
    if (typeof walked === 'string') return walked;
    const { level } = walked;
    if (!this.space(access).iotlb[level]!.fill(access.page, walked, before[level]!.drops)) return 'anew';
    return access.write && !walked.writable ? 'not writable' : walked;
  }

  private *walk(access: ExternalAccess): Flow<ExternalEntry | WalkFault | 'anew'> {
    const { format, structures: keeps = true, top } = this.options;
    const { structures } = this.space(access);
    const { page } = access;
    yield ATOMIC;
    let table = this.roots.load(access.space);
    let level = top;
    /** Places of the pointers that this walk follows, as they were before it read any. */
    const places = structures.map((own) => own.look(page));
    const deepest = keeps ? places.findIndex(({ entry }) => entry !== null) : -1;
    if (deepest >= 0) {
      table = places[deepest]!.entry!;
      level = deepest;
    }
    if (table === 0) return 'not present';
    let writable = true;
    let user = true;
    const userLo = format.tableLo & USER_LO;
    for (;;) {
      yield ATOMIC;
      // An invalidation drops all pointers on the way to a page together, with the root's: the deepest that was followed tells.
      const followed = Math.min(level, top - 1);
      if (structures[followed]!.look(page).drops !== places[followed]!.drops) return 'anew';
      this.options.observe?.(table, access.space);
      const at = this.memory.locate(table, indexAt(page, level));
      const lo = this.memory.lo(at);
      if ((lo & format.presentLo) === 0) return 'not present';
      writable &&= (lo & WRITE_LO) !== 0;
      user &&= (lo & userLo) === userLo;
      const pfn = outputPfn(lo, this.memory.hi(at));
      if (level === 0 || (level <= 2 && (lo & format.pageSizeLo) !== 0)) {
        return user ? { pfn: pfn - offsetInSpan(pfn, level), writable, level } : 'supervisor';
      }
      if (keeps) structures[level - 1]!.fill(page, pfn, places[level - 1]!.drops);
      table = pfn;
      level--;
    }
  }

  /**
   * Invalidates [page, end) of a space. `leafOnly` (IH): pointers to tables stay. Context: an atomic step, the one in which it is executed.
   */
  invalidate(space: number, page: number, end: number, leafOnly = false): void {
    const { iotlb, structures } = this.spaces[space]!;
    for (const places of iotlb) places.drop(page, end);
    if (leafOnly) return;
    for (const places of structures) places.drop(page, end);
  }

  private space({ space }: ExternalAccess): Space {
    return this.spaces[space]!;
  }
}

/** The frame of a page that the entry covers. */
export function frameOf({ level, pfn }: ExternalEntry, page: number): number {
  return pfn + offsetInSpan(page, level);
}
