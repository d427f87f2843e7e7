/** `mapcount-rwlock` with its second look at the count left out, or put where it does not help (L42): for checking. */
import type { Flow } from '../../base/flow.ts';
import { indexAt } from '../../hw/pt/format.ts';
import { gatherTable } from '../../hw/pt/gather.ts';
import type { Cpu, PageTable } from '../../hw/pt/page-table.ts';
import type { TableReclaim } from '../../kernel/iommu/table-reclaim.ts';
import { mapcountRwlock } from './mapcount-rwlock.ts';

/** `look`: where the count is looked at again; `lock`: under which lock the table is unlinked. */
function staleCheck(
  name: string,
  look: 'never' | 'before the lock' | 'under it',
  lock: 'read' | 'write',
): TableReclaim {
  function* childLeft(pt: PageTable, cpu: Cpu, page: number, level: number): Flow<boolean> {
    const child = cpu.path[level]!;
    const parent = cpu.path[level + 1]!;
    yield;
    if (pt.memory.addMapcount(child, 0) !== 0) return false;
    yield pt.shared.lock.readUnlock();
    let isEmpty = true;
    if (look === 'before the lock') {
      yield;
      isEmpty = pt.memory.addMapcount(child, 0) === 0;
    }
    yield lock === 'read' ? pt.shared.lock.readLock() : pt.shared.lock.writeLock();
    if (look === 'under it') {
      yield;
      isEmpty = pt.memory.addMapcount(child, 0) === 0;
    }
    if (isEmpty) {
      yield;
      if (pt.memory.exchangeZero(parent, indexAt(page, level + 1)) !== 0) yield* pt.hooks.entryCleared(pt, parent);
      gatherTable(cpu.gather, child);
      cpu.freedLevel = level + 1;
    }
    yield lock === 'read' ? pt.shared.lock.readUnlock() : pt.shared.lock.writeUnlock();
    yield pt.shared.lock.readLock();
    return isEmpty;
  }
  return { ...mapcountRwlock, name, hooks: { ...mapcountRwlock.hooks, name, childLeft } };
}

/** L42. */
export const STALE_CHECK = {
  never: staleCheck('never looked at again', 'never', 'write'),
  before: staleCheck('looked at again before the lock', 'before the lock', 'write'),
  asReader: staleCheck('looked at again as a reader', 'under it', 'read'),
} as const;
