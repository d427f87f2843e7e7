/** The observer of a paging domain: what an IOMMU reads, what a device reaches, which tables are freed, and what is left when all is quiet. */
import { runAlone } from '../../base/index.ts';
import { indexAt, offsetInSpan, outputPfn, tablePfn } from '../../hw/pt/format.ts';
import { createCpu } from '../../hw/pt/page-table.ts';
import { iovaToPhys } from '../../hw/pt/walk.ts';
import type { Kernel } from '../kernel.ts';
import { InvariantBroken } from '../observer.ts';
import { settleDomain } from './domain.ts';
import type { IovaPage, PagingDomain } from './paging-domain.ts';

/** INV-12, when the IOMMU is about to read a table: it is one. Context: within an atomic step. */
export function observe_table_read(this: Kernel, { memory, name }: PagingDomain, table: number): void {
  if (memory.isInUse(table)) return;
  throw new InvariantBroken(`INV-12: the IOMMU reads frame ${table} as a table of ${name}, and it is free`);
}

/** When memory for a table is asked for and may be waited for (GFP_KERNEL): no spinning lock is held. */
export function observe_table_alloc(this: Kernel, { name }: PagingDomain): void {
  const { world } = this;
  if ((world.spinlocksHeld[world.thread] ?? 0) === 0) return;
  throw new InvariantBroken(
    `a table of ${name} is allocated, which may sleep, while ${world.nameOf(world.thread)} holds a spinning lock (scheduling while atomic)`,
  );
}

/** INV-12, when a table is given back: no entry of it maps a page that its caller has not unmapped. Context: as part of the step that frees it. */
export function observe_table_freed(this: Kernel, domain: PagingDomain, table: number): void {
  const { core, iovas, memory, name } = domain;
  // Freed twice: memory says so.
  if (!memory.isInUse(table)) return;
  for (const { mapping, page } of iovas) {
    const own = mapping.load();
    if (own === null || !own.isLive) continue;
    // At whatever level it stands: a frame that is mapped is mapped once.
    const isMapped = (level: number): boolean => {
      const at = memory.locate(table, indexAt(page, level));
      const lo = memory.lo(at);
      return isPresent(domain, lo) && outputPfn(lo, memory.hi(at)) === own.frame - offsetInSpan(page, level);
    };
    if (!Array.from({ length: core.pt.top }, (_, level) => level).some(isMapped)) continue;
    throw new InvariantBroken(`INV-12: table ${table} of ${name} is freed with the live entry of page ${page}`);
  }
}

/** INV-5, when a device has translated a page: it reaches what is mapped there, and nothing else. Context: within an atomic step. */
export function observe_translated(
  this: Kernel,
  { name }: PagingDomain,
  { mapping, page }: IovaPage,
  pfn: number,
): void {
  const own = mapping.load();
  if (own?.frame === pfn) return;
  const mapped = own === null ? 'which is unmapped and free' : `where frame ${own.frame} is mapped`;
  throw new InvariantBroken(`INV-5: the device reaches frame ${pfn} through page ${page} of ${name}, ${mapped}`);
}

/** INV-12, when a caller hears of a mapping that it alone works on: it is as the caller left it. */
export function observe_mapping(this: Kernel, { name }: PagingDomain, page: number, found: number, due: number): void {
  if (found === due) return;
  const text = (pfn: number) => (pfn === -1 ? 'nothing' : `frame ${pfn}`);
  throw new InvariantBroken(
    `INV-12: page ${page} of ${name} leads to ${text(found)}, and should to ${text(due)}: the mapping is lost`,
  );
}

export interface AtRest {
  /** Whether the kernel may have warned (WARN_ON). */
  readonly warns: boolean;
  /** Whether tables may be lost: neither linked nor free. */
  readonly loses: boolean;
  /** Whether a table without entries may be linked still. */
  readonly keeps: boolean;
}

/** When all is quiet: mappings are as callers left them, tables are linked or free, counts were in range. Context: the last step of all. */
export function observe_at_rest(this: Kernel, domain: PagingDomain, { keeps, loses, warns }: AtRest): void {
  runAlone(settleDomain(domain.core, createCpu()));
  const { core, iovas, memory, name } = domain;
  const linked = linkedTables(domain);
  for (const table of linked.keys()) {
    if (memory.isInUse(table)) continue;
    throw new InvariantBroken(`INV-12: an entry of ${name} leads to frame ${table} as a table, and it is free`);
  }
  for (const { mapping, page } of iovas) {
    this.observe_mapping(domain, page, runAlone(iovaToPhys(core.pt, page)), mapping.peek()?.frame ?? -1);
  }
  const { warnings } = core.pt.cost;
  if (!warns && warnings > 0) throw new InvariantBroken(`the kernel has warned ${warnings}x: a count is out of range`);
  const lost = memory.framesInUse - linked.size;
  if (!loses && lost !== 0) {
    throw new InvariantBroken(`tables of ${name} are lost, neither linked nor freed: ${lost}`);
  }
  const empty = [...linked].find(([table, { isEmpty }]) => isEmpty && table !== core.pt.root);
  if (empty === undefined || keeps) return;
  throw new InvariantBroken(`the level ${empty[1].level} table of page ${empty[1].page} is kept though it is empty`);
}

interface Linked {
  readonly level: number;
  readonly page: number;
  isEmpty: boolean;
}

/** Tables by frame, from the root on. */
function linkedTables(domain: PagingDomain): ReadonlyMap<number, Linked> {
  const { core, memory } = domain;
  const { pt } = core;
  const found = new Map<number, Linked>();
  const visit = (table: number, level: number, page: number): void => {
    const own = { level, page, isEmpty: true };
    found.set(table, own);
    for (let index = 0; index < 512; index++) {
      const lo = memory.peekLo(table, index);
      if (!isPresent(domain, lo)) continue;
      own.isEmpty = false;
      if (level === 0 || (lo & pt.format.pageSizeLo) !== 0) continue;
      visit(tablePfn(lo, memory.peekHi(table, index)), level - 1, page + index * 512 ** level);
    }
  };
  visit(pt.root, pt.top, 0);
  return found;
}

function isPresent({ core }: PagingDomain, lo: number): boolean {
  return (lo & core.pt.presentLo) !== 0;
}
