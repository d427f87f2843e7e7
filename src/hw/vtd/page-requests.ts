/**
 * The page request queue of a unit (VT-d 7.4 to 7.6): a ring that the unit fills and software empties, the registers PQH, PQT, PPR and PRO.
 * While PRO is set nothing gets into the ring.
 *
 * Left out: private data, requests that are still on their way (one is in the ring in the step in which the device sends it), PRS as one
 * register. Head and tail count entries.
 */
import { Cell } from '../../base/cell.ts';
import { UNBUFFERED, Words } from '../../base/words.ts';
import type { World } from '../../base/world.ts';

/** A request as the ring has it; `owner` is the observer's: whose work it is for, whatever its PASID says. */
export interface PageRequest<Owner> {
  readonly rid: number;
  readonly pasid: number;
  /** Bits 63:12 of the address. */
  readonly page: number;
  readonly prg_index: number;
  readonly lpig: boolean;
  readonly rd_req: boolean;
  readonly wr_req: boolean;
  readonly owner: Owner;
}

/** LRW = 100b: the device has no more requests of the PASID, and does not wait for answers. */
export function isStopMarker({ lpig, rd_req, wr_req }: PageRequest<unknown>): boolean {
  return lpig && !rd_req && !wr_req;
}

export class PageRequestQueue<Owner> {
  readonly ring: Words<PageRequest<Owner> | null>;
  readonly PQH: Cell<number>;
  readonly PQT: Cell<number>;
  /** Pending page request: the unit's interrupt. */
  readonly PPR: Cell<number>;
  /** Page request overflow. */
  readonly PRO: Cell<number>;

  constructor(world: World, entries = 4) {
    this.ring = new Words<PageRequest<Owner> | null>(world, 'page request ring', new Array(entries).fill(null));
    this.PQH = new Cell(world, 'PQH', 0, UNBUFFERED);
    this.PQT = new Cell(world, 'PQT', 0, UNBUFFERED);
    this.PPR = new Cell(world, 'PPR', 0, UNBUFFERED);
    this.PRO = new Cell(world, 'PRO', 0, UNBUFFERED);
  }

  next(entry: number): number {
    return (entry + 1) % this.ring.length;
  }

  /** The unit takes a request. False: overflow; it answers success itself, if it is the last in its group. Context: an atomic step. */
  post(request: PageRequest<Owner>): boolean {
    if (this.PRO.load() === 1) return false;
    const tail = this.PQT.load();
    if (this.next(tail) === this.PQH.load()) {
      this.PRO.store(1);
      this.PPR.store(1);
      return false;
    }
    this.ring.store(tail, request);
    this.PQT.store(this.next(tail));
    this.PPR.store(1);
    return true;
  }
}
