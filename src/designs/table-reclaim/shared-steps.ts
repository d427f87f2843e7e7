/** Steps that several designs take alike: they are not a design. */
// @straight
import type { Flow } from '../../base/flow.ts';
import { mapPages } from '../../hw/pt/map.ts';
import { type Cpu, type PageTable, pushEmptied } from '../../hw/pt/page-table.ts';
import { iovaToPhys } from '../../hw/pt/walk.ts';

/** runSet of a design whose count is a field of its own. */
export function* countRunSet(pt: PageTable, table: number, entries: number): Flow<void> {
  pt.cost.countUpdates++;
  yield;
  pt.memory.addEntries(table, entries);
}

/** runCleared of such a design. */
export function* countRunCleared(pt: PageTable, table: number, entries: number): Flow<void> {
  pt.cost.countUpdates++;
  yield;
  pt.memory.addEntries(table, -entries);
}

/** childLeft of such a design: only remembers an emptied table, since unlinking it needs locks that may not be taken here. */
export function* rememberEmptied(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<boolean> {
  yield;
  if (pt.memory.addEntries(cpu.path[level]!, 0) === 0) {
    pushEmptied(cpu, page, level);
  }
  return false;
}

/** mapPages with the domain's lock held for reading all the way. */
export function* mapPagesReadLocked(
  pt: PageTable,
  cpu: Cpu,
  page: number,
  frame: number,
  level: number,
  count: number,
  prot: number,
): Flow<number> {
  pt.cost.readLocks++;
  yield pt.shared.lock.readLock();
  const status = yield* mapPages(pt, cpu, page, frame, level, count, prot);
  yield pt.shared.lock.readUnlock();
  return status;
}

/** iovaToPhys with the domain's lock held for reading all the way. */
export function* iovaToPhysReadLocked(pt: PageTable, page: number): Flow<number> {
  pt.cost.readLocks++;
  yield pt.shared.lock.readLock();
  const frame = yield* iovaToPhys(pt, page);
  yield pt.shared.lock.readUnlock();
  return frame;
}
