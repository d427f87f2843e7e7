/**
 * One access on a unit that has cached nothing, on memory as it is but for some patches: what the model would answer if an entry were
 * another, and which entries it read on the way.
 */
import { highHalf, joinHalves, lowHalf } from '../../base/halves.ts';
import {
  GCMD_OFFSET,
  NO_PASID,
  READ,
  RTADDR_OFFSET,
  type SparseMemory,
  type VtdMemory,
  VtdUnit,
  WRITE,
} from '../../hw/index.ts';
import type { DmaOutcome, GoldenCase } from './golden.ts';

export interface Read {
  readonly address: bigint;
  readonly value: bigint;
}

export interface Access {
  readonly rid: number;
  readonly address: bigint;
  readonly write: boolean;
}

export interface Trial {
  readonly access: Access;
  readonly isScalable: boolean;
  /** The unit has scalable mode. */
  readonly hasScalable: boolean;
  readonly haw: number;
  readonly outcome: DmaOutcome;
  /** Fault reason, also of a fault that is not recorded; 0: none. */
  readonly reason: number;
  readonly fpd: boolean;
  /** Words that were read, in order; what answered nothing is not among them. */
  readonly reads: readonly Read[];
  /** Level of the page that was found, and its frame. */
  readonly size: number;
  readonly pfn: number;
  /** PASID that the context entry names for requests without one. */
  readonly ridPasid: number;
  readonly memory: TrialMemory;
}

/** Memory with patches over it. What is stored stays in it. */
export class TrialMemory implements VtdMemory {
  readonly reads: Read[] = [];
  private readonly base: SparseMemory;
  private readonly over: Map<bigint, bigint>;
  private word = 0n;

  constructor(base: SparseMemory, patches: ReadonlyMap<bigint, bigint>) {
    this.base = base;
    this.over = new Map(patches);
  }

  value(address: bigint): bigint {
    return this.over.get(address) ?? this.base.read(address);
  }

  answers(address: bigint): boolean {
    return this.base.answers(Number(address >> 12n));
  }

  locate(pfn: number, index: number): number {
    if (!this.base.answers(pfn)) return -1;
    const address = BigInt(pfn) * 4096n + BigInt(8 * index);
    this.word = this.value(address);
    this.reads.push({ address, value: this.word });
    return 0;
  }

  lo(): number {
    return lowHalf(this.word);
  }

  hi(): number {
    return highHalf(this.word);
  }

  store(pfn: number, index: number, lo: number, hi: number): void {
    const address = BigInt(pfn) * 4096n + BigInt(8 * index);
    this.over.set(address, joinHalves(lo, hi));
  }
}

export function tryAccess(
  golden: GoldenCase,
  base: SparseMemory,
  access: Access,
  patches: ReadonlyMap<bigint, bigint>,
): Trial {
  const memory = new TrialMemory(base, patches);
  const { config, rtaddr } = golden;
  const unit = new VtdUnit({ ...config, memory, contexts: 0, pasids: 0, iotlb: 0, structures: 0 });
  unit.write(RTADDR_OFFSET, 8, rtaddr);
  unit.write(GCMD_OFFSET, 4, 0xc0000000n);
  const page = Number(access.address >> 12n);
  const end = unit.access(access.rid, NO_PASID, page, access.write ? WRITE : READ);
  const { walk, reason } = unit;
  const isScalable = unit.state.ttm === 1;
  const physical = BigInt(walk.pfn) * 4096n + (access.address & 4095n);
  const isSeen = end === 'translated' && base.answers(walk.pfn);
  const blocked: DmaOutcome = isSeen ? { ok: physical } : { blocked: true };
  return {
    access,
    isScalable,
    hasScalable: unit.caps.scalable,
    haw: config.haw,
    outcome: end === 'faulted' ? faultOutcome(access, reason) : blocked,
    reason,
    fpd: walk.fpd,
    reads: memory.reads,
    size: walk.size,
    pfn: walk.pfn,
    ridPasid: Math.max(0, walk.usedPasid),
    memory,
  };
}

/** A recorded fault of a request without PASID. */
export function faultOutcome(access: Access, fault: number): DmaOutcome {
  const fi = access.address & ~0xfffn;
  return { fault, sid: access.rid, fi, type: access.write ? 0 : 1, pp: 0, pv: 0, fsts: 2 };
}

export function sameOutcome(a: DmaOutcome, b: DmaOutcome): boolean {
  if ('ok' in a || 'ok' in b) return 'ok' in a && 'ok' in b && a.ok === b.ok;
  if ('blocked' in a || 'blocked' in b) return 'blocked' in a && 'blocked' in b;
  const isSame =
    a.fault === b.fault && a.sid === b.sid && a.fi === b.fi && a.type === b.type && a.pp === b.pp && a.fsts === b.fsts;
  // The PASID value means something only where PP says so.
  return isSame && (a.pp === 0 || a.pv === b.pv);
}
