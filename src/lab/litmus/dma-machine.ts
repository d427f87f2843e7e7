/**
 * A machine for litmus tests of the DMA API: one domain, whose table CPUs change and an IOMMU walks by itself; a device that accesses what the test says, at any
 * time; another user of memory that takes each frame that is free.
 */
import { ATOMIC, type Flow, runAlone, type World } from '../../base/index.ts';
import type { Daemon } from '../../check/index.ts';
import { TABLE_RECLAIM_FLOWS } from '../../designs/index.ts';
import { DMA_PTE, ExternalDevice, ExternalWalker, RecordedMemory, VTD_SECOND_STAGE } from '../../hw/index.ts';
import { noIotlb } from '../../hw/pt/gather.ts';
import { createPageTable } from '../../hw/pt/page-table.ts';
import { DmaDomain, IovaDomain, type Kernel, NO_IOVA } from '../../kernel/index.ts';
import { type Build, bareKernel } from './machine.ts';

const LEVELS = 3;

export interface DmaMachineOptions {
  /** Default: 1. */
  readonly cpus?: number;
  /** Numbers that there are, one a mapping. Default: 2. */
  readonly blocks?: number;
  /** Pages of a number. Default: 1. */
  readonly pages?: number;
  /** Entries of a ring. Default: 2, of which one stays empty. */
  readonly ring?: number;
  /** Whether the device has a TLB. Default: it has none. */
  readonly ats?: boolean;
  /** What the test asks of a device's accesses and of walks. */
  readonly asks: 'unmap' | 'reuse' | 'tables';
}

export class DmaMachine {
  readonly kernel: Kernel;
  readonly world: World;
  readonly memory: RecordedMemory;
  readonly dom: DmaDomain;
  readonly device: ExternalDevice;
  private readonly asks: DmaMachineOptions['asks'];
  private readonly others = new Set<number>();

  constructor(world: World, build: Build, options: DmaMachineOptions) {
    const { asks, ats = false, blocks = 2, cpus = 1, pages = 1, ring = 2 } = options;
    this.world = world;
    this.asks = asks;
    this.memory = new RecordedMemory(world);
    this.kernel = bareKernel(world, build);
    const reclaim = TABLE_RECLAIM_FLOWS.find(({ name }) => name === 'covered-range')!;
    const { memory } = this;
    const pt = runAlone(
      createPageTable({
        ...{ memory, format: VTD_SECOND_STAGE, levels: LEVELS, hooks: reclaim.hooks, flushRange: noIotlb },
        ...{ semantics: DMA_PTE, queued: true },
      }),
    );
    const places = { spaces: 1, pages: Array.from({ length: blocks }, (_, block) => block * pages) };
    const observe = (table: number): void => {
      if (asks === 'tables') this.kernel.observe_domain_walked(this.dom, table, this.others);
    };
    const walker = new ExternalWalker(world, memory, { ...places, format: VTD_SECOND_STAGE, top: pt.top, observe });
    walker.roots.store(0, pt.root);
    this.device = new ExternalDevice(world, 'dev', walker, { ...places, ats });
    const iovad = new IovaDomain(world, { cpus, blocks, pages });
    this.dom = new DmaDomain(world, { pt, reclaim, iovad, walker, devices: [this.device], ring });
    runAlone(this.kernel.iommu_dma_init_domain(this.dom));
  }

  /** A page that is mapped before the test begins: its IOVA. */
  mapped(cpu = 0): number {
    return runAlone(this.map(cpu));
  }

  /** A page, and a number for it. Marks: `mapped`, `no IOVA`. */
  *map(cpu = 0): Flow<number> {
    yield ATOMIC;
    const pfn = this.memory.allocFrame();
    const iova = yield* this.kernel.iommu_dma_map(this.dom, cpu, pfn);
    this.world.reach(iova === NO_IOVA ? 'no IOVA' : 'mapped');
    return iova;
  }

  /** Unmaps, and gives the page back: the caller may do so as soon as unmap returns. */
  *unmap(iova: number, cpu = 0): Flow<void> {
    const pfn = this.dom.seen.peek(iova / this.dom.iovad.pages);
    yield* this.kernel.iommu_dma_unmap(this.dom, cpu, iova);
    if (this.asks !== 'unmap') return;
    yield ATOMIC;
    this.memory.freeFrame(pfn);
  }

  /** Accesses of the device. Marks: `dev: RESULT`. */
  *accesses(...pages: readonly number[]): Flow<void> {
    const { asks, device } = this;
    for (const page of pages) {
      const result = yield* device.access({ space: 0, page, write: true }, (pfn) => {
        if (asks !== 'tables') this.kernel.observe_dma_reached(this.dom, device.name, page, pfn, asks);
      });
      this.world.reach(`${device.name}: ${result}`);
    }
  }

  /** The timer of the flush queue. */
  timer(): Daemon {
    return { daemon: this.kernel.fq_timer(this.dom) };
  }

  /** Another user of memory, which takes a frame as soon as there is one that was free before. */
  *neighbour(): Flow<void> {
    yield ATOMIC;
    this.others.add(this.memory.allocFrame());
  }
}
