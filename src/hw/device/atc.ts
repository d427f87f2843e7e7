/**
 * A device's TLB (ATC, PCIe 10): what the unit translated, by PASID and page, until an invalidation drops it. The device uses what it has
 * without asking the unit. An invalidation is executed in the step in which the unit sends it, and answered.
 */

import { Cell } from '../../base/cell.ts';
import { UNBUFFERED } from '../../base/words.ts';
import type { World } from '../../base/world.ts';
import type { DeviceTlbAnswer, DeviceTlbInvalidation, DeviceTlbPort } from '../vtd/memory.ts';

interface AtcEntry {
  readonly pasid: number;
  readonly page: number;
  readonly pfn: number;
}

const NONE: readonly AtcEntry[] = [];

export class Atc implements DeviceTlbPort {
  readonly rid: number;
  private readonly entries: Cell<readonly AtcEntry[]>;

  constructor(world: World, rid: number) {
    this.rid = rid;
    this.entries = new Cell<readonly AtcEntry[]>(world, 'device TLB', NONE, UNBUFFERED);
  }

  /** Frame of a page, or null. One access. */
  find(pasid: number, page: number): number | null {
    return this.entries.load().find((entry) => entry.pasid === pasid && entry.page === page)?.pfn ?? null;
  }

  /** Context: the step in which the unit's translation ends. */
  fill(pasid: number, page: number, pfn: number): void {
    this.entries.store([...this.entries.load(), { pasid, page, pfn }]);
  }

  invalidate({ page, pages, pasid, sourceId }: DeviceTlbInvalidation): DeviceTlbAnswer {
    if (sourceId !== this.rid) return 'completed';
    const isStale = (entry: AtcEntry) => entry.pasid === pasid && entry.page >= page && entry.page < page + pages;
    this.entries.store(this.entries.load().filter((entry) => !isStale(entry)));
    return 'completed';
  }
}
