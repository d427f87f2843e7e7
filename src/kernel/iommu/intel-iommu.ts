/**
 * What Intel's driver keeps (drivers/iommu/intel/iommu.h, drivers/iommu/io-pgfault.c), as far as PASID entries and page requests need it:
 * struct intel_iommu, device_domain_info, dmar_domain.
 */
import { assert, Cell, encode, type Fields, type Layout, SpinLock, Words, type World } from '../../base/index.ts';
import type { PageRequest, PageRequestQueue, RecordedMemory, RecordedUnit, VtdMemory } from '../../hw/index.ts';
import type { Device, Mm, SvaDomain } from '../objects.ts';

/** FLPT_DEFAULT_DID: of every first-level entry. */
export const FLPT_DEFAULT_DID = 1;

/** A fault as the driver reports it; `owner` is the observer's: the mm for which the device asked. */
export type IopfFault = PageRequest<Mm>;

/** struct iopf_group: a last fault and those of its group before it, with the domain that was found when it was reported. */
export interface IopfGroup {
  readonly dev: Device;
  readonly domain: SvaDomain;
  readonly faults: readonly IopfFault[];
}

/** The invalidation queue as the driver sees it. Context of `free_head`: q_lock. */
export interface QInval {
  readonly frame: number;
  /** Status words of the slots, four bytes each. */
  readonly status: number;
  readonly slots: number;
  free_head: number;
}

/** struct intel_iommu. */
export interface IntelIommu {
  readonly unit: RecordedUnit;
  /** PASID tables as the CPU sees them. */
  readonly memory: VtdMemory;
  /** ECAP.C clear: writes the line of a word to memory. Null: the unit sees the CPU's caches. */
  readonly clflush: ((frame: number, word: number) => void) | null;
  /** Where the queue and its status words are: always coherent here. */
  readonly ram: RecordedMemory;
  readonly lock: SpinLock;
  readonly q_lock: SpinLock;
  readonly qi: QInval;
  readonly prq: PageRequestQueue<Mm>;
  readonly prq_complete: Cell<number>;
  /** Groups that wait for the worker of the I/O page fault queue, or are under its hands: the first. */
  readonly iopf_work: Cell<readonly IopfGroup[]>;
  /** Free frames for PASID tables, contents as they are. Context: one bind at a time. */
  readonly pages: number[];
}

/** struct device_domain_info, with what iommu_group and iommu_fault_param have. */
export interface DeviceDomainInfo {
  readonly iommu: IntelIommu;
  /** Source id. */
  readonly sid: number;
  /** Frame of the PASID directory. */
  readonly directory: number;
  readonly ats_enabled: boolean;
  readonly iopf_refcount: Cell<number>;
  /** By PASID, less the first: whose faults they are. */
  readonly pasid_array: Words<SvaDomain | null>;
  /** Faults that are not the last of their group. */
  readonly partial: Cell<readonly IopfFault[]>;
  /** Entries that software meant to be valid, as the observer knows them. */
  readonly meant: Set<string>;
}

/** struct dmar_domain. */
export interface DmarDomain {
  /** Guards the list of devices. */
  readonly lock: SpinLock;
  /** The allocation. */
  readonly life: Cell<number>;
}

export interface IntelIommuParts {
  readonly unit: RecordedUnit;
  readonly ram: RecordedMemory;
  readonly prq: PageRequestQueue<Mm>;
  readonly memory?: VtdMemory;
  readonly clflush?: (frame: number, word: number) => void;
  readonly pages?: number[];
}

/** A unit's driver state; the queue is in memory and enabled, with descriptors of 256 bits. Context: set-up. */
export function createIntelIommu(world: World, parts: IntelIommuParts): IntelIommu {
  const { ram, unit } = parts;
  const qi = { frame: ram.allocFrame(), status: ram.allocFrame(), slots: 128, free_head: 0 };
  unit.queue.place(qi.frame, 0, true);
  unit.queue.enable(true);
  return {
    unit,
    ram,
    qi,
    prq: parts.prq,
    memory: parts.memory ?? ram,
    clflush: parts.clflush ?? null,
    pages: parts.pages ?? [],
    lock: new SpinLock(world, 'iommu->lock'),
    q_lock: new SpinLock(world, 'q_lock'),
    prq_complete: new Cell(world, 'prq_complete', 0),
    iopf_work: new Cell<readonly IopfGroup[]>(world, 'iopf workqueue', []),
  };
}

export function createDeviceDomainInfo(
  world: World,
  iommu: IntelIommu,
  {
    ats_enabled = false,
    directory,
    pasids,
    sid,
  }: Pick<DeviceDomainInfo, 'sid' | 'directory'> & {
    readonly pasids: number;
    readonly ats_enabled?: boolean;
  },
): DeviceDomainInfo {
  return {
    iommu,
    sid,
    directory,
    ats_enabled,
    iopf_refcount: new Cell(world, 'iopf_refcount', 0),
    pasid_array: new Words<SvaDomain | null>(world, 'pasid_array', new Array(pasids).fill(null)),
    partial: new Cell<readonly IopfFault[]>(world, 'partial faults', []),
    meant: new Set(),
  };
}

/** linux v6.12 drivers/iommu/intel/iommu.h: dev_iommu_priv_get(dev) */
export function infoOf(dev: Device): DeviceDomainInfo {
  assert(dev.info !== undefined, `${dev.name} has no VT-d unit: give it an info (createDeviceDomainInfo)`);
  return dev.info;
}

/** A descriptor as four words of 64 bits, two of them here. */
export type Descriptor = readonly [low: bigint, high: bigint];

export function descriptor<F extends Fields>(
  table: Layout<F>,
  values: { readonly [K in keyof F]?: bigint | number },
): Descriptor {
  const raw = encode(table, values);
  return [raw & 0xffff_ffff_ffff_ffffn, raw >> 64n];
}
