/**
 * The fast paths of map and unmap for one 2 MiB page, in a table at level 1 that is there and known to `follow`. All else is for
 * the range's fast path or the general one: a page that is there, a table in its place, a table that would be left
 * empty. For 4-level page tables.
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { indexAt } from '../../hw/pt/format.ts';
import { findTable, tableFor } from '../../hw/pt/new-table.ts';
import type { Cpu } from '../../hw/pt/page-table.ts';
import type { IommuDomain } from './domain.ts';
import { mapGeneral, unmapGeneral } from './domain-general.ts';
import { flushRun, unlock } from './fast-path.ts';
import { countLeaves, FAR_END, leafBits, mapRange, PADDR_REACH, unmapRange } from './fast-range.ts';

/** iommuMap of more or less than one page. */
export function* mapOther(
  domain: IommuDomain,
  cpu: Cpu,
  iova: number,
  paddr: number,
  pages: number,
  prot: number,
): Flow<number> {
  if (pages === 512) return yield* mapLarge(domain, cpu, iova, paddr, prot);
  return yield* mapRange(domain, cpu, iova, paddr, pages, prot);
}

/** iommuUnmap of more or less than one page. */
export function* unmapOther(domain: IommuDomain, cpu: Cpu, iova: number, pages: number): Flow<number> {
  if (pages === 512) return yield* unmapLarge(domain, cpu, iova);
  return yield* unmapRange(domain, cpu, iova, pages);
}

function* mapLarge(domain: IommuDomain, cpu: Cpu, iova: number, paddr: number, prot: number): Flow<number> {
  const pt = domain.pt;
  const fast = pt.fastPath;
  const leafLo = leafBits(pt, prot);
  const low = iova | 0;
  const near = low === iova;
  if (
    fast === 0 ||
    leafLo === 0 ||
    pt.maxLeafLevel === 0 ||
    ((low | paddr) & 511) !== 0 ||
    !(iova >= 0 && (near || iova < FAR_END)) ||
    !(paddr >= 0 && paddr < PADDR_REACH)
  ) {
    return yield* mapRange(domain, cpu, iova, paddr, 512, prot);
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
  const at = memory.wordIn(middle, (low >>> 9) & 511);
  yield;
  if (middle === 0 || (memory.lo(at) & pt.presentLo) !== 0) {
    return yield* mapLargeUnknown(domain, cpu, iova, paddr, prot);
  }
  yield;
  memory.put(at, (paddr << 12) | leafLo | pt.pageSizeLo, paddr >>> 20);
  pt.cost.leaves2M++;
  if (fast === 2) {
    pt.cost.countUpdates++;
    yield;
    memory.countEntriesAt(middle, 1);
    yield pt.shared.lock.readUnlock();
  } else {
    memory.countAt(middle, 1);
  }
  return 0;
}

/** The same where `follow` knows no way to the table, or something is there. Context: the lock, which is released. */
function* mapLargeUnknown(domain: IommuDomain, cpu: Cpu, iova: number, paddr: number, prot: number): Flow<number> {
  const pt = domain.pt;
  const memory = pt.memory;
  const table = yield* tableFor(pt, iova, 1);
  const at = table === 0 ? 0 : memory.open(table, (iova >>> 9) & 511);
  yield;
  if (at === 0 || (memory.lo(at) & pt.presentLo) !== 0) {
    yield* unlock(pt);
    return yield* mapGeneral(domain, cpu, iova, paddr, 512, prot, 0);
  }
  yield;
  memory.put(at, (paddr << 12) | leafBits(pt, prot) | pt.pageSizeLo, paddr >>> 20);
  pt.cost.leaves2M++;
  yield* countLeaves(pt, memory.enter(table), 1);
  yield* unlock(pt);
  return 0;
}

function* unmapLarge(domain: IommuDomain, cpu: Cpu, iova: number): Flow<number> {
  const pt = domain.pt;
  const fast = pt.fastPath;
  const low = iova | 0;
  const near = low === iova;
  if (fast === 0 || (low & 511) !== 0 || !(iova >= 0 && (near || iova < FAR_END))) {
    return yield* unmapRange(domain, cpu, iova, 512);
  }
  const memory = pt.memory;
  if (fast === 2) {
    pt.cost.readLocks++;
    yield pt.shared.lock.readLock();
  }
  yield;
  const upper = memory.follow(memory.enter(pt.root), near ? low >>> 27 : indexAt(iova, 3));
  yield;
  let middle = memory.follow(upper, (low >>> 18) & 511);
  if (middle === 0) middle = memory.enter(yield* findTable(pt, cpu.path, iova, 1));
  const at = memory.wordIn(middle, (low >>> 9) & 511);
  yield;
  const lo = memory.lo(at);
  if ((lo & pt.pageSizeLo) === 0 || (lo & pt.presentLo) === 0) return yield* leaveLarge(domain, cpu, iova);
  if (fast === 2) {
    // Counted down first: of several CPUs that clear the last entries, one sees 0 and leaves its entry to the general path.
    pt.cost.countUpdates++;
    yield;
    if (memory.addEntriesAt(middle, -1) === 0) {
      yield;
      memory.addEntriesAt(middle, 1);
      return yield* leaveLarge(domain, cpu, iova);
    }
  }
  yield;
  memory.put(at, 0, 0);
  memory.countAt(middle, -1);
  yield* unlock(pt);
  return yield* flushRun(domain, cpu, iova, 512, 0);
}

function* leaveLarge(domain: IommuDomain, cpu: Cpu, iova: number): Flow<number> {
  yield* unlock(domain.pt);
  return yield* unmapGeneral(domain, cpu, iova, 512, 0);
}
