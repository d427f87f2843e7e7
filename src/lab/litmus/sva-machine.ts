/**
 * A machine for litmus tests of coherence: one mm whose tables CPUs change and devices walk, through an IOMMU with all its caches. Each device accesses
 * what the test says, at any time; what it reaches is looked at in the step in which it does.
 */
import { ATOMIC, Cell, type Flow, runAlone, type World } from '../../base/index.ts';
import type { Daemon } from '../../check/index.ts';
import { ExternalDevice, ExternalWalker, RecordedMemory, X86_64 } from '../../hw/index.ts';
import {
  type ExternalBind,
  type FrameUse,
  type Kernel,
  MmTables,
  type NotifiedMm,
  PGD_LEVEL,
  type Vma,
} from '../../kernel/index.ts';
import { type Build, bareKernel } from './machine.ts';

/** The PASID of the mm. */
export const SPACE = 0;

export interface SvaMachineOptions {
  readonly vmas: readonly Vma[];
  /** Pages that a gather has room for. Default: all. */
  readonly batch?: number;
  /** Devices that walk. Default: one; none where nobody has bound the mm. */
  readonly devices?: number;
  /** Whether devices have TLBs. Default: they have. */
  readonly ats?: boolean;
  /** Whether ATS is switched, or a device reset, while it works. Default: neither. */
  readonly changes?: boolean;
  /** Page requests of a device for one access before it gives up. Default: 0, it does not ask. */
  readonly tries?: number;
  /** Whether the IOMMU looks again at an entry that does not allow a write (x86). Default: it does. */
  readonly rechecks?: boolean;
  /** Pages of the mm that are shared with another one, read-only: a write to them makes a copy. */
  readonly shared?: boolean;
}

export class SvaMachine {
  readonly kernel: Kernel;
  readonly world: World;
  readonly memory: RecordedMemory;
  readonly mm: NotifiedMm;
  readonly tables: MmTables;
  readonly walker: ExternalWalker;
  readonly devices: readonly ExternalDevice[];
  readonly bind: ExternalBind;
  /** 1: mprotect has returned, and nothing is to be written any more. */
  readonly seal: Cell<number>;
  private readonly frames = new Map<number, FrameUse>();

  constructor(world: World, build: Build, options: SvaMachineOptions) {
    const {
      ats = true,
      changes = false,
      batch = Number.POSITIVE_INFINITY,
      devices = 1,
      rechecks = true,
      shared = false,
      tries = 0,
      vmas,
    } = options;
    this.world = world;
    this.memory = new RecordedMemory(world);
    this.seal = new Cell(world, 'read-only from now on', 0);
    this.kernel = bareKernel(world, build);
    this.tables = new MmTables(world, 'mm A', this.memory, this.frames);
    this.tables.vmas = vmas;
    const pages = vmas.flatMap(({ end, start }) => Array.from({ length: end - start }, (_, nth) => start + nth));
    for (const page of pages) this.tables.setPte(page, { pfn: this.tables.allocPage(), writable: !shared });
    const places = { spaces: 1, pages };
    const observe = (table: number) => this.kernel.observe_walked(this.tables, table);
    const walker = new ExternalWalker(world, this.memory, {
      ...{ ...places, format: X86_64, top: PGD_LEVEL, observe, rechecks },
    });
    walker.roots.store(SPACE, this.tables.pgd);
    this.walker = walker;
    this.devices = Array.from(
      { length: devices },
      (_, nth) => new ExternalDevice(world, `dev${nth}`, walker, { ...places, ats, changes, tries }),
    );
    this.bind = { walker, devices: this.devices, space: SPACE, root: this.tables.pgd, empty: this.emptyTable() };
    const notifiers = devices === 0 ? [] : [this.kernel.sva_notifier_ops(this.bind)];
    this.mm = { tables: this.tables, notifiers, batch };
  }

  /** A top table without entries. */
  private emptyTable(): number {
    const pfn = this.memory.allocFrame();
    this.frames.set(pfn, { mm: this.tables.name, level: PGD_LEVEL });
    return pfn;
  }

  /** What the unit does of itself, and the worker that answers page requests. */
  hardware(): Record<string, Daemon> {
    const workers = this.devices.map((device): [string, Daemon] => [
      `ppr ${device.name}`,
      { daemon: this.kernel.ppr_worker(this.mm, device) },
    ]);
    return { unit: { daemon: this.kernel.sva_unit() }, ...Object.fromEntries(workers) };
  }

  /** Accesses of a device, one after the other; each of a page. Marks: `DEVICE: RESULT`. */
  *accesses(device: ExternalDevice, write: boolean, ...pages: readonly number[]): Flow<void> {
    for (const page of pages) {
      const result = yield* device.access({ space: SPACE, page, write }, (pfn) => {
        this.kernel.observe_reached(this.tables, device.name, page, pfn);
        if (write) this.kernel.observe_written(this.tables, device.name, page, this.seal);
        if (write) this.memory.store(pfn, 0, 1, 0);
        else this.memory.lo(this.memory.locate(pfn, 0));
      });
      if (result === 'gave up') this.kernel.observe_gave_up(this.tables, device.name, page);
      this.world.reach(`${device.name}: ${result}`);
    }
  }

  /** Another mm, which takes a frame as soon as there is one that was free before: the allocator gives out the one that was freed last. */
  neighbour(): Flow<void> {
    return takesFrame(this.memory, this.frames, 'mm B');
  }

  /** As if a device had walked there before the test begins. */
  warm(device: ExternalDevice, page: number): void {
    runAlone(device.access({ space: SPACE, page, write: false }, () => {}));
  }
}

/** An mm takes a frame: the one that was freed last, if one was. */
export function* takesFrame(memory: RecordedMemory, frames: Map<number, FrameUse>, mm: string): Flow<void> {
  yield ATOMIC;
  frames.set(memory.allocFrame(), { mm, level: null });
}
