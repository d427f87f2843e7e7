/** What the invalidation queue is about: its place in memory, how far it is, what it waits for. */

import type { Step } from '../../base/flow.ts';
import { joinHalves } from '../../base/halves.ts';
import type { FaultLog } from './faults.ts';
import { sendEvent } from './faults.ts';
import type { DeviceTlbAnswer, DeviceTlbPort, InterruptSink } from './memory.ts';
import { FSTS_OFFSET, ICS_OFFSET, IECTL_OFFSET, IQH_OFFSET, type RegisterFile } from './registers.ts';
import type { UnitState } from './state.ts';
import type { AccessRecorder } from './tagged-cache.ts';

/** Bits of FSTS that stop the queue. */
export const IQE = 0x10;
export const ICE = 0x20;
export const ITE = 0x40;

/** Page group responses, for whoever models page requests. */
export type PageGroupResponse = (low: bigint, high: bigint) => void;

export interface QueueOptions {
  readonly interrupts?: InterruptSink;
  readonly deviceTlbs?: DeviceTlbPort;
  readonly pageGroupResponse?: PageGroupResponse;
}

export class QueueState {
  readonly state: UnitState;
  /** GSTS.QIES. */
  enabled = false;
  /** Bytes from the start of the queue. */
  head = 0;
  tail = 0;
  /** The descriptor that was fetched: bits 127:0, and the upper half of one of 256 bits. */
  readonly halves = new Int32Array(4);
  private readonly upper = new Int32Array(4);
  private frame = 0;
  private bytes = 4096;
  private width = 16;
  /** Device-TLB invalidations that have not been answered. */
  private unanswered = 0;
  /** Invalidations of our caches that were executed, by number. */
  private newest = 0;
  /** Waits up to this place of the queue, counted on from head, are aborted. */
  private aborted = 0;
  private readonly registers: RegisterFile;
  private readonly faults: FaultLog;
  private readonly options: QueueOptions;
  private readonly recorder: AccessRecorder | null;

  constructor(state: UnitState, registers: RegisterFile, faults: FaultLog, options: QueueOptions) {
    this.state = state;
    this.registers = registers;
    this.faults = faults;
    this.options = options;
    this.recorder = state.choices.recorder?.('invalidation queue') ?? null;
  }

  /** IQA was written: frame of the queue, 2^size pages, descriptors of 256 bits or not. */
  place(frame: number, size: number, isWide: boolean): void {
    this.recorder?.stored();
    this.frame = frame;
    this.bytes = 4096 * 2 ** size;
    this.width = isWide ? 32 : 16;
  }

  enable(isEnabled: boolean): void {
    this.recorder?.stored();
    this.enabled = isEnabled;
    this.head = 0;
    this.aborted = 0;
    this.showHead();
  }

  /** IQT is written. Under TSO `yield LOCKED;` before: the register is not cached, and its write passes no earlier store. */
  setTail(tail: number): void {
    this.recorder?.storedInOrder('the write of IQT');
    this.tail = tail;
  }

  hasError(): boolean {
    this.recorder?.loaded();
    return (this.registers.get32(FSTS_OFFSET) & (IQE | ICE | ITE)) !== 0;
  }

  /** Whether there is something to be served. */
  hasWork(): boolean {
    this.recorder?.loaded();
    return this.enabled && this.head !== this.tail && (this.registers.get32(FSTS_OFFSET) & (IQE | ICE | ITE)) === 0;
  }

  /** Reads the descriptor at head. False: it cannot be read, or tail is no place in the queue. */
  fetch(): boolean {
    if (this.tail >= this.bytes || this.tail % this.width !== 0) return false;
    if (this.width === 32) return this.read(this.head, this.halves) && this.read(this.head + 16, this.upper);
    return this.read(this.head, this.halves);
  }

  private read(offset: number, into: Int32Array): boolean {
    const { memory } = this.state;
    const frame = this.frame + Math.floor(offset / 4096);
    const index = (offset % 4096) / 8;
    const first = memory.locate(frame, index);
    if (first === -1) return false;
    into[0] = memory.lo(first);
    into[1] = memory.hi(first);
    const second = memory.locate(frame, index + 1);
    into[2] = memory.lo(second);
    into[3] = memory.hi(second);
    return true;
  }

  /** Bits 255:128 are set, which are reserved in every descriptor but a page group response with private data. */
  hasUpperBits(): boolean {
    if (this.width === 16) return false;
    if ((this.halves[0]! & 15) === 9 && (this.halves[0]! & 0x20) !== 0) return false;
    return this.upper.some((half) => half !== 0);
  }

  /** Bits 127:76 as a page number. */
  page(): number {
    return (this.halves[2]! >>> 12) + (this.halves[3]! >>> 0) * 0x100000;
  }

  advance(): void {
    this.recorder?.stored();
    this.head = (this.head + this.width) % this.bytes;
    if (this.aborted > 0) this.aborted -= this.width;
    this.showHead();
  }

  private showHead(): void {
    this.registers.set32(IQH_OFFSET, this.head);
  }

  /** Why the queue stands still, for people; null: it does not. */
  get problem(): string | null {
    const status = this.registers.get32(FSTS_OFFSET);
    if ((status & IQE) === 0) return null;
    const place = `descriptor ${this.head / this.width} (type ${this.halves[0]! & 15})`;
    const isPlace = this.tail < this.bytes && this.tail % this.width === 0;
    const why = isPlace
      ? `${place} has a reserved bit, or asks for what there is not`
      : `tail ${this.tail} is no place in it`;
    return `the invalidation queue stopped (IQE): ${why}`;
  }

  /** Sets a bit of FSTS that stops the queue, and tells software. */
  stop(error: number): void {
    this.recorder?.stored();
    this.faults.raise(error);
  }

  executed(): void {
    this.newest = this.state.caches.invalidations;
  }

  /** Sends the device-TLB invalidation that was fetched. */
  sendToDevice(type: number): DeviceTlbAnswer {
    const [low, high] = this.halves as unknown as readonly [number, number];
    const isSized = (this.halves[2]! & (type === 3 ? 1 : 0x800)) !== 0;
    const page = this.page();
    const pages = isSized ? sizeIn(page) : 1;
    const answer =
      this.options.deviceTlbs?.invalidate({
        sourceId: type === 3 ? high & 0xffff : low >>> 16,
        pasid: type === 3 ? -1 : high & 0xfffff,
        page: page - (page % pages),
        pages,
      }) ?? 'completed';
    if (answer === 'later') this.unanswered++;
    return answer;
  }

  /** A device answered. False: nothing was asked of any (ICE). */
  answered(): boolean {
    this.recorder?.stored();
    if (this.unanswered === 0) return false;
    this.unanswered--;
    return true;
  }

  /** A device did not answer in time: waits that are in the queue now are aborted. */
  timeOut(): void {
    this.unanswered = 0;
    const inQueue = this.tail - this.head;
    this.aborted = inQueue < 0 ? inQueue + this.bytes : inQueue;
    this.stop(ITE);
  }

  isAborted(): boolean {
    return this.aborted > 0;
  }

  /** Step that waits until all that was executed before is complete. */
  untilCompleted(): Step | undefined {
    return this.state.until('invalidations are complete', () => this.isCompleted());
  }

  isCompleted(): boolean {
    this.recorder?.loaded();
    return this.isAborted() || (this.unanswered === 0 && !this.state.hasOlderWalks(this.newest));
  }

  /** Status data (32 bits) to the status address of the wait that was fetched. */
  writeStatus(): void {
    const { memory } = this.state;
    const [, data, low, high] = this.halves as unknown as readonly [number, number, number, number];
    const frame = (low >>> 12) + (high >>> 0) * 0x100000;
    const index = (low & 0xfff) >> 3;
    const at = memory.locate(frame, index);
    if (at === -1) return;
    if ((low & 4) === 0) memory.store(frame, index, data, memory.hi(at));
    else memory.store(frame, index, memory.lo(at), data);
  }

  /** IF: ICS.IWC and the invalidation event, unless it is set already. */
  signal(): void {
    const status = this.registers.get32(ICS_OFFSET);
    if ((status & 1) !== 0) return;
    this.registers.set32(ICS_OFFSET, status | 1);
    sendEvent(this.registers, IECTL_OFFSET, this.options.interrupts ?? null);
  }

  respond(): void {
    const [a, b, c, d] = this.halves as unknown as readonly [number, number, number, number];
    this.options.pageGroupResponse?.(joinHalves(a, b), joinHalves(c, d));
  }
}

/** Pages that an address with S set is for: bits from 12 up to the first that is clear. */
function sizeIn(page: number): number {
  let pages = 2;
  let rest = page;
  while (rest % 2 === 1 && pages < 2 ** 52) {
    pages *= 2;
    rest = (rest - 1) / 2;
  }
  return pages;
}
