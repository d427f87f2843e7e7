/** What the flows of a unit share: capabilities, caches, memory, and what registers say, taken apart for speed. */
import type { Step } from '../../base/flow.ts';
import { type CacheOptions, Caches } from './caches.ts';
import type { Capabilities } from './capabilities.ts';
import {
  CONTEXT_ENTRY,
  PASID_DIRECTORY_ENTRY,
  PASID_ENTRY,
  ROOT_ENTRY,
  reservedHalves,
  SCALABLE_CONTEXT_ENTRY,
  SCALABLE_ROOT_ENTRY,
} from './layouts.ts';
import type { VtdMemory } from './memory.ts';
import { firstStageReserved, secondStageReserved } from './paging-reserved.ts';
import { Walk } from './walk.ts';

/** Translation table modes of RTADDR. */
export const TTM_LEGACY = 0;
export const TTM_SCALABLE = 1;
export const TTM_ABORT = 3;

/** What the specification leaves to the unit. */
export interface Choices extends CacheOptions {
  /** A domain-selective context-cache invalidation is done as a global one (CCMD.CAIG says so). */
  readonly domainContextIsGlobal?: boolean;
  /** An IOTLB invalidation by domain drops entries of the first stage too. */
  readonly domainDropsFirstStage?: boolean;
  /**
   * Translations are found by source id and PASID of the request, without a look at context and PASID entries: one that those no
   * longer lead to is used until the IOTLB is invalidated. Else they are found by DID. Not for nested translation.
   */
  readonly iotlbBySource?: boolean;
  /** From this address mask on a page-selective invalidation is done for the whole domain. */
  readonly domainFromAddressMask?: number;
}

export class UnitState {
  readonly caps: Capabilities;
  readonly memory: VtdMemory;
  readonly caches: Caches;
  readonly choices: Choices;
  /** GSTS.TES. */
  enabled = false;
  ttm = TTM_LEGACY;
  /** Frame of the root table. */
  root = 0;
  /** Makes the step that waits until a condition holds, where flows are interleaved; else what is waited for is so already. */
  until: (label: string, condition: () => boolean) => Step | undefined = () => undefined;
  /** Walks under way, of flows that are interleaved; straight ones are never. */
  readonly walks: Walk[] = [];

  private readonly pagesByWidth: readonly number[];
  readonly rootReserved: Int32Array;
  readonly scalableRootReserved: Int32Array;
  readonly contextReserved: Int32Array;
  readonly scalableContextReserved: Int32Array;
  readonly directoryReserved: Int32Array;
  readonly pasidReserved: Int32Array;
  /** High half: bits 63:haw of a table pointer. */
  readonly pointerReservedHi: number;
  readonly secondReserved: Int32Array;
  readonly firstReserved: Int32Array;

  constructor(caps: Capabilities, memory: VtdMemory, choices: Choices = {}) {
    const { haw } = caps;
    this.caps = caps;
    this.memory = memory;
    this.choices = choices;
    this.caches = new Caches(choices, caps.cachingMode);
    this.pagesByWidth = Array.from({ length: 8 }, (_, aw) => 2 ** (Math.min(caps.mgaw, 30 + 9 * aw) - 12));
    this.rootReserved = reservedHalves(ROOT_ENTRY, haw, [0]);
    this.scalableRootReserved = reservedHalves(SCALABLE_ROOT_ENTRY, haw, [0, 1]);
    this.contextReserved = reservedHalves(CONTEXT_ENTRY, haw, [0]);
    this.scalableContextReserved = reservedHalves(SCALABLE_CONTEXT_ENTRY, haw, [0]);
    this.directoryReserved = reservedHalves(PASID_DIRECTORY_ENTRY, haw, [0]);
    // A table pointer that the type does not use is not looked at: those that are used are checked with the rest.
    this.pasidReserved = reservedHalves(PASID_ENTRY, haw, []);
    this.pointerReservedHi = haw >= 64 ? 0 : ~(2 ** Math.max(0, haw - 32) - 1);
    this.secondReserved = secondStageReserved(caps);
    this.firstReserved = firstStageReserved(caps);
  }

  /** Whether tables of `levels` (AW + 2) can be walked. */
  supportsWidth(aw: number): boolean {
    return aw >= 1 && aw <= 3 && ((this.caps.sagaw >> aw) & 1) === 1;
  }

  /** Pages that a second-stage table of width AW, or the unit, has addresses for. */
  pagesOf(aw: number): number {
    return this.pagesByWidth[aw]!;
  }

  newWalk(): Walk {
    return new Walk();
  }

  /** Walks under way that began before invalidation number `invalidation`. */
  hasOlderWalks(invalidation: number): boolean {
    return this.walks.some((walk) => walk.began < invalidation);
  }
}
