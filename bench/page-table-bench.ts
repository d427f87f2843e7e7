/** The real page table as a BenchTable: iommu_map and iommu_unmap with a table-reclaim design, straight-line twins. */
import { tableReclaim } from '../src/designs/table-reclaim/index.straight.ts';
import { ArenaMemory } from '../src/hw/memory/arena-memory.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../src/hw/pt/format.ts';
import { VTD_SECOND_STAGE } from '../src/hw/pt/formats/vtd-second-stage.ts';
import { createCpu } from '../src/hw/pt/page-table.straight.ts';
import { visitEntries } from '../src/hw/pt/walk.straight.ts';
import {
  createDomain,
  destroyDomain,
  type IommuDomain,
  iommuIovaToPhys,
  iommuMap,
  iommuUnmap,
  settleDomain,
} from '../src/kernel/iommu/domain.straight.ts';
import type { TableReclaim } from '../src/kernel/iommu/table-reclaim.straight.ts';
import { type BenchTable, mixLeafEntry, mixTableEntry } from './micro-workloads.ts';

// Names of this module: an imported one is looked up and tested at each call.
const mapPages = iommuMap;
const unmapPages = iommuUnmap;
const translatePage = iommuIovaToPhys;

export class PageTableBench implements BenchTable {
  private readonly reclaim: TableReclaim;
  private readonly memory: ArenaMemory;
  private readonly cpu = createCpu();
  private domain: IommuDomain;

  constructor(design: string) {
    const reclaim = tableReclaim(design);
    if (reclaim === undefined) throw new RangeError(`no table-reclaim design is called ${design}`);
    this.reclaim = reclaim;
    this.memory = new ArenaMemory({ keepZeroFrames: reclaim.freesEmpty });
    this.domain = this.newDomain();
  }

  /** A new domain on a machine just switched on, whose host memory is warm: as in the C reference. */
  reset(): void {
    const lost = destroyDomain(this.domain, this.cpu);
    if (lost !== 0) throw new Error(`${this.reclaim.name} lost ${lost} tables`);
    this.memory.reset();
    this.domain = this.newDomain();
  }

  map(vpn: number, pfn: number, pages: number): number {
    return mapPages(this.domain, this.cpu, vpn, pfn, pages, IOMMU_READ | IOMMU_WRITE);
  }

  unmap(vpn: number, pages: number): number {
    return unmapPages(this.domain, this.cpu, vpn, pages);
  }

  translate(vpn: number): number {
    return translatePage(this.domain, vpn);
  }

  settle(): void {
    settleDomain(this.domain, this.cpu);
  }

  dumpChecksum(h: number): number {
    let sum = h;
    visitEntries(this.domain.pt, (level, index, isLeaf, lo, hi) => {
      sum = isLeaf ? mixLeafEntry(sum, level, index, lo, hi) : mixTableEntry(sum, level, index, lo);
    });
    return sum;
  }

  private newDomain(): IommuDomain {
    return createDomain({ memory: this.memory, format: VTD_SECOND_STAGE, levels: 4, reclaim: this.reclaim });
  }
}
