/**
 * The page tables of an mm as CPU and IOMMU both walk them: x86-64, four levels, in memory that a checker watches. Level 0 is the PTE table. Frames of
 * pages and of tables come from one allocator, and the frame that was freed last is the next one given out.
 *
 * Context of the functions here: within an atomic step. What is above an entry that one looks up is held by mmap_lock or the page-table lock.
 */
import { assert, RwLock, SpinLock, type World } from '../../base/index.ts';
import {
  IOMMU_READ,
  IOMMU_WRITE,
  indexAt,
  maskLo,
  offsetInSpan,
  type RecordedMemory,
  spanPages,
  X86_64,
  X86_64_PTE,
} from '../../hw/index.ts';

const P = X86_64.presentLo;
const RW = maskLo(X86_64_PTE, 'R/W');
const US = maskLo(X86_64_PTE, 'U/S');
export const PGD_LEVEL = 3;

/** A mapping: [start, end) in pages. */
export interface Vma {
  readonly start: number;
  readonly end: number;
}

/** Whose page, or table at which level, a frame is. */
export interface FrameUse {
  readonly mm: string;
  /** Null: a page. */
  readonly level: number | null;
}

export interface PteValue {
  readonly pfn: number;
  readonly writable: boolean;
}

export class MmTables {
  readonly name: string;
  readonly memory: RecordedMemory;
  readonly pgd: number;
  /** The page-table lock: one for all tables here. */
  readonly ptl: SpinLock;
  readonly mmap_lock: RwLock;
  /** Context: mmap_lock. */
  vmas: readonly Vma[] = [];
  /** By frame: whose page or table it is, or was last. Changed in the step of the allocation. */
  readonly frames: Map<number, FrameUse>;
  /** What is mapped may be reached by user code and by devices. */
  private readonly user: boolean;

  /** `frames`: one map for all that share the memory. */
  constructor(world: World, name: string, memory: RecordedMemory, frames: Map<number, FrameUse>, user = true) {
    this.name = name;
    this.user = user;
    this.memory = memory;
    this.frames = frames;
    this.ptl = new SpinLock(world, `${name}.page_table_lock`);
    this.mmap_lock = new RwLock(world, `${name}.mmap_lock`);
    this.pgd = this.allocTable(PGD_LEVEL);
  }

  /** A page with one reference. */
  allocPage(): number {
    const pfn = this.memory.allocFrame();
    this.memory.addRefcount(pfn, 1);
    this.frames.set(pfn, { mm: this.name, level: null });
    return pfn;
  }

  private allocTable(level: number): number {
    const pfn = this.memory.allocFrame();
    this.frames.set(pfn, { mm: this.name, level });
    return pfn;
  }

  /** The PTE of a page; null: not present. */
  pte(page: number): PteValue | null {
    const table = this.tableAt(page, 0);
    return table === 0 ? null : this.pteIn(table, page);
  }

  /** The same in a table that may have been unlinked. */
  pteIn(table: number, page: number): PteValue | null {
    const at = this.memory.locate(table, indexAt(page, 0));
    const lo = this.memory.lo(at);
    return (lo & P) === 0 ? null : { pfn: lo >>> 12, writable: (lo & RW) !== 0 };
  }

  /** The frame of a page that may be written, or null; its tables are there. For conditions: not an access. */
  peekWritable(page: number): number | null {
    let table = this.pgd;
    for (let level = PGD_LEVEL; level > 0; level--) table = this.memory.peekLo(table, indexAt(page, level)) >>> 12;
    const lo = this.memory.peekLo(table, indexAt(page, 0));
    return (lo & (P | RW)) === (P | RW) ? lo >>> 12 : null;
  }

  /** Tables that are missing are made. */
  setPte(page: number, { pfn, writable }: PteValue): void {
    let table = this.pgd;
    for (let level = PGD_LEVEL; level > 0; level--) {
      let below = this.below(table, page, level);
      if (below === 0) {
        below = this.allocTable(level - 1);
        this.memory.store(table, indexAt(page, level), (below << 12) | this.rights(X86_64.tableLo), 0);
      }
      table = below;
    }
    const rights = X86_64.leafLo[writable ? IOMMU_READ | IOMMU_WRITE : IOMMU_READ]!;
    this.memory.store(table, indexAt(page, 0), (pfn << 12) | this.rights(rights), 0);
  }

  private rights(lo: number): number {
    return this.user ? lo : lo & ~US;
  }

  /** Points to the same tables as another mm does for the page, from below the top one on: the kernel's half. */
  share(other: MmTables, page: number): void {
    const at = this.memory.locate(other.pgd, indexAt(page, PGD_LEVEL));
    this.memory.store(this.pgd, indexAt(page, PGD_LEVEL), this.memory.lo(at), 0);
  }

  clearPte(page: number): void {
    this.memory.store(this.tableAt(page, 0), indexAt(page, 0), 0, 0);
  }

  /** The table at `level` on the way to the page, or 0. */
  tableAt(page: number, level: number): number {
    let table = this.pgd;
    for (let at = PGD_LEVEL; at > level && table !== 0; at--) table = this.below(table, page, at);
    return table;
  }

  /** Clears the entry that points to the table at `level`. */
  unlink(page: number, level: number): void {
    const above = this.tableAt(page, level + 1);
    assert(above !== 0, `page ${page} has no table above level ${level}`);
    this.memory.store(above, indexAt(page, level + 1), 0, 0);
  }

  /** Whether a mapping is left in the span of the table at `level`. */
  isSpanUsed(page: number, level: number): boolean {
    const span = spanPages(level + 1);
    const start = page - offsetInSpan(page, level + 1);
    return this.vmas.some((vma) => vma.start < start + span && vma.end > start);
  }

  private below(table: number, page: number, level: number): number {
    const lo = this.memory.lo(this.memory.locate(table, indexAt(page, level)));
    return (lo & P) === 0 ? 0 : lo >>> 12;
  }
}
