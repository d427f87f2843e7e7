/**
 * One case on the VT-d model: registers are written, requests made and answers read as the recording harness did it on the emulated
 * machine (docs/conformance.md).
 */
import {
  CCMD_OFFSET,
  type Choices,
  FSTS_OFFSET,
  GCMD_OFFSET,
  IQA_OFFSET,
  IQH_OFFSET,
  IQT_OFFSET,
  NO_PASID,
  READ,
  RTADDR_OFFSET,
  SparseMemory,
  VtdUnit,
  WRITE,
} from '../../hw/index.ts';
import {
  type DmaOutcome,
  type GoldenCase,
  type GoldenHeader,
  type GoldenStep,
  type QueueOutcome,
  versionOf,
} from './golden.ts';

const TE = 1n << 31n;
const SRTP = 1n << 30n;
const QIE = 1n << 26n;
/** Where the harness has its wait descriptors write. */
const STATUS = 0xf03000n;
const STATUS_AFTER_ERROR = 0xf03008n;
const WAIT_WITH_STATUS = 0x25n;

/**
 * What the specification leaves to a unit, as QEMU's does it: translations are found by source id; PASID entries and paging
 * structures are not cached, faults are not either; an invalidation of the context cache by domain drops all of it (CCMD.CAIG
 * says so), one of the IOTLB by domain drops first-stage entries too. Up to 9.x an address mask of 8 or more drops the domain.
 */
export function choicesOf(header: GoldenHeader): Choices {
  const [major] = versionOf(header);
  const choices = {
    iotlbBySource: true,
    pasids: 0,
    structures: 0,
    notPresent: false,
    domainContextIsGlobal: true,
    domainDropsFirstStage: true,
  };
  return major < 10 ? { ...choices, domainFromAddressMask: 8 } : choices;
}

export type Answer = DmaOutcome | QueueOutcome | bigint | readonly bigint[] | null;

export class GoldenMachine {
  readonly unit: VtdUnit;
  readonly memory: SparseMemory;
  private readonly width: bigint;
  private tail = 0;
  private readonly queue: bigint;

  constructor(header: GoldenHeader, golden: GoldenCase) {
    const { config, iqa, memory, rtaddr } = golden;
    this.memory = new SparseMemory(header.ram);
    for (const [address, value] of memory) this.memory.write(address, value);
    this.unit = new VtdUnit({ ...config, ...choicesOf(header), memory: this.memory });
    this.unit.write(RTADDR_OFFSET, 8, rtaddr);
    this.unit.write(GCMD_OFFSET, 4, TE | SRTP);
    this.width = ((iqa ?? 0n) & 0x800n) !== 0n ? 32n : 16n;
    this.queue = (iqa ?? 0n) & ~0xfffn;
    if (iqa === null) return;
    this.unit.write(IQT_OFFSET, 8, 0n);
    this.unit.write(IQA_OFFSET, 8, iqa);
    this.unit.write(GCMD_OFFSET, 4, TE | QIE);
  }

  run(step: GoldenStep, index: number): Answer {
    switch (step.op) {
      case 'mem':
        for (const [address, value] of step.writes) this.memory.write(address, value);
        return null;
      case 'dma':
        return this.dma(step.rid, step.address, step.write);
      case 'qi':
        return this.invalidate(step.descriptors, BigInt(0x1000 + index));
      case 'reg':
        return this.command(step.register, step.value, step.iva);
      case 'peek':
        return step.addresses.map((address) => this.memory.read(address));
    }
  }

  private dma(rid: number, address: bigint, isWrite: boolean): DmaOutcome {
    const { unit } = this;
    const outcome = unit.access(rid, NO_PASID, Number(address >> 12n), isWrite ? WRITE : READ);
    if (outcome === 'translated') {
      const physical = BigInt(unit.walk.pfn) * 4096n + (address & 4095n);
      // Data cannot be seen to arrive where no memory is.
      return this.memory.answers(unit.walk.pfn) ? { ok: physical } : { blocked: true };
    }
    const { faultOffset } = unit.caps;
    const fsts = Number(unit.read(FSTS_OFFSET, 4));
    const low = unit.read(faultOffset, 8);
    const high = unit.read(faultOffset + 8, 8);
    unit.write(faultOffset + 8, 8, 1n << 63n);
    unit.write(FSTS_OFFSET, 4, 1n);
    if (high >> 63n === 0n) return { blocked: true };
    return {
      fault: Number((high >> 32n) & 0xffn),
      sid: Number(high & 0xffffn),
      fi: low,
      type: Number((high >> 62n) & 1n),
      pp: Number((high >> 31n) & 1n),
      pv: Number((high >> 40n) & 0xfffffn),
      fsts,
    };
  }

  private put(at: number, descriptor: readonly bigint[]): void {
    const words = Number(this.width / 8n);
    for (let i = 0; i < words; i++) {
      this.memory.write(this.queue + BigInt(at) * this.width + BigInt(8 * i), descriptor[i] ?? 0n);
    }
  }

  private invalidate(descriptors: readonly (readonly bigint[])[], token: bigint): QueueOutcome {
    const { memory, unit, width } = this;
    const first = this.tail;
    for (const descriptor of descriptors) this.put(this.tail++, descriptor);
    this.put(this.tail++, [WAIT_WITH_STATUS | (token << 32n), STATUS]);
    unit.write(IQT_OFFSET, 8, BigInt(this.tail) * width);
    const outcome = {
      wait: (memory.read(STATUS) & 0xffffffffn) === token,
      head: Number(unit.read(IQH_OFFSET, 8) / width) - first,
      iqe: (Number(unit.read(FSTS_OFFSET, 4)) >> 4) & 1,
    };
    // As the harness mends the queue after an error: waits in place of all, IQE cleared, the tail once more.
    for (let at = first; at < this.tail; at++) this.put(at, [WAIT_WITH_STATUS, STATUS_AFTER_ERROR]);
    unit.write(FSTS_OFFSET, 4, 0x10n);
    unit.write(IQT_OFFSET, 8, BigInt(this.tail) * width);
    return outcome;
  }

  private command(register: 'ccmd' | 'iotlb', value: bigint, iva: bigint | null): bigint {
    const { iotlbOffset } = this.unit.caps;
    if (iva !== null) this.unit.write(iotlbOffset, 8, iva);
    const offset = register === 'ccmd' ? CCMD_OFFSET : iotlbOffset + 8;
    this.unit.write(offset, 8, value);
    return this.unit.read(offset, 8);
  }
}
