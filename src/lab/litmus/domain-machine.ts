/**
 * A machine for litmus tests of table reclaim: one paging domain in which CPUs map and unmap, a device that translates at any time through an IOMMU that
 * caches all it reads, and whoever takes a reference to a page of a table. What a device reaches and what is freed is looked at in the step in which it happens.
 */
import {
  ATOMIC,
  Cell,
  type Flow,
  join,
  QueuedRwLock,
  RwLock,
  runAlone,
  UNBUFFERED,
  type World,
} from '../../base/index.ts';
import {
  createCpu,
  createShared,
  ExternalWalker,
  frameOf,
  indexAt,
  ReferencedMemory,
  VTD_SECOND_STAGE,
} from '../../hw/index.ts';
import {
  type AtRest,
  InvariantBroken,
  type IovaPage,
  type Kernel,
  type Mapping,
  type PagingDomain,
} from '../../kernel/index.ts';
import { type Build, bareKernel } from './machine.ts';

/** Pages that a leaf table, and a table above it, translate. */
export const TABLE = 512;
const SPACE = 0;
/** Frames of memory that are never tables begin here: no page of IOVA has one number with another. */
const DATA = 2 ** 18;
/** Frames that tables are made in. */
const FRAMES = 16;

export interface DomainMachineOptions {
  /** Pages of IOVA that threads, the device or the test speak of. */
  readonly pages: readonly number[];
  /** Mapped before the threads start: first page, how many. */
  readonly mapped: readonly (readonly [number, number])[];
  readonly levels?: number;
  /** Pages whose way the IOMMU knows before the threads start. */
  readonly warm?: readonly number[];
  /** Callers may sleep, and so may what allocates tables for them. */
  readonly sleeps?: boolean;
  /** A reader of the domain's lock waits where a writer waits already, as on Linux in task context. */
  readonly queuedLock?: boolean;
}

/** What a caller may be told, where it does not keep its promise to work on its pages alone. */
export interface Loosely {
  readonly loosely?: boolean;
}

export class DomainMachine {
  readonly kernel: Kernel;
  readonly world: World;
  readonly memory: ReferencedMemory;
  readonly domain: PagingDomain;
  private readonly lock: RwLock | QueuedRwLock;
  private readonly iovas: readonly IovaPage[];
  private mappings = 0;

  constructor(world: World, build: Build, options: DomainMachineOptions) {
    const { levels = 3, mapped, pages, queuedLock = false, sleeps = false, warm = [] } = options;
    this.world = world;
    this.memory = new ReferencedMemory(world, FRAMES);
    this.kernel = bareKernel(world, build);
    this.iovas = pages.map((page) => ({
      page,
      mapping: new Cell<Mapping | null>(world, `mapping of page ${page}`, null, UNBUFFERED),
    }));
    const walker = new ExternalWalker(world, this.memory, {
      ...{ format: VTD_SECOND_STAGE, top: levels - 1, spaces: 1, pages },
      observe: (table) => this.kernel.observe_table_read(this.domain, table),
    });
    this.lock = new (queuedLock ? QueuedRwLock : RwLock)(world, 'pgd_lock');
    this.domain = this.kernel.iommu_paging_domain_alloc({
      ...{ name: 'the domain', memory: this.memory, walker, space: SPACE, iovas: this.iovas, levels, lazy: false },
      shared: createShared(world, (name, value) => new Cell(world, name, value), this.lock),
    });
    for (const [page, count] of mapped) runAlone(this.map(page, count));
    runAlone(this.accesses(...warm));
    if (sleeps) this.memory.onAlloc = () => this.kernel.observe_table_alloc(this.domain);
    this.memory.onFree = (table) => {
      // An observer's look is no access of the thread's.
      const { plainAccesses } = world;
      this.kernel.observe_table_freed(this.domain, table);
      world.plainAccesses = plainAccesses;
      world.reach('a table is freed');
    };
  }

  /** Whether the design frees tables that are emptied piece by piece. */
  get freesEmpty(): boolean {
    return this.domain.core.reclaim.freesEmpty;
  }

  /** A CPU maps pages to frames that were not used before. */
  *map(page: number, pages = 1, { loosely = false }: Loosely = {}): Flow<void> {
    // Aligned as large pages are, where so many are mapped at once.
    const paddr = DATA * (1 + this.mappings++) + page;
    yield* this.note(page, pages, (at) => ({ frame: paddr + at - page, isLive: true }));
    const status = yield* this.kernel.iommu_map(this.domain, createCpu(), page, paddr, pages);
    if (status === 0 || loosely) return;
    throw new InvariantBroken(`iommu_map of page ${page}, where nothing is mapped, returns ${status}`);
  }

  /** A CPU unmaps pages, and frees them. */
  *unmap(page: number, pages = 1, { loosely = false }: Loosely = {}): Flow<void> {
    yield* this.note(page, pages, (_at, before) => (before === null ? null : { ...before, isLive: false }));
    const done = yield* this.kernel.iommu_unmap(this.domain, createCpu(), page, pages);
    if (done !== pages && !loosely) {
      throw new InvariantBroken(
        `INV-12: iommu_unmap of page ${page} finds ${done} of ${pages} pages: mappings are lost`,
      );
    }
    yield* this.note(page, pages, () => null);
  }

  /** A caller that has the page mapped asks where it leads. */
  *translated(page: number, { loosely = false }: Loosely = {}): Flow<void> {
    const frame = yield* this.kernel.iommu_iova_to_phys(this.domain, page);
    if (loosely) return;
    yield ATOMIC;
    const due = this.iova(page).mapping.load()?.frame ?? -1;
    this.kernel.observe_mapping(this.domain, page, frame, due);
  }

  /** Accesses of the device, one after the other. Marks: `device: done`, `device: not present`. */
  *accesses(...pages: readonly number[]): Flow<void> {
    const { kernel, world } = this;
    for (const page of pages) {
      yield* this.domain.walker.translate({ space: SPACE, page, write: true }, (found) => {
        world.reach(`device: ${typeof found === 'string' ? found : 'done'}`);
        if (typeof found !== 'string') {
          kernel.observe_translated(this.domain, this.iova(page), frameOf(found, page));
        }
      });
    }
  }

  /** Somebody takes a reference to a page and drops it (GUP-fast, a walker of page frame numbers). Marks: `a reference`, `the last reference`. */
  *reference(pfn: number): Flow<void> {
    yield ATOMIC;
    if (!this.memory.getUnlessZero(pfn)) return;
    this.world.reach('a reference');
    yield ATOMIC;
    if (!this.memory.putReference(pfn)) return;
    this.world.reach('the last reference');
    this.domain.core.pt.cost.tablesFreed++;
  }

  /** Unmaps a page while somebody has a reference to its table. Context: before the threads start. */
  missFree(page: number): void {
    const table = this.tableOf(page);
    this.memory.getUnlessZero(table);
    runAlone(this.unmap(page));
    this.memory.putReference(table);
  }

  /** Somebody looks at `_mapcount` of a page, and takes no reference. */
  *looksAtCount(pfn: number): Flow<void> {
    yield;
    this.memory.addMapcount(pfn, 0);
  }

  /** A frame that was a page of a user: the next one that is given out. Context: before the threads start. */
  formerUserPage(): number {
    const pfn = this.memory.allocFrame();
    this.memory.freeFrame(pfn);
    return pfn;
  }

  /** Frame of the table at `level` on the way to the page. Context: before the threads start; it is there. */
  tableOf(page: number, level = 0): number {
    const { pt } = this.domain.core;
    let table = pt.root;
    for (let at = pt.top; at > level; at--) table = this.memory.peekLo(table, indexAt(page, at)) >>> 12;
    return table;
  }

  /** What is looked at when these threads are done. Mark: `at rest`. */
  *atRest(threads: readonly string[], { keeps = true, loses = false, warns = true }: Partial<AtRest> = {}): Flow<void> {
    yield join(this.world, ...threads);
    yield ATOMIC;
    this.kernel.observe_at_rest(this.domain, { keeps, loses, warns });
    // What this step ran alone has announced its locks; nothing of it is left to be yielded.
    this.world.lastAnnounced = null;
    this.world.reach('at rest');
  }

  /** Runs a flow of a CPU. */
  cpu(flow: Flow<void>): Flow<void> {
    return this.lock instanceof QueuedRwLock ? this.lock.queueing(flow) : flow;
  }

  private iova(page: number): IovaPage {
    return this.iovas.find((own) => own.page === page)!;
  }

  /** What callers have made of these pages, in one step. */
  private *note(page: number, pages: number, next: (at: number, before: Mapping | null) => Mapping | null): Flow<void> {
    yield ATOMIC;
    for (const own of this.iovas) {
      if (own.page < page || own.page >= page + pages) continue;
      own.mapping.store(next(own.page, own.mapping.load()));
    }
  }
}
