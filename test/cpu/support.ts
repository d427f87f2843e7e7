/** Page tables for tests of the MMU: entries by their fields, tables made on the way down. */
import { highHalf, lowHalf } from '../../src/base/halves.ts';
import { encode, World } from '../../src/base/index.ts';
import {
  Cpu,
  type Cr3,
  indexAt,
  Mmu,
  type MmuOptions,
  RecordedMemory,
  X86_64_PDE_LEAF,
  X86_64_PDPTE_LEAF,
  X86_64_PTE,
  X86_64_TABLE,
} from '../../src/hw/index.ts';

export const TOP = 3;

export interface Flags {
  readonly RW?: boolean;
  readonly US?: boolean;
  readonly XD?: boolean;
  readonly D?: boolean;
  readonly G?: boolean;
}

/** A leaf: present, accessed, writable and of user mode unless it says otherwise. `pfn`: of its first 4 KiB. */
export function leaf(
  pfn: number,
  { D = false, G = false, RW = true, US = true, XD = false }: Flags = {},
  level = 0,
): bigint {
  const fields = {
    P: 1,
    'R/W': RW ? 1 : 0,
    'U/S': US ? 1 : 0,
    A: 1,
    D: D ? 1 : 0,
    G: G ? 1 : 0,
    XD: XD ? 1 : 0,
    ADDR: pfn / 512 ** level,
  };
  if (level === 0) return encode(X86_64_PTE, fields);
  return encode(level === 1 ? X86_64_PDE_LEAF : X86_64_PDPTE_LEAF, { ...fields, PS: 1 });
}

/** A table entry that allows everything. */
export function pointer(pfn: number): bigint {
  return encode(X86_64_TABLE, { P: 1, 'R/W': 1, 'U/S': 1, A: 1, ADDR: pfn });
}

export class Tables {
  readonly memory: RecordedMemory;
  readonly root: number;
  /** Tables by their first page and level. */
  private readonly tables = new Map<string, number>();

  constructor(memory: RecordedMemory) {
    this.memory = memory;
    this.root = memory.allocFrame();
  }

  /** Writes the entry for a page at a level; tables above it are made. Context: nobody else is about. */
  set(page: number, entry: bigint, level = 0): void {
    const table = this.tableFor(page, level);
    this.memory.store(table, indexAt(page, level), lowHalf(entry), highHalf(entry));
  }

  /** The frame of the table that has the page's entry at a level. */
  tableFor(page: number, level: number): number {
    let table = this.root;
    for (let above = TOP; above > level; above--) {
      const key = `${above} ${Math.floor(page / 512 ** above)}`;
      let child = this.tables.get(key);
      if (child === undefined) {
        child = this.memory.allocFrame();
        this.tables.set(key, child);
        const entry = pointer(child);
        this.memory.store(table, indexAt(page, above), lowHalf(entry), highHalf(entry));
      }
      table = child;
    }
    return table;
  }
}

/** One CPU with one address space, for sequential tests. */
export function oneCpu(
  options: MmuOptions = {},
  cr3: Partial<Cr3> = {},
): { readonly mmu: Mmu; readonly tables: Tables } {
  const world = new World();
  const tables = new Tables(new RecordedMemory(world));
  const pcid = options.cr4 === undefined ? 1 : 0;
  const mmu = new Mmu(new Cpu(world, 0), tables.memory, { frame: tables.root, pcid, ...cr3 }, options);
  return { mmu, tables };
}
