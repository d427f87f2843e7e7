/**
 * A device like DSA with a shared work queue: ENQCMD puts a descriptor with a PASID into it, and engines take them out in any order
 * and work on the virtual addresses of that PASID's space. Software can wait until nothing of a PASID is left ("drain").
 *
 * Left out: batches, completion records and interrupts, priorities; the device's own TLB is in atc.ts.
 */
import { Cell } from '../../base/cell.ts';
import { type Flow, type Step, until, untilAtomic } from '../../base/flow.ts';
import { UNBUFFERED, Words } from '../../base/words.ts';
import type { World } from '../../base/world.ts';

/** A descriptor in a queue. `owner` and `task` are the observer's: who put it there, whatever its PASID says. */
export interface Work<Owner> {
  readonly pasid: number;
  readonly owner: Owner;
  readonly task: string;
  /** Virtual page. */
  readonly page: number;
  /** What lanes call it, once it is in a queue. */
  readonly toJSON?: () => string;
}

function describeWork(this: Work<unknown>): string {
  return `${this.task}'s work, PASID ${this.pasid}${this.page === 0 ? '' : `, page ${this.page}`}`;
}

/** What ENQCMD writes to: a page of the device in a process's address space. */
export interface Portal<Owner> {
  readonly device: Dsa<Owner>;
  /** It is mapped: a store to it reaches the device. */
  readonly mapped: Cell<boolean>;
}

export class Dsa<Owner> {
  readonly world: World;
  readonly name: string;
  /** One word a place in the queue. */
  readonly queue: Words<Work<Owner> | null>;

  constructor(world: World, name: string, places = 2) {
    this.world = world;
    this.name = name;
    // The device's own memory: what it has taken or done is so at once.
    this.queue = new Words<Work<Owner> | null>(world, `${name} queue`, new Array(places).fill(null), UNBUFFERED);
  }

  portal(name: string): Portal<Owner> {
    return {
      device: this,
      mapped: new Cell<boolean>(this.world, `${name} portal mapped`, false, UNBUFFERED),
    };
  }

  /** Takes a descriptor; false: full ("retry"). Context: within an atomic step. */
  accept(work: Work<Owner>): boolean {
    for (let place = 0; place < this.queue.length; place++) {
      if (this.queue.load(place) !== null) continue;
      this.queue.store(place, { ...work, toJSON: describeWork });
      return true;
    }
    return false;
  }

  /** Waits until the queue has room. */
  roomy(): Step {
    return until(this.world, `${this.name} has room`, () => {
      for (let place = 0; place < this.queue.length; place++) if (this.queue.peek(place) === null) return true;
      return false;
    });
  }

  /** Waits until no work of the PASID is queued or under way. */
  drained(pasid: number): Step {
    return until(this.world, `${this.name} has no work of PASID ${pasid}`, () => {
      for (let place = 0; place < this.queue.length; place++) {
        if (this.queue.peek(place)?.pasid === pasid) return false;
      }
      return true;
    });
  }
}

/**
 * An engine that serves one place of the queue, for ever: a daemon. The work is one step with taking it: translation and access have nothing in
 * between.
 */
export function* atomicEngine<Owner>(
  device: Dsa<Owner>,
  place: number,
  execute: (work: Work<Owner>) => void,
): Flow<void> {
  for (;;) {
    yield untilAtomic(device.world, `${device.name} has work`, () => device.queue.peek(place) !== null);
    execute(device.queue.load(place)!);
    device.queue.store(place, null);
  }
}
