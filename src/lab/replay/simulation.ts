/**
 * Every inferred domain once more as a simulated one under each (design, flush mode), fed with the same maps and unmaps.
 * All simulated domains of one (design, mode) share one memory, as on a machine.
 *
 * Left out: permissions (the events have none; entries are written read-write), the kernel's ring a CPU (one a domain
 * here), and page sizes that only other IOMMUs have.
 */
import { assert } from '../../base/assert.ts';
import { ArenaMemory, createCpu, IOMMU_READ, IOMMU_WRITE, REPLAY, VTD_SECOND_STAGE } from '../../hw/index.ts';
import type { Cpu } from '../../hw/pt/page-table.straight.ts';
import {
  createDomain,
  destroyDomain,
  flushQueueTimer,
  type IommuDomain,
  iommuMap,
  iommuUnmap,
  settleDomain,
} from '../../kernel/iommu/domain.straight.ts';
import type { TableReclaim } from '../../kernel/iommu/table-reclaim.straight.ts';
import type { LeafCut } from './live-mappings.ts';
import type { DesignCost, FlushMode } from './result.ts';

const READ_WRITE = IOMMU_READ | IOMMU_WRITE;
const TABLE_BYTES = 4096;

export interface SimulationOptions {
  readonly design: TableReclaim;
  readonly mode: FlushMode;
  readonly levels: number;
  /** Of the tables that are not all zero. */
  readonly maxHostBytes: number;
}

export class Simulation {
  readonly design: TableReclaim;
  readonly mode: FlushMode;
  readonly domains: IommuDomain[] = [];
  /** Table pages alive, the sum over the domains; the highest since `highest` was last set; the highest of all. */
  tables = 0;
  highest = 0;
  peak = 0;
  readonly #levels: number;
  readonly #memory: ArenaMemory;
  readonly #cpu: Cpu = createCpu();

  constructor({ design, mode, levels, maxHostBytes }: SimulationOptions) {
    this.design = design;
    this.mode = mode;
    this.#levels = levels;
    // With queued flushes some designs keep what they would free otherwise: their emptied tables need no host memory then.
    this.#memory = new ArenaMemory({ keepZeroFrames: design.freesEmpty && mode === 'strict', maxHostBytes });
  }

  addDomain(): void {
    const { design, mode } = this;
    const domain = createDomain({
      memory: this.#memory,
      format: VTD_SECOND_STAGE,
      levels: this.#levels,
      reclaim: design,
      semantics: REPLAY,
      lazy: mode === 'lazy',
    });
    this.domains.push(domain);
    this.#account(domain, 0);
  }

  /** Context: no page of the range is live in that domain. */
  map(id: number, page: number, frame: number, pages: number): void {
    const domain = this.domains[id]!;
    const before = this.#begin(domain);
    const status = iommuMap(domain, this.#cpu, page, frame, pages, READ_WRITE);
    assert(
      status === 0,
      () => `${this.design.name}: a map of a free range failed with ${status}: a table has what the live mappings lack`,
    );
    this.#account(domain, before);
  }

  /** @param live pages of the range that are live in that domain. */
  unmap(id: number, page: number, pages: number, live: number): void {
    const domain = this.domains[id]!;
    const before = this.#begin(domain);
    const removed = iommuUnmap(domain, this.#cpu, page, pages);
    assert(
      removed === live,
      () =>
        `${this.design.name}: an unmap removed ${removed} pages of ${live} live ones: tables and live mappings differ`,
    );
    this.#account(domain, before);
  }

  /** Enters a large leaf once more as what is before `page` and what is behind it. */
  split(id: number, { start, span, page, delta }: LeafCut): void {
    this.unmap(id, start, span, span);
    this.map(id, start, start + delta, page - start);
    this.map(id, page, page + delta, start + span - page);
  }

  /** Whether the flush queue's timer of a domain runs. */
  timerOn(id: number): boolean {
    return this.domains[id]!.queue?.timerOn ?? false;
  }

  flushQueueTimer(id: number): void {
    const domain = this.domains[id]!;
    const before = this.#begin(domain);
    flushQueueTimer(domain);
    this.#account(domain, before);
  }

  settle(): void {
    for (const domain of this.domains) {
      const before = this.#begin(domain);
      settleDomain(domain, this.#cpu);
      this.#account(domain, before);
    }
  }

  cost(): DesignCost {
    const sum = (field: keyof IommuDomain['pt']['cost']): number =>
      this.domains.reduce((total, { pt }) => total + pt.cost[field], 0);
    return {
      design: this.design.name,
      mode: this.mode,
      tableBytesPeak: this.peak * TABLE_BYTES,
      tableBytesEnd: this.tables * TABLE_BYTES,
      tablesAllocated: sum('tablesAllocated'),
      tablesFreed: sum('tablesFreed'),
      readLocks: sum('readLocks'),
      writeLocks: sum('writeLocks'),
      countUpdates: sum('countUpdates'),
      flushes: sum('flushes'),
      flushEnlargedPages: sum('flushEnlargedPages'),
    };
  }

  destroy(): void {
    for (const domain of this.domains) {
      const lost = destroyDomain(domain, this.#cpu);
      assert(lost === 0, () => `${this.design.name} lost ${lost} table pages`);
    }
    assert(this.#memory.framesInUse === 0, () => `${this.design.name} left ${this.#memory.framesInUse} frames behind`);
  }

  /** Tables of the domain now; `tablesAlivePeak` is from here on the highest within the operation. */
  #begin({ pt: { cost } }: IommuDomain): number {
    const alive = cost.tablesAllocated - cost.tablesFreed;
    cost.tablesAlivePeak = alive;
    return alive;
  }

  #account({ pt: { cost } }: IommuDomain, before: number): void {
    const highest = this.tables - before + cost.tablesAlivePeak;
    this.tables += cost.tablesAllocated - cost.tablesFreed - before;
    if (highest > this.highest) this.highest = highest;
    if (highest > this.peak) this.peak = highest;
  }
}
