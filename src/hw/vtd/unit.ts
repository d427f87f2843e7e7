/**
 * A VT-d unit as an emulator or a test drives it: registers that software reads and writes, requests that devices make. Each call
 * runs to its end by the straight-line twins of the flows; `state` and `queue` are what the flows themselves take, for a checker.
 */
import { highHalf, lowHalf } from '../../base/halves.ts';
import { EXECUTE, READ, WRITE } from './caches.ts';
import { type Capabilities, capabilities } from './capabilities.ts';
import { frameOf } from './entries.straight.ts';
import { QUALIFIED, REASONS } from './fault-reasons.ts';
import { FaultLog, sendPending } from './faults.ts';
import { Front, frontKey } from './front.ts';
import { DOMAIN, invalidateContexts, invalidateIotlb, SELECTIVE } from './invalidate.ts';
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
import { INTERRUPT, translate } from './translate.straight.ts';
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

/** What the write of a word sets off. */
const COMMAND = 1;
const CONTEXT_COMMAND = 2;
const IOTLB_COMMAND = 3;
const FAULT_STATUS = 4;
const FAULT_RECORD = 5;
const FAULT_CONTROL = 6;
const QUEUE_ADDRESS = 7;
const QUEUE_TAIL = 8;
const SIGNAL_STATUS = 9;
const SIGNAL_CONTROL = 10;

function effectsOf(caps: Capabilities): Uint8Array {
  const effects = new Uint8Array(1024);
  const set = (offset: number, effect: number): void => {
    effects[offset >> 2] = effect;
  };
  set(GCMD_OFFSET, COMMAND);
  set(CCMD_OFFSET + 4, CONTEXT_COMMAND);
  set(caps.iotlbOffset + 12, IOTLB_COMMAND);
  set(FSTS_OFFSET, FAULT_STATUS);
  set(FECTL_OFFSET, FAULT_CONTROL);
  for (let at = 0; at < 16 * caps.faultRecords; at += 4) set(caps.faultOffset + at, FAULT_RECORD);
  if (!caps.queued) return effects;
  set(IQA_OFFSET, QUEUE_ADDRESS);
  set(IQA_OFFSET + 4, QUEUE_ADDRESS);
  set(IQT_OFFSET, QUEUE_TAIL);
  set(ICS_OFFSET, SIGNAL_STATUS);
  set(IECTL_OFFSET, SIGNAL_CONTROL);
  return effects;
}

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
  /** Null: a cache has no room at all, so that what was found need not be found again. */
  private readonly front: Front | null;
  private readonly effects: Uint8Array;

  constructor(options: UnitOptions) {
    this.options = options;
    this.caps = capabilities(options.cap, options.ecap, options.haw);
    this.state = new UnitState(this.caps, options.memory, options);
    this.front = this.state.caches.areAll ? new Front() : null;
    this.registers = new RegisterFile(this.caps);
    this.effects = effectsOf(this.caps);
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
    const low = lowHalf(value);
    registers.writeWord(offset, low);
    if (size === 8) {
      const high = highHalf(value);
      registers.writeWord(offset + 4, high);
      this.react(offset, low);
      this.react(offset + 4, high);
    } else {
      this.react(offset, low);
    }
  }

  /** A write of 4 bytes, as int32. */
  write32(offset: number, value: number): void {
    if (!this.registers.isAccess(offset, 4)) return;
    this.registers.writeWord(offset, value);
    this.react(offset, value);
  }

  /** The word at `offset` was written. */
  private react(offset: number, value: number): void {
    switch (this.effects[offset >> 2]) {
      case COMMAND:
        this.command(value);
        break;
      case CONTEXT_COMMAND:
        this.contextCommand();
        break;
      case IOTLB_COMMAND:
        this.iotlbCommand();
        break;
      case FAULT_STATUS:
        this.afterClear();
        break;
      case FAULT_RECORD:
        this.faults.afterClear();
        break;
      case FAULT_CONTROL:
        this.faults.unmasked();
        break;
      case QUEUE_ADDRESS:
        this.placeQueue();
        break;
      case QUEUE_TAIL:
        this.queue.setTail(this.registers.get32(IQT_OFFSET));
        serveQueue(this.queue);
        break;
      case SIGNAL_STATUS:
        this.afterSignalClear();
        break;
      case SIGNAL_CONTROL:
        sendPending(this.registers, IECTL_OFFSET, this.options.interrupts ?? null);
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
    state.caches.changed();
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
    const low = registers.get32(CCMD_OFFSET);
    const high = registers.get32(CCMD_OFFSET + 4);
    // ICC is bit 63, the sign.
    if (high >= 0) return;
    const granularity = (high >> 29) & 3;
    // With granularity 0, which is reserved, nothing is done, and CAIG says so.
    const done = granularity === 0 ? 0 : invalidateContexts(state, granularity, low & 0xffff, low >>> 16, high & 3);
    registers.set32(CCMD_OFFSET + 4, (high & 0x67ffffff) | (done << 27));
  }

  private iotlbCommand(): void {
    const { caps, registers, state } = this;
    const offset = caps.iotlbOffset;
    const command = registers.get32(offset + 12);
    // IVT is bit 63, the sign.
    if (command >= 0) return;
    const low = registers.get32(offset);
    const mask = low & 63;
    let granularity = (command >> 28) & 3;
    if (granularity === SELECTIVE && (!caps.pageSelective || mask > caps.maxAddressMask)) granularity = DOMAIN;
    const pages = granularity === SELECTIVE ? 2 ** mask : 1;
    const page = granularity === SELECTIVE ? frameOf(low, registers.get32(offset + 4)) : 0;
    const did = command & 0xffff;
    const leafOnly = (low & 64) !== 0;
    const done =
      granularity === 0 ? 0 : invalidateIotlb(state, granularity, did, page - (page % pages), pages, leafOnly);
    registers.set32(offset + 12, (command & 0x79ffffff) | (done << 25));
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
    const { front, walk } = this;
    walk.sourceId = sourceId;
    walk.pasid = pasid;
    walk.page = page;
    walk.access = access;
    walk.privileged = privileged;
    walk.addressType = addressType;
    this.reason = 0;
    const key = frontKey(sourceId, pasid, privileged);
    const isFronted = front !== null && addressType === UNTRANSLATED;
    if (isFronted) {
      const slot = front.find(key, page, privileged ? access << 3 : access, this.state.caches.version);
      if (slot !== -1) {
        walk.pfn = front.frame(slot);
        walk.rights = front.rightsIn(slot);
        walk.size = front.sizeIn(slot);
        return 'translated';
      }
    }
    const first = translate(this.state, walk);
    const outcome = addressType === TRANSLATION_REQUEST && isAnswered(first) ? this.withLess(first) : first;
    if (outcome === 0) {
      if (isFronted) {
        // Whether a request to execute is let through at all is the PASID table entry's to say (ERE).
        const allowed = (access & EXECUTE) === 0 ? walk.rights & ~(9 * EXECUTE) : walk.rights;
        front.remember(key, page, this.state.caches.version, walk.pfn, allowed, walk.rights, walk.size);
      }
      return 'translated';
    }
    if (outcome < 0) return outcome === INTERRUPT ? 'interrupt' : 'blocked';
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
const ANSWERED: readonly number[] = [
  REASONS.L_WRITE,
  REASONS.L_READ,
  REASONS.S_FIRST_NOT_PRESENT,
  REASONS.S_SECOND_PERMISSION,
  REASONS.S_USER,
  REASONS.S_EXECUTE,
  REASONS.S_WRITE,
  REASONS.S_READ,
].map(({ code }) => code);

function isAnswered(reason: number): boolean {
  return ANSWERED.includes(reason);
}
