/**
 * The fast paths of map and unmap for a run of 4 KiB leaves within one leaf table. They go as far as they get; the general
 * path goes on from there and decides about holes, live entries and errors. For 4-level page tables.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { indexAt } from '../../hw/pt/format.ts';
import { findTable, tableAt, tableFor } from '../../hw/pt/new-table.ts';
import type { Cpu, PageTable } from '../../hw/pt/page-table.ts';
import type { IommuDomain } from './domain.ts';
import { mapGeneral, unmapGeneral } from './domain-general.ts';
import { flushRun, unlock } from './fast-path.ts';

/** Where a 4-level table ends. */
export const FAR_END = 2 ** 36;
/** Frames that a fast path can enter: an int32, with room for a run. */
export const PADDR_REACH = 0x7ffffe00;

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
  const fast = pt.fastPath;
  const first = iova & 511;
  const low = iova | 0;
  const near = low === iova;
  const leafLo = leafBits(pt, prot);
  if (
    fast === 0 ||
    !(pages > 0 && first + pages <= 512) ||
    !(iova >= 0 && (near || iova < FAR_END)) ||
    !(paddr >= 0 && paddr < PADDR_REACH) ||
    leafLo === 0
  ) {
    return yield* mapGeneral(domain, cpu, iova, paddr, pages, prot, 0);
  }
  const memory = pt.memory;
  if (fast === 2) {
    pt.cost.readLocks++;
    yield pt.shared.lock.readLock();
  }
  yield;
  const upper = memory.follow(memory.enter(pt.root), near ? low >>> 27 : indexAt(iova, 3));
  yield;
  const middle = memory.follow(upper, (low >>> 18) & 511);
  if (middle === 0) return yield* mapUnknown(domain, cpu, iova, paddr, pages, prot);
  yield;
  const table = memory.follow(middle, (low >>> 9) & 511);
  if (table === 0) return yield* mapUnknown(domain, cpu, iova, paddr, pages, prot);
  const done = yield* setRun(pt, memory.wordIn(table, first), pages, paddr, leafLo);
  pt.cost.leaves4K += done;
  yield* countLeaves(pt, table, done);
  if (done < pages) return yield* mapRest(domain, cpu, iova, paddr, pages, prot, done);
  yield* unlock(pt);
  return 0;
}

/** The same where `follow` knows no way to a table. Context: the lock, which is released. */
export function* mapUnknown(
  domain: IommuDomain,
  cpu: Cpu,
  iova: number,
  paddr: number,
  pages: number,
  prot: number,
): Flow<number> {
  const pt = domain.pt;
  const middle = yield* tableFor(pt, iova, 1);
  const done = middle === 0 ? 0 : yield* setLeaves(pt, middle, iova, paddr, pages, prot);
  return yield* mapRest(domain, cpu, iova, paddr, pages, prot, done);
}

/** The general path takes over after `done` pages. Context: the lock, which is released. */
function* mapRest(
  domain: IommuDomain,
  cpu: Cpu,
  iova: number,
  paddr: number,
  pages: number,
  prot: number,
  done: number,
): Flow<number> {
  yield* unlock(domain.pt);
  if (done === pages) return 0;
  return yield* mapGeneral(domain, cpu, iova, paddr, pages, prot, done);
}

/** iommuUnmap of any range. */
export function* unmapRange(domain: IommuDomain, cpu: Cpu, iova: number, pages: number): Flow<number> {
  const pt = domain.pt;
  const fast = pt.fastPath;
  const first = iova & 511;
  const low = iova | 0;
  const near = low === iova;
  if (fast === 0 || !(pages > 0 && first + pages <= 512) || !(iova >= 0 && (near || iova < FAR_END))) {
    return yield* unmapGeneral(domain, cpu, iova, pages, 0);
  }
  const memory = pt.memory;
  if (fast === 2) {
    pt.cost.readLocks++;
    yield pt.shared.lock.readLock();
  }
  yield;
  const upper = memory.follow(memory.enter(pt.root), near ? low >>> 27 : indexAt(iova, 3));
  yield;
  const middle = memory.follow(upper, (low >>> 18) & 511);
  if (middle === 0) return yield* unmapUnknown(domain, cpu, iova, pages);
  yield;
  const table = memory.follow(middle, (low >>> 9) & 511);
  if (table === 0) return yield* unmapUnknown(domain, cpu, iova, pages);
  cpu.path[1] = memory.frameAt(middle);
  return yield* clearLeaves(domain, cpu, iova, pages, table);
}

/** The same where `follow` knows no way to the table. Context: the lock. */
export function* unmapUnknown(domain: IommuDomain, cpu: Cpu, iova: number, pages: number): Flow<number> {
  const memory = domain.pt.memory;
  const table = yield* findTable(domain.pt, cpu.path, iova, 0);
  return yield* clearLeaves(domain, cpu, iova, pages, memory.enter(table));
}

/** What a leaf of 4 KiB has besides its address, or 0: the format cannot express it. */
export function leafBits(pt: PageTable, prot: number): number {
  return (pt.leafBits >>> ((prot & 3) << 3)) & 255;
}

/** Leaves of 4 KiB from position `at`, up to the first that is there already. Returns how many. */
function* setRun(pt: PageTable, at: number, pages: number, paddr: number, leafLo: number): Flow<number> {
  const memory = pt.memory;
  const presentLo = pt.presentLo;
  const end = (paddr + pages) | 0;
  let word = at;
  let frame = paddr;
  // `| 0` spares V8 the question whether a sum is still an int32.
  for (; frame < end; frame = (frame + 1) | 0) {
    yield;
    if ((memory.lo(word) & presentLo) !== 0) break;
    yield;
    memory.put(word, (frame << 12) | leafLo, frame >>> 20);
    word = (word + 2) | 0;
  }
  return (frame - paddr) | 0;
}

/** The same below `middle`, in a table that is made if there is none. */
function* setLeaves(
  pt: PageTable,
  middle: number,
  iova: number,
  paddr: number,
  pages: number,
  prot: number,
): Flow<number> {
  const memory = pt.memory;
  const index = (iova >>> 9) & 511;
  const child = yield* tableAt(pt, middle, index, 0);
  if (child === 0) return 0;
  const table = memory.link(middle, index, child);
  const done = yield* setRun(pt, memory.wordIn(table, iova & 511), pages, paddr, leafBits(pt, prot));
  pt.cost.leaves4K += done;
  yield* countLeaves(pt, table, done);
  return done;
}

/** `delta` more leaves are in a table that was followed to. Returns how many entries it has by the design's count, or 1. */
export function* countLeaves(pt: PageTable, table: number, delta: number): Flow<number> {
  if (pt.fastPath !== 2) {
    pt.memory.countAt(table, delta);
    return 1;
  }
  pt.cost.countUpdates++;
  yield;
  return pt.memory.countEntriesAt(table, delta);
}

/**
 * Clears leaves of `table` (followed to, or none, 0), below the frame `cpu.path[1]`, up to the first that is not there, and
 * ends the unmap. Context: the lock, which is released.
 */
export function* clearLeaves(domain: IommuDomain, cpu: Cpu, iova: number, pages: number, table: number): Flow<number> {
  const pt = domain.pt;
  const memory = pt.memory;
  // Frame 0 reads as zero.
  const done = yield* clearRun(pt, memory.wordIn(table, iova & 511), pages);
  const left = done > 0 ? yield* countLeaves(pt, table, -done) : 1;
  const frame = table === 0 ? 0 : memory.frameAt(table);
  yield* unlockUnmap(pt, cpu);
  if (done < pages) return yield* unmapGeneral(domain, cpu, iova, pages, done);
  const pruned = left === 0 ? yield* pt.hooks.emptied(pt, cpu, iova, frame, cpu.path[1]!) : 0;
  return yield* flushRun(domain, cpu, iova, pages, pruned);
}

function* clearRun(pt: PageTable, at: number, pages: number): Flow<number> {
  const memory = pt.memory;
  const presentLo = pt.presentLo;
  const end = (at + 2 * pages) | 0;
  let word = at;
  for (; word < end; word = (word + 2) | 0) {
    yield;
    if ((memory.lo(word) & presentLo) === 0) break;
    yield;
    memory.put(word, 0, 0);
  }
  return (word - at) >> 1;
}

/** `cpu.unlinksSeen` is what `emptied` will ask for. */
function* unlockUnmap(pt: PageTable, cpu: Cpu): Flow<void> {
  if (pt.fastPath === 2) {
    yield;
    cpu.unlinksSeen = pt.shared.unlinks.load();
    yield pt.shared.lock.readUnlock();
  }
}
