/** What the flows of a unit share: capabilities, caches, memory, and what registers say, taken apart for speed. */
import type { Step } from '../../base/flow.ts';
import { type CacheOptions, Caches } from './caches.ts';
import type { Capabilities } from './capabilities.ts';
import type { VtdMemory } from './memory.ts';
import { type ReservedBits, reservedBitsOf } from './reserved-bits.ts';
import type { Walk } from './walk.ts';

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

  /** Bits that this unit has reserved, by structure. */
  readonly reserved: ReservedBits;
  private readonly pagesByWidth: readonly number[];

  constructor(caps: Capabilities, memory: VtdMemory, choices: Choices = {}) {
    this.caps = caps;
    this.memory = memory;
    this.choices = choices;
    this.caches = new Caches(choices, caps.cachingMode);
    this.pagesByWidth = Array.from({ length: 8 }, (_, aw) => 2 ** (Math.min(caps.mgaw, 30 + 9 * aw) - 12));
    this.reserved = reservedBitsOf(caps);
  }

  /** Whether tables of `levels` (AW + 2) can be walked. */
  supportsWidth(aw: number): boolean {
    return aw >= 1 && aw <= 3 && ((this.caps.sagaw >> aw) & 1) === 1;
  }

  /** Pages that a second-stage table of width AW, or the unit, has addresses for. */
  pagesOf(aw: number): number {
    return this.pagesByWidth[aw]!;
  }

  /** Walks under way that began before invalidation number `invalidation`. */
  hasOlderWalks(invalidation: number): boolean {
    this.caches.began();
    return this.walks.some((walk) => walk.began < invalidation);
  }
}
