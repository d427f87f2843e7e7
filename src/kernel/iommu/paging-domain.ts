/**
 * A paging domain as litmus tests see it: CPUs map and unmap, by the functions that the benchmark times, and an IOMMU walks the tables at any time.
 * A design is what `intel_iommu_domain_ops` gives.
 */
import { ATOMIC, type Cell, type Flow, runAlone } from '../../base/index.ts';
import type { ExternalWalker, ReferencedMemory } from '../../hw/index.ts';
import { VTD_SECOND_STAGE } from '../../hw/pt/formats/vtd-second-stage.ts';
import { mapPages } from '../../hw/pt/map.ts';
import { type Cpu, GENERIC_PT, type Semantics } from '../../hw/pt/page-table.ts';
import type { Shared } from '../../hw/pt/shared.ts';
import { iovaToPhys } from '../../hw/pt/walk.ts';
import type { Kernel } from '../kernel.ts';
import { createDomain, type IommuDomain, iommuIovaToPhys, iommuMap, iommuUnmap } from './domain.ts';
import { NO_HOOKS, nothingToSettle, type TableReclaim, unmapAndGather } from './table-reclaim.ts';

/** How a driver maps and unmaps, and when it frees tables. */
export interface DomainOps {
  readonly reclaim: TableReclaim;
  readonly semantics: Semantics;
}

/** What callers have made of an IOVA page. */
export interface Mapping {
  readonly frame: number;
  /** From when its map begins until its unmap does. */
  readonly isLive: boolean;
}

/** One page of IOVA that a test speaks of. Null: nothing is mapped there. */
export interface IovaPage {
  readonly page: number;
  readonly mapping: Cell<Mapping | null>;
}

export interface PagingDomain {
  readonly name: string;
  readonly memory: ReferencedMemory;
  readonly core: IommuDomain;
  readonly walker: ExternalWalker;
  /** The domain in the walker. */
  readonly space: number;
  readonly iovas: readonly IovaPage[];
}

export interface PagingDomainOptions extends Omit<PagingDomain, 'core'> {
  readonly levels: number;
  readonly shared: Shared;
  /** Whether unmaps leave the flush to a queue. */
  readonly lazy: boolean;
}

const READ_WRITE = 3;

/** linux v6.19 drivers/iommu/generic_pt/iommu_pt.h: the ops of a second stage; tables go when one unmap covers them. */
export function intel_iommu_domain_ops(this: Kernel): DomainOps {
  return { reclaim: COVERED, semantics: GENERIC_PT };
}

const COVERED: TableReclaim = {
  name: 'covered',
  hooks: { ...NO_HOOKS, name: 'covered', collectCovered: true },
  freesEmpty: false,
  mapPages,
  unmapPages: unmapAndGather,
  iovaToPhys,
  settle: nothingToSettle,
};

/** Context: before the threads start. linux v6.19 drivers/iommu/iommu.c: iommu_paging_domain_alloc_flags */
export function iommu_paging_domain_alloc(this: Kernel, options: PagingDomainOptions): PagingDomain {
  const { lazy, levels, shared, ...rest } = options;
  const { reclaim, semantics } = this.intel_iommu_domain_ops();
  const core = runAlone(
    createDomain({
      ...{ memory: rest.memory, format: VTD_SECOND_STAGE, levels, reclaim, semantics, lazy, shared },
      flushRange: (_pt, start, end, ih) => this.iommu_flush_iotlb_psi(rest, start, end, ih),
    }),
  );
  rest.walker.roots.store(rest.space, core.pt.root);
  return { ...rest, core };
}

/** Context: nobody else works on these IOVAs. 0, or an error. linux v6.19 drivers/iommu/iommu.c: iommu_map */
export function* iommu_map(
  this: Kernel,
  { core }: PagingDomain,
  cpu: Cpu,
  iova: number,
  paddr: number,
  pages: number,
): Flow<number> {
  return yield* iommuMap(core, cpu, iova, paddr, pages, READ_WRITE);
}

/** Context: as iommu_map. Order: in strict mode no device reaches the pages when it returns. linux v6.19 drivers/iommu/iommu.c: iommu_unmap */
export function* iommu_unmap(
  this: Kernel,
  { core }: PagingDomain,
  cpu: Cpu,
  iova: number,
  pages: number,
): Flow<number> {
  return yield* iommuUnmap(core, cpu, iova, pages);
}

/** Frame, or -1. linux v6.19 drivers/iommu/iommu.c: iommu_iova_to_phys */
export function* iommu_iova_to_phys(this: Kernel, { core }: PagingDomain, iova: number): Flow<number> {
  return yield* iommuIovaToPhys(core, iova);
}

/** Submits an invalidation and waits for it. `ih`: pointers to tables may stay. linux v6.9 drivers/iommu/intel/iommu.c: iommu_flush_iotlb_psi */
export function* iommu_flush_iotlb_psi(
  this: Kernel,
  { space, walker }: Pick<PagingDomain, 'space' | 'walker'>,
  start: number,
  end: number,
  ih: boolean,
): Flow<void> {
  yield ATOMIC;
  walker.invalidate(space, start, end, ih);
}
