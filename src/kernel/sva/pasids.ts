/**
 * The global PASID allocator (iommu_global_pasid_ida; before 6.4 an ioasid set): 20 bits, lowest free number first, so that a number
 * that was freed is the next one given out. 0 and -1 are never given.
 *
 * The observer knows who has each number, and who had it before.
 */
import { ATOMIC, assert, type Flow, UNBUFFERED, Words, type World } from '../../base/index.ts';
import type { Mm } from '../objects.ts';

/** IOMMU_FIRST_GLOBAL_PASID. */
export const IOMMU_FIRST_GLOBAL_PASID = 1;
/** 20 bits (PASID_MAX 0x100000), of which all ones is left out. */
export const PASID_MAX = 0x10_0000;

export const ENOSPC = -28;

export class PasidAllocator {
  /** Numbers below are in use by others, for good. */
  readonly first: number;
  readonly last: number;
  /** By number less `first`: who has it. */
  readonly owners: Words<Mm | null>;
  /** By number less `first`: who had it last. Changed with `owners`. */
  private readonly former: (Mm | null)[];

  constructor(world: World, first = IOMMU_FIRST_GLOBAL_PASID, last = first + 2) {
    this.first = first;
    this.last = last;
    // Changed under the allocator's own lock, in one step here.
    this.owners = new Words<Mm | null>(world, 'PASIDs', new Array(last - first + 1).fill(null), UNBUFFERED);
    this.former = new Array<Mm | null>(last - first + 1).fill(null);
  }

  /** Lowest free number up to `max`, or -ENOSPC. `given`: the observer's look, in the same step. */
  *alloc(mm: Mm, max: number, given: (pasid: number, former: Mm | null) => void): Flow<number> {
    yield ATOMIC;
    for (let at = 0; at <= Math.min(this.last, max) - this.first; at++) {
      if (this.owners.load(at) !== null) continue;
      this.owners.store(at, mm);
      given(this.first + at, this.former[at]!);
      return this.first + at;
    }
    return ENOSPC;
  }

  *free(pasid: number): Flow<void> {
    yield ATOMIC;
    const at = pasid - this.first;
    const owner = this.owners.load(at);
    assert(owner !== undefined, `PASID ${pasid} is none of ${this.first} to ${this.last}`);
    if (owner === null) throw new Error(`PASID ${pasid} is freed twice`);
    this.former[at] = owner;
    this.owners.store(at, null);
  }

  /** Who has the number: one access, the observer's. */
  ownerOf(pasid: number): Mm | null {
    return this.owners.load(pasid - this.first);
  }
}
