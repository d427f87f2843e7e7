/**
 * A machine for litmus tests of mirrors: one mm that CPUs change, and a device with page tables of its own and memory of its own, whose driver follows the
 * mm. Beside it there may be a device that walks the mm's tables (ATS). Who accesses a page writes 1 to a word of it, or reads that word.
 */
import { ATOMIC, Cell, type Flow, runAlone, SpinLock, type World } from '../../base/index.ts';
import { type AtEnd, atEnd } from '../../check/index.ts';
import {
  ExternalDevice,
  ExternalMirror,
  ExternalWalker,
  type MirrorEntry,
  RecordedMemory,
  X86_64,
} from '../../hw/index.ts';
import {
  type DevPagemap,
  type Dmirror,
  type ExternalBind,
  type FrameUse,
  type IntervalNotifier,
  IntervalSubscriptions,
  type Kernel,
  MmTables,
  type NotifiedMm,
  PGD_LEVEL,
  peekSwapEntry,
  type RangeOps,
  setSwapEntry,
  type Vma,
} from '../../kernel/index.ts';
import { type Build, bareKernel } from './machine.ts';

const SPACE = 0;
/** The words of a page that the mirror's device and others access. */
export const [GPU_WORD, CPU_WORD] = [0, 1] as const;

export interface MirrorMachineOptions {
  readonly vmas: readonly Vma[];
  /** Pages that the device has in its table from the start. Default: none. */
  readonly mirrored?: readonly number[];
  /** Pages that are in the device's memory from the start, and in its table. Default: none. */
  readonly migrated?: readonly number[];
  /** Pages that another mm has too, read-only: it keeps the old one when a write makes a copy. */
  readonly shared?: readonly number[];
  /** Pages that are read-only although nobody else has them (any more): a write makes a copy, and frees the old one. */
  readonly copied?: readonly number[];
  /** The mirror's device has a TLB. */
  readonly tlb?: boolean;
  /** Beside it a device that walks the tables. */
  readonly ats?: boolean;
  /** The driver registers in the test, not before it. */
  readonly registers?: boolean;
  /** Another driver, with nothing to do, has an interval over all of it. */
  readonly others?: boolean;
}

export class MirrorMachine {
  readonly kernel: Kernel;
  readonly world: World;
  readonly memory: RecordedMemory;
  readonly mm: NotifiedMm;
  readonly tables: MmTables;
  readonly mirror: Dmirror;
  readonly device: ExternalMirror;
  readonly ats: ExternalDevice | null;
  private readonly pgmap: DevPagemap;
  private readonly walked: Cell<boolean>;

  constructor(world: World, build: Build, options: MirrorMachineOptions) {
    const {
      ats = false,
      others = false,
      copied = [],
      migrated = [],
      mirrored = [],
      registers = false,
      shared = [],
      tlb = false,
      vmas,
    } = options;
    this.world = world;
    this.memory = new RecordedMemory(world);
    this.walked = new Cell(world, 'the device that walks has written', false);
    this.kernel = bareKernel(world, build);
    this.tables = new MmTables(world, 'mm A', this.memory, new Map<number, FrameUse>());
    this.tables.vmas = vmas;
    const pages = vmas.flatMap(({ end, start }) => Array.from({ length: end - start }, (_, nth) => start + nth));
    for (const page of pages) {
      const pfn = this.tables.allocPage();
      if (shared.includes(page)) this.memory.addRefcount(pfn, 1);
      this.tables.setPte(page, { pfn, writable: !shared.includes(page) && !copied.includes(page) });
    }
    this.device = new ExternalMirror(world, 'gpu', { pages, tlb });
    const bind = ats ? this.bindOf(pages) : null;
    this.ats = bind?.devices[0] ?? null;
    this.pgmap = {
      owner: this.device,
      name: "mm A's part of the device's memory",
      memory: new RecordedMemory(world, 'device frame'),
      frames: new Map(),
      fault_locked: new Cell(world, 'the device page is locked', false),
      migrate_to_ram: (page, pfn) => this.kernel.dmirror_devmem_fault(this.mirror, page, pfn),
    };
    const notifiers: RangeOps[] = [];
    const intervals = new IntervalSubscriptions(world, 'mm A');
    this.mm = { tables: this.tables, notifiers, batch: Number.POSITIVE_INFINITY, intervals, pgmap: this.pgmap };
    if (bind !== null) notifiers.push(this.kernel.sva_notifier_ops(bind));
    this.mirror = this.mirrorOf(vmas[0]!);
    if (others) runAlone(this.kernel.mmu_interval_notifier_insert(this.mm, idle(world, vmas[0]!)));
    if (!registers) {
      const ops = runAlone(this.kernel.dmirror_register(this.mirror));
      if (ops !== null) notifiers.push(ops);
    }
    for (const page of mirrored) this.device.set(page, { ...this.tables.pte(page)!, local: false });
    for (const page of migrated) this.moveToDevice(page);
  }
  /**
   * Accesses of the mirror's device to pages, one after the other: what is not there the driver faults in, and the device goes on. Marks: `gpu: RESULT`.
   */
  *accesses(write: boolean, ...pages: readonly number[]): Flow<void> {
    for (const page of pages) yield* this.access(write, page);
  }

  /** What was read; null: nothing, or written. */
  *access(write: boolean, page: number): Flow<number | null> {
    let read: number | null = null;
    for (;;) {
      const result = yield* this.device.access(page, write, (entry) => {
        read = this.touch('gpu', page, entry, write, GPU_WORD);
      });
      const isMapped = result === 'done' || (yield* this.kernel.dmirror_range_fault(this.mirror, page, write));
      if (result === 'done' || !isMapped) {
        this.world.reach(`gpu: ${isMapped ? result : 'no mapping'}`);
        return read;
      }
    }
  }

  /** A read that ends where the device's table has nothing: null. */
  *tries(page: number): Flow<number | null> {
    let read: number | null = null;
    yield* this.device.access(page, false, (entry) => {
      read = this.touch('gpu', page, entry, false, GPU_WORD);
    });
    return read;
  }

  /** User code of a CPU, whose TLB is never stale. */
  *cpu(write: boolean, page: number): Flow<number | null> {
    for (;;) {
      yield ATOMIC;
      const pte = this.tables.pte(page);
      if (pte !== null && (pte.writable || !write)) {
        return this.touch('cpu', page, { ...pte, local: false }, write, CPU_WORD);
      }
      if (!(yield* this.kernel.do_user_addr_fault(this.mm, page, write))) return null;
    }
  }

  /** An access of the device that walks, which does not ask for pages. */
  *walks(write: boolean, page: number): Flow<void> {
    const result = yield* this.ats!.access({ space: SPACE, page, write }, (pfn) => {
      this.touch('ats', page, { pfn, writable: true, local: false }, write, CPU_WORD);
    });
    this.world.reach(`ats: ${result}`);
    if (result === 'done') this.walked.store(true);
  }

  /** At the end the page has what was written to that word of it. */
  keeps(page: number, word: number): AtEnd {
    return atEnd(() => this.peekWord(page, word) === 1);
  }

  /** The same, where the device that walks has come to write. */
  keepsWalked(page: number): AtEnd {
    return atEnd(() => !this.walked.peek() || this.peekWord(page, CPU_WORD) === 1);
  }

  /** Not an access. */
  private peekWord(page: number, word: number): number | null {
    const entry = peekSwapEntry(this.tables, page);
    if (entry !== null) return this.pgmap.memory.peekLo(entry.pfn, word);
    const pfn = this.tables.peekWritable(page);
    return pfn === null ? null : this.memory.peekLo(pfn, word);
  }

  private touch(who: string, page: number, entry: MirrorEntry, write: boolean, word: number): number | null {
    const { local, pfn } = entry;
    const whose = local ? this.pgmap : this.tables;
    this.kernel.observe_reached(whose, who, page, pfn);
    if (local) this.world.reach(`${who} works in device memory`);
    if (!write) return whose.memory.lo(whose.memory.locate(pfn, word));
    whose.memory.store(pfn, word, 1, 0);
    return null;
  }

  private moveToDevice(page: number): void {
    const { frames, memory, name } = this.pgmap;
    const pfn = memory.allocFrame();
    memory.addRefcount(pfn, 1);
    frames.set(pfn, { mm: name, level: null });
    const old = this.tables.pte(page)!.pfn;
    setSwapEntry(this.tables, page, { type: 'device private', pfn, writable: true });
    this.memory.freeFrame(old);
    this.device.set(page, { pfn, writable: true, local: true });
  }

  private mirrorOf({ end, start }: Vma): Dmirror {
    const { kernel, world } = this;
    const mirror: Dmirror = {
      mm: this.mm,
      device: this.device,
      lock: new SpinLock(world, 'driver.update'),
      migrate_lock: new SpinLock(world, 'driver.migrate'),
      notifier: {
        start,
        end,
        invalidate_seq: new Cell(world, "the mirror's invalidate_seq", 1),
        invalidate: (...range) => kernel.dmirror_interval_invalidate(mirror, ...range),
      },
      pgmap: this.pgmap,
    };
    return mirror;
  }

  private bindOf(pages: readonly number[]): ExternalBind {
    const places = { spaces: 1, pages };
    const options = { ...places, format: X86_64, top: PGD_LEVEL, structures: false };
    const walker = new ExternalWalker(this.world, this.memory, options);
    walker.roots.store(SPACE, this.tables.pgd);
    return { walker, devices: [new ExternalDevice(this.world, 'ats', walker, places)], space: SPACE };
  }
}

/** An interval whose driver has nothing to drop. */
function idle(world: World, { end, start }: Vma): IntervalNotifier {
  return { start, end, invalidate_seq: new Cell(world, "the other's invalidate_seq", 1), *invalidate() {} };
}
