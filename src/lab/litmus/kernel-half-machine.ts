/**
 * A machine for litmus tests of the kernel's own tables: some address spaces, each walked by a device, all with the same kernel half; CPUs free tables of that
 * half; and another mm takes each frame that is free.
 */
import { type Flow, runAlone, type World } from '../../base/index.ts';
import type { Daemon } from '../../check/index.ts';
import { ExternalDevice, ExternalWalker, RecordedMemory, X86_64 } from '../../hw/index.ts';
import {
  type ExternalBind,
  type FrameUse,
  InitMm,
  type Kernel,
  MmTables,
  type NotifiedMm,
  PGD_LEVEL,
  type Vma,
} from '../../kernel/index.ts';
import { type Build, bareKernel } from './machine.ts';
import { takesFrame } from './sva-machine.ts';

/** The kernel's half begins at entry 256 of the top table; here, where page numbers are short, at entry 8. */
export const KERNEL_PAGE = 8 * 512 ** 3;

export interface KernelHalfOptions {
  /** Pages that the kernel has mapped. */
  readonly pages: readonly number[];
  /** Address spaces that are bound from the start. Default: one. */
  readonly bound?: number;
  /** Address spaces that the test binds. */
  readonly unbound?: number;
  /** Tables that were there before the allocator was: they have no mark. */
  readonly atBoot?: boolean;
}

/** An address space, and the device that walks it. */
export interface WalkedMm {
  readonly mm: NotifiedMm;
  readonly device: ExternalDevice;
  readonly bind: ExternalBind;
}

export class KernelHalfMachine {
  readonly kernel: Kernel;
  readonly world: World;
  readonly memory: RecordedMemory;
  readonly init: InitMm;
  readonly walked: readonly WalkedMm[];
  private readonly frames = new Map<number, FrameUse>();

  constructor(world: World, build: Build, options: KernelHalfOptions) {
    const { atBoot = false, bound = 1, pages, unbound = 0 } = options;
    this.world = world;
    this.memory = new RecordedMemory(world);
    this.kernel = bareKernel(world, build);
    const tables = new MmTables(world, 'init_mm', this.memory, this.frames, false);
    tables.vmas = pages.map((page): Vma => ({ start: page, end: page + 1 }));
    for (const page of pages) tables.setPte(page, { pfn: tables.allocPage(), writable: true });
    this.init = new InitMm(world, tables);
    for (const [pfn, { level }] of this.frames) if (level !== null && !atBoot) this.init.ptdesc_kernel.add(pfn);
    const places = { spaces: bound + unbound, pages };
    const observe = (table: number, space: number): void =>
      this.kernel.observe_walked(this.walked[space]!.mm.tables, table);
    const walker = new ExternalWalker(world, this.memory, { ...places, format: X86_64, top: PGD_LEVEL, observe });
    this.walked = Array.from({ length: bound + unbound }, (_, space) => this.walkedMm(walker, space, places.pages));
    for (const { bind, mm } of this.walked.slice(0, bound)) {
      runAlone(this.kernel.iommu_sva_bind_mm(this.init, mm, bind));
    }
  }

  private walkedMm(walker: ExternalWalker, space: number, pages: readonly number[]): WalkedMm {
    const tables = new MmTables(this.world, `mm ${String.fromCharCode(65 + space)}`, this.memory, this.frames);
    for (const page of pages) tables.share(this.init.tables, page);
    const device = new ExternalDevice(this.world, `dev${space}`, walker, { spaces: space + 1, pages });
    const bind: ExternalBind = { walker, devices: [device], space };
    return { mm: { tables, notifiers: [this.kernel.sva_notifier_ops(bind)], batch: 1 }, device, bind };
  }

  /** A device is asked for kernel addresses, again and again. Marks: `DEVICE: RESULT`. */
  *probes({ bind, device }: WalkedMm, ...pages: readonly number[]): Flow<void> {
    for (const page of pages) {
      const result = yield* device.access({ space: bind.space, page, write: false }, () => {
        throw new Error(`${device.name} reaches page ${page} of the kernel`);
      });
      this.world.reach(`${device.name}: ${result}`);
    }
  }

  /** The worker that frees tables. */
  worker(): Daemon {
    return { daemon: this.kernel.kernel_pgtable_worker(this.init) };
  }

  /** Another mm, which takes a frame as soon as there is one that was free before. */
  neighbour(): Flow<void> {
    return takesFrame(this.memory, this.frames, 'mm N');
  }
}
