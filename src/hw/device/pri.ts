/**
 * A device's page request interface (PCIe 10.4): it asks for a page under a PASID and group index, and waits for the answer of the group. A
 * device that stops with a marker does not wait, and keeps the index until the answer has come.
 */

import { Cell } from '../../base/cell.ts';
import { ATOMIC, type Flow, type Step, until } from '../../base/flow.ts';
import { UNBUFFERED, Words } from '../../base/words.ts';
import type { World } from '../../base/world.ts';
import type { PageRequestQueue } from '../vtd/page-requests.ts';

/** A group whose answer has not come. */
export interface OutstandingGroup<Owner> {
  readonly pasid: number;
  readonly owner: Owner;
}

export class PageRequestInterface<Owner> {
  readonly rid: number;
  /** By group index. */
  readonly groups: Words<OutstandingGroup<Owner> | null>;
  /** PASID that it was told to stop using; -1: none. */
  readonly stopped: Cell<number>;
  private readonly world: World;
  private readonly queue: PageRequestQueue<Owner>;

  constructor(world: World, rid: number, queue: PageRequestQueue<Owner>, indexes = 1) {
    this.world = world;
    this.rid = rid;
    this.queue = queue;
    this.stopped = new Cell(world, 'device stops PASID', -1, UNBUFFERED);
    this.groups = new Words<OutstandingGroup<Owner> | null>(
      world,
      'page request groups',
      new Array(indexes).fill(null),
    );
  }

  /** A group of requests for pages from `page` on, to write. Returns its index, or -1: all are taken, or the PASID is stopped. */
  *request(pasid: number, page: number, owner: Owner, pages = 1): Flow<number> {
    yield ATOMIC;
    if (this.stopped.load() === pasid) return -1;
    const prg_index = this.take({ pasid, owner });
    if (prg_index === -1) return -1;
    const one = { rid: this.rid, pasid, prg_index, rd_req: false, wr_req: true, owner };
    for (let nth = 0; nth < pages; nth++) {
      if (nth > 0) yield ATOMIC;
      const lpig = nth === pages - 1;
      const isTaken = this.queue.post({ ...one, page: page + nth, lpig });
      // The unit has no room, and answers success.
      if (!isTaken && lpig) this.groups.store(prg_index, null);
    }
    return prg_index;
  }

  private take(group: OutstandingGroup<Owner>): number {
    for (let prg_index = 0; prg_index < this.groups.length; prg_index++) {
      if (this.groups.load(prg_index) !== null) continue;
      this.groups.store(prg_index, group);
      return prg_index;
    }
    return -1;
  }

  /** No more requests of the PASID: a stop marker goes behind those that there were. */
  *stopMarker(pasid: number, owner: Owner): Flow<void> {
    yield ATOMIC;
    this.stopped.store(pasid);
    const { rid } = this;
    this.queue.post({ rid, pasid, page: 0, prg_index: 0, lpig: true, rd_req: false, wr_req: false, owner });
  }

  /** Waits for the answer of a group. */
  answered(prg_index: number): Step {
    return until(this.world, `group ${prg_index} is answered`, () => this.groups.peek(prg_index) === null);
  }

  /** A page group response: the group that it was for. Context: an atomic step, the unit's. */
  respond(prg_index: number): OutstandingGroup<Owner> {
    const group = this.groups.load(prg_index);
    if (group === null) throw new Error(`group ${prg_index} is answered, and was not asked`);
    this.groups.store(prg_index, null);
    return group;
  }
}
