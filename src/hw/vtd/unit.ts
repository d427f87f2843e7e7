/**
 * A VT-d unit as an emulator or a test drives it: registers that software reads and writes, requests that devices make. Each call
 * runs to its end by the straight-line twins of the flows; `state` and `queue` are what the flows themselves take, for a checker.
 */

import { READ, WRITE } from './caches.ts';
import { type Capabilities, capabilities } from './capabilities.ts';
import { QUALIFIED } from './fault-reasons.ts';
import { FaultLog, sendPending } from './faults.ts';
import { invalidateContexts, invalidateIotlb } from './invalidate.ts';
import type { VtdMemory } from './memory.ts';
import { serveQueue } from './queue.straight.ts';
import { ICE, type QueueOptions, QueueState } from './queue-state.ts';
import {
  CCMD_OFFSET,
  FECTL_OFFSET,
  FSTS_OFFSET,
  GCMD_OFFSET,
  GSTS_OFFSET,
  ICS_OFFSET,
  IECTL_OFFSET,
  IQA_OFFSET,
  IQT_OFFSET,
  RegisterFile,
  RTADDR_OFFSET,
} from './registers.ts';
import { type Choices, TTM_LEGACY, UnitState } from './state.ts';
import { translate } from './translate.straight.ts';
import { TRANSLATION_REQUEST, UNTRANSLATED, Walk } from './walk.ts';

export interface UnitOptions extends QueueOptions, Choices {
  readonly cap: bigint;
  readonly ecap: bigint;
  /** Bits of a physical address. */
  readonly haw: number;
  readonly memory: VtdMemory;
}

/** Bits of GCMD and GSTS. */
const TE = 1 << 31;
const SRTP = 1 << 30;
const WBF = 1 << 27;
const QIE = 1 << 26;
const IRE = 1 << 25;
const SIRTP = 1 << 24;

/** What became of a request. */
export type Outcome = 'translated' | 'faulted' | 'blocked' | 'interrupt';

export class VtdUnit {
  readonly caps: Capabilities;
  readonly state: UnitState;
  readonly registers: RegisterFile;
  readonly faults: FaultLog;
  readonly queue: QueueState;
  /** The last request and what was found. */
  readonly walk = new Walk();
  /** Its fault reason; 0: none. */
  reason = 0;
  private readonly options: UnitOptions;

  constructor(options: UnitOptions) {
    this.options = options;
    this.caps = capabilities(options.cap, options.ecap, options.haw);
    this.state = new UnitState(this.caps, options.memory, options);
    this.registers = new RegisterFile(this.caps);
    const { faultOffset, faultRecords } = this.caps;
    this.faults = new FaultLog(this.registers, faultOffset, faultRecords, options.interrupts ?? null);
    this.queue = new QueueState(this.state, this.registers, this.faults, options);
  }

  /** A register of 4 or 8 bytes at an offset that is a multiple of its size. */
  read(offset: number, size: number): bigint {
    return this.registers.read(offset, size);
  }

  /** As `read`; what the write sets off is done when it returns, but for device TLBs that answer later. */
  write(offset: number, size: number, value: bigint): void {
    const { registers } = this;
    if (!registers.isAccess(offset, size)) return;
    registers.write(offset, size, value);
    for (let at = offset; at < offset + size; at += 4) {
      this.react(at, Number((value >> BigInt(8 * (at - offset))) & 0xffffffffn) | 0);
    }
  }

  /** The word at `offset` was written. */
  private react(offset: number, value: number): void {
    const { caps, registers } = this;
    const { faultOffset, faultRecords } = caps;
    if (offset === GCMD_OFFSET) this.command(value);
    else if (offset === CCMD_OFFSET + 4) this.contextCommand();
    else if (offset === caps.iotlbOffset + 12) this.iotlbCommand();
    else if (offset === FECTL_OFFSET) this.faults.unmasked();
    else if (offset === FSTS_OFFSET) this.afterClear();
    else if (offset >= faultOffset && offset < faultOffset + 16 * faultRecords) this.faults.afterClear();
    if (!caps.queued) return;
    if (offset === IQA_OFFSET || offset === IQA_OFFSET + 4) this.placeQueue();
    else if (offset === IECTL_OFFSET) sendPending(registers, IECTL_OFFSET, this.options.interrupts ?? null);
    else if (offset === ICS_OFFSET) this.afterSignalClear();
    else if (offset === IQT_OFFSET) {
      this.queue.setTail(registers.get32(IQT_OFFSET));
      serveQueue(this.queue);
    }
  }

  private command(value: number): void {
    const { caps, registers, state } = this;
    let status = registers.get32(GSTS_OFFSET);
    if ((value & SRTP) !== 0) {
      const address = registers.get64(RTADDR_OFFSET);
      state.root = Number(address >> 12n);
      state.ttm = caps.scalable ? Number((address >> 10n) & 3n) : TTM_LEGACY;
      status |= SRTP;
      if (caps.rootInvalidates) state.caches.dropAll();
    }
    if (caps.interruptRemapping) {
      if ((value & SIRTP) !== 0) status |= SIRTP;
      status = (status & ~IRE) | (value & IRE);
    }
    status = (status & ~TE) | (value & TE);
    state.enabled = (status & TE) !== 0;
    // The write buffers of this model are never full.
    status &= ~WBF;
    const wasQueued = (status & QIE) !== 0;
    const isQueued = caps.queued && (value & QIE) !== 0;
    status = isQueued ? status | QIE : status & ~QIE;
    registers.set32(GSTS_OFFSET, status);
    if (isQueued !== wasQueued) {
      this.queue.enable(isQueued);
      serveQueue(this.queue);
    }
  }

  private placeQueue(): void {
    const address = this.registers.get64(IQA_OFFSET);
    this.queue.place(Number(address >> 12n), Number(address & 7n), (address & 0x800n) !== 0n);
  }

  private contextCommand(): void {
    const { registers, state } = this;
    const command = registers.get64(CCMD_OFFSET);
    if (command >> 63n === 0n) return;
    const granularity = Number((command >> 61n) & 3n);
    const did = Number(command & 0xffffn);
    const sourceId = Number((command >> 16n) & 0xffffn);
    const functionMask = Number((command >> 32n) & 3n);
    // With granularity 0, which is reserved, nothing is done, and CAIG says so.
    const done = granularity === 0 ? 0 : invalidateContexts(state, granularity, did, sourceId, functionMask);
    const kept = command & ~(1n << 63n) & ~(3n << 59n);
    registers.set64(CCMD_OFFSET, kept | (BigInt(done) << 59n));
  }

  private iotlbCommand(): void {
    const { caps, registers, state } = this;
    const offset = caps.iotlbOffset;
    const command = registers.get64(offset + 8);
    if (command >> 63n === 0n) return;
    const address = registers.get64(offset);
    const mask = Number(address & 63n);
    let granularity = Number((command >> 60n) & 3n);
    if (granularity === 3 && (!caps.pageSelective || mask > caps.maxAddressMask)) granularity = 2;
    const pages = 2 ** mask;
    const page = Number(address >> 12n);
    const did = Number((command >> 32n) & 0xffffn);
    const leafOnly = (address & 64n) !== 0n;
    const done =
      granularity === 0 ? 0 : invalidateIotlb(state, granularity, did, page - (page % pages), pages, leafOnly);
    const kept = command & ~(1n << 63n) & ~(3n << 57n);
    registers.set64(offset + 8, kept | (BigInt(done) << 57n));
  }

  /** Bits of FSTS were cleared: the queue goes on if it stood still for one of them. */
  private afterClear(): void {
    this.faults.afterClear();
    serveQueue(this.queue);
  }

  private afterSignalClear(): void {
    const { registers } = this;
    if ((registers.get32(ICS_OFFSET) & 1) === 0) {
      registers.set32(IECTL_OFFSET, registers.get32(IECTL_OFFSET) & ~(1 << 30));
    }
  }

  /** A device that answered 'later' has done what was asked. One that was not asked: a completion error. */
  deviceTlbCompleted(): void {
    if (!this.queue.answered()) this.queue.stop(ICE);
    else serveQueue(this.queue);
  }

  deviceTlbTimedOut(): void {
    this.queue.timeOut();
  }

  /**
   * A request of a device: `page` is bits 63:12 of its address, `access` READ, WRITE and EXECUTE. What was found is in `walk`
   * (pfn, size, rights), the fault in `reason`; faults are recorded unless FPD, or the kind of request, keeps them from it.
   */
  access(
    sourceId: number,
    pasid: number,
    page: number,
    access: number,
    privileged = false,
    addressType = UNTRANSLATED,
  ): Outcome {
    const { walk } = this;
    walk.sourceId = sourceId;
    walk.pasid = pasid;
    walk.page = page;
    walk.access = access;
    walk.privileged = privileged;
    walk.addressType = addressType;
    this.reason = 0;
    const first = translate(this.state, walk);
    const outcome = addressType === TRANSLATION_REQUEST && isAnswered(first) ? this.withLess(first) : first;
    if (outcome === 0) return 'translated';
    if (outcome < 0) return outcome === -1 ? 'interrupt' : 'blocked';
    this.reason = outcome;
    if (addressType === TRANSLATION_REQUEST && isAnswered(outcome)) {
      walk.rights = 0;
      return 'translated';
    }
    if (walk.fpd && QUALIFIED[outcome] === 1) return 'blocked';
    this.faults.record(walk, outcome);
    return 'faulted';
  }

  /** A translation request was refused: it is answered with the rights that there are of those it asks for, if any. */
  private withLess(refused: number): number {
    const { state, walk } = this;
    const { access } = walk;
    let outcome = refused;
    for (const rights of LESS) {
      const less = access & rights;
      if (less === 0 || less === access) continue;
      walk.access = less;
      outcome = translate(state, walk);
      if (outcome === 0) break;
    }
    walk.access = access;
    return outcome === 0 ? 0 : refused;
  }
}

/** Rights that are asked for in place of all of them, the most first. */
const LESS = [READ | WRITE, READ, WRITE] as const;

/** Faults that a translation request is told of by an answer without rights. */
function isAnswered(reason: number): boolean {
  switch (reason) {
    case 0x05:
    case 0x06:
    case 0x71:
    case 0x79:
    case 0x81:
    case 0x82:
    case 0x85:
    case 0x86:
      return true;
    default:
      return false;
  }
}
