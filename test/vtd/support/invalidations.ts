/** Invalidations, by register and by queue: words of descriptors and commands are written out here. */
import { CCMD_OFFSET, IQA_OFFSET, IQH_OFFSET, IQT_OFFSET } from '../../../src/hw/vtd/registers.ts';
import { IOTLB, IVA, type Machine, QIE } from './machine.ts';

export type Carrier = 'register' | 'queue of 128 bits' | 'queue of 256 bits';
export const CARRIERS: readonly Carrier[] = ['register', 'queue of 128 bits', 'queue of 256 bits'];

export const GLOBAL = 1;
export const DOMAIN = 2;
export const SELECTIVE = 3;

/** Pages of an invalidation: 2^mask from `page` on; `leafOnly`: IH. */
export interface Pages {
  readonly page: number;
  readonly mask?: number;
  readonly leafOnly?: boolean;
}

function address({ page, mask = 0, leafOnly = false }: Pages): bigint {
  return (BigInt(page) << 12n) | BigInt(mask) | (leafOnly ? 64n : 0n);
}

/** A queue in memory, filled by the test. */
export class Queue {
  readonly address: bigint;
  readonly width: number;
  readonly bytes: number;
  tail = 0;
  private readonly machine: Machine;

  constructor(machine: Machine, width: 16 | 32, size = 0) {
    this.machine = machine;
    this.width = width;
    this.bytes = 4096 * 2 ** size;
    this.address = machine.frames(2 ** size);
    machine.unit.write(IQA_OFFSET, 8, this.address | BigInt(size) | (width === 32 ? 0x800n : 0n));
    machine.unit.write(IQT_OFFSET, 8, 0n);
    machine.enable(QIE);
  }

  /** Stores a descriptor at the tail; `tell` lets the unit know. */
  add(...words: bigint[]): void {
    for (let i = 0; i < this.width / 8; i++) {
      this.machine.put(this.address + BigInt(this.tail + 8 * i), words[i] ?? 0n);
    }
    this.tail = (this.tail + this.width) % this.bytes;
  }

  tell(): void {
    this.machine.unit.write(IQT_OFFSET, 8, BigInt(this.tail));
  }

  get head(): number {
    return Number(this.machine.unit.read(IQH_OFFSET, 8));
  }
}

/** Sends invalidations in one way. Each says whether there is such a command there. */
export class Invalidator {
  private readonly machine: Machine;
  private readonly queue: Queue | null;

  constructor(machine: Machine, carrier: Carrier) {
    this.machine = machine;
    this.queue = carrier === 'register' ? null : new Queue(machine, carrier === 'queue of 128 bits' ? 16 : 32);
  }

  contexts(granularity: number, did: number, sourceId = 0, functionMask = 0): boolean {
    if (this.queue === null) {
      const ids = BigInt(did) | (BigInt(sourceId) << 16n) | (BigInt(functionMask) << 32n);
      this.machine.unit.write(CCMD_OFFSET, 8, (1n << 63n) | (BigInt(granularity) << 61n) | ids);
      return true;
    }
    const ids = (BigInt(did) << 16n) | (BigInt(sourceId) << 32n) | (BigInt(functionMask) << 48n);
    return this.send(1n | (BigInt(granularity) << 4n) | ids);
  }

  iotlb(granularity: number, did: number, pages: Pages = { page: 0 }): boolean {
    if (this.queue === null) {
      const { unit } = this.machine;
      unit.write(IVA, 8, address(pages));
      unit.write(IOTLB, 8, (1n << 63n) | (BigInt(granularity) << 60n) | (BigInt(did) << 32n));
      return true;
    }
    return this.send(2n | (BigInt(granularity) << 4n) | (BigInt(did) << 16n), address(pages));
  }

  /** 0: domain, 1: PASID, 3: global. */
  pasids(granularity: number, did: number, pasid = 0): boolean {
    return this.send(7n | (BigInt(granularity) << 4n) | (BigInt(did) << 16n) | (BigInt(pasid) << 32n));
  }

  /** 2: PASID, 3: pages. */
  pasidIotlb(granularity: number, did: number, pasid: number, pages: Pages = { page: 0 }): boolean {
    const word = 6n | (BigInt(granularity) << 4n) | (BigInt(did) << 16n) | (BigInt(pasid) << 32n);
    return this.send(word, address(pages));
  }

  private send(low: bigint, high = 0n): boolean {
    const { queue } = this;
    if (queue === null) return false;
    queue.add(low, high);
    queue.tell();
    if (queue.head !== queue.tail) throw new Error(`the queue stopped at ${queue.head}: ${low.toString(16)}`);
    return true;
  }
}
