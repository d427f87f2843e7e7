/**
 * The fast paths of map and unmap for more than one page: a run of 4 KiB leaves within one leaf table, or one 2 MiB leaf. They go as
 * far as they get; the general path goes on from there and decides about holes, live entries and errors. For 4-level
 * page tables.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { findTable, tableAt, tableFor } from '../../hw/pt/new-table.ts';
import type { Cpu, PageTable } from '../../hw/pt/page-table.ts';
import type { IommuDomain } from './domain.ts';
import { mapGeneral, unmapGeneral } from './domain-general.ts';
import { flushRun, inReach, PADDR_REACH, topIndex, unlock } from './fast-path.ts';

/** iommuMap of any range. */
export function* mapRange(
  domain: IommuDomain,
  cpu: Cpu,
  iova: number,
  paddr: number,
  pages: number,
  prot: number,
): Flow<number> {
  const pt = domain.pt;
  const inOneTable = pages > 0 && (iova & 511) + pages <= 512 && inReach(iova);
  let done = 0;
  if (pt.fastPath !== 0 && inOneTable && paddr >= 0 && paddr < PADDR_REACH && leafBits(pt, prot) !== 0) {
    if (pt.fastPath === 2) {
      pt.cost.readLocks++;
      yield pt.shared.lock.readLock();
    }
    const followed = yield* followToMiddle(pt, iova);
    const middle = followed === 0 ? yield* tableFor(pt, iova, 1) : pt.memory.frameAt(followed);
    if (middle !== 0) {
      done =
        pages === 512 && (paddr & 511) === 0 && pt.maxLeafLevel > 0
          ? yield* setLargeLeaf(pt, middle, iova, paddr, prot)
          : yield* setLeaves(pt, middle, iova, paddr, pages, prot);
    }
    yield* unlock(pt);
    if (done === pages) return 0;
  }
  return yield* mapGeneral(domain, cpu, iova, paddr, pages, prot, done);
}

/** iommuUnmap of any range. */
export function* unmapRange(domain: IommuDomain, cpu: Cpu, iova: number, pages: number): Flow<number> {
  const pt = domain.pt;
  if (!(pt.fastPath !== 0 && pages > 0 && (iova & 511) + pages <= 512 && inReach(iova))) {
    return yield* unmapGeneral(domain, cpu, iova, pages, 0);
  }
  if (pt.fastPath === 2) {
    pt.cost.readLocks++;
    yield pt.shared.lock.readLock();
  }
  const followed = yield* followToMiddle(pt, iova);
  const middle = followed === 0 ? yield* findTable(pt, cpu.path, iova, 1) : pt.memory.frameAt(followed);
  if (pages === 512) return yield* clearLargeLeaf(domain, cpu, iova, middle);
  cpu.path[1] = middle;
  yield;
  const table = pt.memory.tableIn(middle, (iova >>> 9) & 511, pt.tableMask, pt.tableLo);
  return yield* clearLeaves(domain, cpu, iova, pages, table);
}

function* followToMiddle(pt: PageTable, iova: number): Flow<number> {
  const memory = pt.memory;
  yield;
  const upper = memory.follow(memory.enter(pt.root), topIndex(iova), pt.tableMask, pt.tableLo);
  yield;
  return memory.follow(upper, ((iova | 0) >>> 18) & 511, pt.tableMask, pt.tableLo);
}

/** What a leaf of 4 KiB has besides its address, or 0: the format cannot express it. */
function leafBits(pt: PageTable, prot: number): number {
  return (pt.leafBits >>> ((prot & 3) << 3)) & 255;
}

/** Leaves of 4 KiB below `middle`, up to the first that is there already, in a table that is made if there is none. Returns how many. */
export function* setLeaves(
  pt: PageTable,
  middle: number,
  iova: number,
  paddr: number,
  pages: number,
  prot: number,
): Flow<number> {
  const memory = pt.memory;
  const index = (iova >>> 9) & 511;
  const table = yield* tableAt(pt, middle, index, 0);
  if (table === 0) return 0;
  const at = memory.open(table, iova & 511);
  memory.remember(middle, index, table);
  const presentLo = pt.presentLo;
  const leafLo = leafBits(pt, prot);
  let done = 0;
  for (; done < pages; done++) {
    yield;
    if ((memory.lo((at + 2 * done) | 0) & presentLo) !== 0) break;
    yield;
    memory.put((at + 2 * done) | 0, ((paddr + done) << 12) | leafLo, (paddr + done) >>> 20);
  }
  memory.count(table, done);
  pt.cost.leaves4K += done;
  yield* countRun(pt, table, done);
  return done;
}

/** One 2 MiB leaf where nothing is. Returns 512, or 0: the general path has to look. */
function* setLargeLeaf(pt: PageTable, middle: number, iova: number, paddr: number, prot: number): Flow<number> {
  const memory = pt.memory;
  const at = memory.open(middle, (iova >>> 9) & 511);
  yield;
  if ((memory.lo(at) & pt.presentLo) !== 0) return 0;
  yield;
  memory.put(at, (paddr << 12) | leafBits(pt, prot) | pt.pageSizeLo, paddr >>> 20);
  memory.count(middle, 1);
  pt.cost.leaves2M++;
  yield* countRun(pt, middle, 1);
  return 512;
}

/**
 * Clears leaves of `table` (or of none, 0), below `cpu.path[1]`, up to the first that is not there, and ends the unmap.
 * Context: the lock, which is released.
 */
export function* clearLeaves(domain: IommuDomain, cpu: Cpu, iova: number, pages: number, table: number): Flow<number> {
  const pt = domain.pt;
  const memory = pt.memory;
  const presentLo = pt.presentLo;
  // Frame 0 reads as zero.
  const at = memory.locate(table, iova & 511);
  let done = 0;
  let left = 1;
  for (; done < pages; done++) {
    yield;
    if ((memory.lo((at + 2 * done) | 0) & presentLo) === 0) break;
    yield;
    memory.put((at + 2 * done) | 0, 0, 0);
  }
  if (done > 0) {
    memory.count(table, -done);
    if (pt.fastPath === 2) {
      pt.cost.countUpdates++;
      yield;
      left = memory.addEntries(table, -done);
    }
  }
  if (pt.fastPath === 2) {
    yield;
    cpu.unlinksSeen = pt.shared.unlinks.load();
    yield pt.shared.lock.readUnlock();
  }
  if (done < pages) return yield* unmapGeneral(domain, cpu, iova, pages, done);
  const pruned = left === 0 ? yield* pt.hooks.emptied(pt, cpu, iova, table, cpu.path[1]!) : 0;
  yield* flushRun(domain, cpu, iova, pages, pruned);
  return pages;
}

/** The same for the 2 MiB leaf of `iova` in `middle`. It is left to the general path where its table would be left empty. */
function* clearLargeLeaf(domain: IommuDomain, cpu: Cpu, iova: number, middle: number): Flow<number> {
  const pt = domain.pt;
  const done = yield* takeLargeLeaf(pt, middle, (iova >>> 9) & 511);
  if (pt.fastPath === 2) {
    yield;
    cpu.unlinksSeen = pt.shared.unlinks.load();
    yield pt.shared.lock.readUnlock();
  }
  if (!done) return yield* unmapGeneral(domain, cpu, iova, 512, 0);
  yield* flushRun(domain, cpu, iova, 512, 0);
  return 512;
}

function* takeLargeLeaf(pt: PageTable, middle: number, index: number): Flow<boolean> {
  const memory = pt.memory;
  const at = memory.locate(middle, index);
  yield;
  const lo = memory.lo(at);
  if ((lo & pt.pageSizeLo) === 0 || (lo & pt.presentLo) === 0) return false;
  if (pt.fastPath === 2) {
    // Counted down first: of several CPUs that clear the last entries, one sees 0 and leaves its entry to the general path.
    pt.cost.countUpdates++;
    yield;
    if (memory.addEntries(middle, -1) === 0) {
      yield;
      memory.addEntries(middle, 1);
      return false;
    }
  }
  yield;
  memory.put(at, 0, 0);
  memory.count(middle, -1);
  return true;
}

function* countRun(pt: PageTable, table: number, entries: number): Flow<void> {
  if (pt.fastPath !== 2 || entries === 0) return;
  pt.cost.countUpdates++;
  yield;
  pt.memory.addEntries(table, entries);
}
