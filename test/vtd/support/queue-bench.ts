/** A machine with an invalidation queue, and what is to be seen of it: head, tail, FSTS, status words. */
import { FSTS_OFFSET, IQT_OFFSET } from '../../../src/hw/vtd/registers.ts';
import { Queue } from './invalidations.ts';
import { Machine, type MachineOptions } from './machine.ts';
import type { Shape } from './shape.ts';

export const IQE = 0x10n;
export const ICE = 0x20n;
export const ITE = 0x40n;
export const WIDTHS = [16, 32] as const;

export class Bench {
  private readonly shape: Shape;
  readonly machine: Machine;
  readonly queue: Queue;
  readonly status: bigint;

  constructor(shape: Shape, width: 16 | 32, options: MachineOptions = {}, size = 0) {
    this.shape = shape;
    this.machine = new Machine(options);
    this.status = this.machine.frames();
    this.queue = new Queue(this.machine, width, size);
  }

  get fsts(): bigint {
    return this.machine.unit.read(FSTS_OFFSET, 4);
  }

  get tail(): number {
    return Number(this.machine.unit.read(IQT_OFFSET, 8));
  }

  clear(bits: bigint): void {
    this.machine.unit.write(FSTS_OFFSET, 4, bits);
  }

  /** A wait that writes `data` to `slot`. */
  wait(data: number, slot = 0, flags = 0x20n): void {
    this.queue.add(5n | flags | (BigInt(data) << 32n), this.status + BigInt(4 * slot));
  }

  written(slot = 0): number {
    const word = this.machine.word(this.status + BigInt(8 * (slot >> 1)));
    return Number(slot % 2 === 0 ? word & 0xffffffffn : word >> 32n);
  }

  /** The queue stands at `head` with this in FSTS. */
  stands(head: number, fsts: bigint, what: () => string): void {
    this.shape.equal(this.queue.head, head, () => `${what()}: head`);
    this.shape.equal(this.tail, this.queue.tail, () => `${what()}: tail`);
    this.shape.equal(this.fsts, fsts, () => `${what()}: FSTS`);
  }

  /** What was added last is no good; with `repaired` in its place it is. A wait behind it is not done before. */
  stopsAt(bad: bigint[], repaired: bigint, what: () => string): void {
    const { queue } = this;
    const at = queue.tail;
    this.machine.put(this.status, 0n);
    queue.add(...bad);
    this.wait(7);
    queue.tell();
    this.stands(at, IQE, what);
    queue.tell();
    this.stands(at, IQE, () => `${what()}, told again`);
    this.clear(IQE);
    this.stands(at, IQE, () => `${what()}, not repaired`);
    this.shape.equal(this.written(), 0, () => `${what()}: wait`);
    for (let i = 0; i < queue.width / 8; i++) this.machine.put(queue.address + BigInt(at + 8 * i), 0n);
    this.machine.put(queue.address + BigInt(at), repaired & (2n ** 64n - 1n));
    this.machine.put(queue.address + BigInt(at + 8), repaired >> 64n);
    this.clear(IQE);
    this.stands(queue.tail, 0n, () => `${what()}, repaired`);
    this.shape.equal(this.written(), 7, () => `${what()}: wait after the repair`);
  }

  /** What is added is done. */
  passes(words: bigint[], what: () => string): void {
    this.queue.add(...words);
    this.queue.tell();
    this.stands(this.queue.tail, 0n, what);
  }
}
