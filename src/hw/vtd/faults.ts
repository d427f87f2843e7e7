/**
 * Fault recording and its interrupt (VT-d 7.2, 7.3; primary fault logging). Faults of one source that is in a record already are one
 * with it; with no record free PFO is set, and nothing is recorded until software clears it.
 */
import { EXECUTE, NO_PASID, WRITE } from './caches.ts';
import type { InterruptSink } from './memory.ts';
import { FECTL_OFFSET, FSTS_OFFSET, type RegisterFile } from './registers.ts';
import type { Walk } from './walk.ts';

const PFO = 0x1;
const PPF = 0x2;
/** PFO, PPF, IQE, ICE, ITE. */
const EVENTS = 0x73;
const F = 1 << 31;
const IM = 1 << 31;
const IP = 1 << 30;

export class FaultLog {
  private readonly registers: RegisterFile;
  private readonly offset: number;
  private readonly records: number;
  private readonly interrupts: InterruptSink | null;
  private next = 0;

  constructor(registers: RegisterFile, offset: number, records: number, interrupts: InterruptSink | null) {
    this.registers = registers;
    this.offset = offset;
    this.records = records;
    this.interrupts = interrupts;
  }

  /** Records a fault of the walk's request. */
  record(walk: Walk, reason: number): void {
    const { registers } = this;
    const status = registers.get32(FSTS_OFFSET);
    if ((status & PFO) !== 0 || this.isPending(walk.sourceId)) return;
    const at = this.offset + 16 * this.next;
    if ((registers.get32(at + 12) & F) !== 0) {
      registers.set32(FSTS_OFFSET, status | PFO);
      return;
    }
    registers.set32(at, (walk.page * 4096) | 0);
    registers.set32(at + 4, Math.floor(walk.page / 0x100000) | 0);
    registers.set32(at + 8, walk.sourceId | (walk.privileged ? 1 << 29 : 0) | requestBits(walk));
    registers.set32(at + 12, F | reason | typeBits(walk) | (walk.pasid === NO_PASID ? 0 : walk.pasid << 8));
    const index = this.next;
    this.next = (this.next + 1) % this.records;
    if ((status & PPF) !== 0) return;
    registers.set32(FSTS_OFFSET, status & ~0xff00);
    this.raise(PPF | (index << 8));
  }

  private isPending(sourceId: number): boolean {
    for (let i = 0; i < this.records; i++) {
      const at = this.offset + 16 * i;
      const isSet = (this.registers.get32(at + 12) & F) !== 0;
      if (isSet && (this.registers.get32(at + 8) & 0xffff) === sourceId) return true;
    }
    return false;
  }

  /** Software cleared bits of records or of FSTS: PPF says whether any record is left, IP goes with what it was for. */
  afterClear(): void {
    const { registers } = this;
    let pending = false;
    for (let i = 0; i < this.records; i++) pending ||= (registers.get32(this.offset + 16 * i + 12) & F) !== 0;
    let status = registers.get32(FSTS_OFFSET);
    status = pending ? status | PPF : status & ~PPF;
    registers.set32(FSTS_OFFSET, status);
    if ((status & EVENTS) === 0) registers.set32(FECTL_OFFSET, registers.get32(FECTL_OFFSET) & ~IP);
  }

  /**
   * Sets bits of FSTS, and makes the fault event, now or once it is unmasked. While software has others to see to, it is no new event;
   * an overflow is none by itself.
   */
  raise(bits: number): void {
    const { registers } = this;
    const status = registers.get32(FSTS_OFFSET);
    registers.set32(FSTS_OFFSET, status | bits);
    if ((status & EVENTS) === 0) sendEvent(registers, FECTL_OFFSET, this.interrupts);
  }

  unmasked(): void {
    sendPending(this.registers, FECTL_OFFSET, this.interrupts);
  }
}

/** Sends the message of the event whose control register is at `offset`, or keeps it pending while it is masked. */
export function sendEvent(registers: RegisterFile, offset: number, interrupts: InterruptSink | null): void {
  const control = registers.get32(offset);
  if ((control & IM) !== 0) {
    registers.set32(offset, control | IP);
    return;
  }
  interrupts?.message(registers.get64(offset + 8), registers.get32(offset + 4) >>> 0);
}

/** IM was written: what was pending is sent now. */
export function sendPending(registers: RegisterFile, offset: number, interrupts: InterruptSink | null): void {
  const control = registers.get32(offset);
  if ((control & IM) !== 0 || (control & IP) === 0) return;
  registers.set32(offset, control & ~IP);
  sendEvent(registers, offset, interrupts);
}

/** EXE and PP, in the third word. */
function requestBits(walk: Walk): number {
  const execute = (walk.access & EXECUTE) !== 0 ? 1 << 30 : 0;
  return execute | (walk.pasid === NO_PASID ? 0 : 1 << 31);
}

/** T1 and AT, in the fourth. A request that reads and writes is recorded as a write. */
function typeBits(walk: Walk): number {
  const isRead = (walk.access & WRITE) === 0;
  return (isRead ? 1 << 30 : 0) | (walk.addressType << 28);
}
