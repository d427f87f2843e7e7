/** The real page table as a BenchTable: iommu_map and iommu_unmap with a table-reclaim design, straight-line twins. */
import { tableReclaim } from '../src/designs/table-reclaim/index.straight.ts';
import { ArenaMemory } from '../src/hw/memory/arena-memory.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../src/hw/pt/format.ts';
import { VTD_SECOND_STAGE } from '../src/hw/pt/formats/vtd-second-stage.ts';
import { createCpu } from '../src/hw/pt/page-table.straight.ts';
import { iovaToPhys, visitEntries } from '../src/hw/pt/walk.straight.ts';
import {
  createDomain,
  type IommuDomain,
  iommuMap,
  iommuUnmap,
  settleDomain,
} from '../src/kernel/iommu/domain.straight.ts';
import { type BenchTable, mixLeafEntry, mixTableEntry } from './micro-workloads.ts';

export class PageTableBench implements BenchTable {
  #domain: IommuDomain;
  readonly #design: string;
  readonly #cpu = createCpu();

  constructor(design: string) {
    this.#design = design;
    this.#domain = newDomain(design);
  }

  reset(): void {
    this.#domain = newDomain(this.#design);
  }

  map(vpn: number, pfn: number, pages: number): number {
    return iommuMap(this.#domain, this.#cpu, vpn, pfn, pages, IOMMU_READ | IOMMU_WRITE);
  }

  unmap(vpn: number, pages: number): number {
    return iommuUnmap(this.#domain, this.#cpu, vpn, pages);
  }

  translate(vpn: number): number {
    return iovaToPhys(this.#domain.pt, vpn);
  }

  settle(): void {
    settleDomain(this.#domain, this.#cpu);
  }

  dumpChecksum(h: number): number {
    let sum = h;
    visitEntries(this.#domain.pt, (level, index, isLeaf, lo, hi) => {
      sum = isLeaf ? mixLeafEntry(sum, level, index, lo, hi) : mixTableEntry(sum, level, index, lo);
    });
    return sum;
  }
}

function newDomain(design: string): IommuDomain {
  const reclaim = tableReclaim(design);
  if (reclaim === undefined) throw new RangeError(`no table-reclaim design is called ${design}`);
  const memory = new ArenaMemory({ keepZeroFrames: reclaim.freesEmpty });
  return createDomain({ memory, format: VTD_SECOND_STAGE, levels: 4, reclaim });
}
