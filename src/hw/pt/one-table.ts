/**
 * The fast paths: a run of 4 KiB leaves within one leaf table, which is nearly all that drivers do. For map after
 * __do_map_single_page of linux 6.19 generic_pt/iommu_pt.h, extended to a run and to installing what is missing; unmap
 * has no such path in the kernel, where the compiler unrolls the recursion instead. Accesses and their order are those
 * of the general paths (map.ts, unmap.ts), which take over for everything else.
 *
 * The functions are as small as they can be and say little, since V8 inlines by size: the same code in one piece with
 * the general path takes two to three times as long (bench/README.md).
 */
// @straight
import type { Flow } from '../../base/flow.ts';
import { addressHi, addressLo, PER_LEVEL_3, tablePfn } from './format.ts';
import { newTable } from './new-table.ts';
import { type Cpu, EADDRINUSE, ENOMEM, type PageTable, STOPPED_AT_HOLE } from './page-table.ts';

/** The walk met something that the general path must look at. */
const TAKE_GENERAL_PATH = -1;

/**
 * Enters leaves [page, page + run) of one leaf table. False: nothing was entered, the general path has to decide.
 * Otherwise as mapPages, with the result in `cpu.status` and `cpu.mapped`.
 */
export function* mapInOneTable(
  pt: PageTable,
  cpu: Cpu,
  page: number,
  frame: number,
  run: number,
  prot: number,
): Flow<boolean> {
  const memory = pt.memory;
  const presentLo = pt.format.presentLo;
  const table = yield* leafTableFor(pt, page);
  if (table <= 0) {
    cpu.status = ENOMEM;
    return table === 0;
  }
  const leafLo = pt.format.leafLo[prot]!;
  const first = page & 511;
  let done = 0;
  cpu.status = 0;
  for (; done < run; done++) {
    yield;
    if ((memory.lo(memory.locate(table, first + done)) & presentLo) !== 0) {
      cpu.status = EADDRINUSE;
      break;
    }
    yield;
    memory.fill(table, first + done, addressLo(frame + done) | leafLo, addressHi(frame + done));
    if (pt.hooks.uses.entries) yield* pt.hooks.entrySet(pt, table);
  }
  cpu.mapped = done;
  pt.cost.leaves4K += done;
  if (pt.hooks.uses.runs && done > 0) yield* pt.hooks.runSet(pt, table, done);
  return true;
}

/** The leaf table on the path of `page`, made if missing; 0 without memory, TAKE_GENERAL_PATH at a large page. */
function* leafTableFor(pt: PageTable, page: number): Flow<number> {
  const memory = pt.memory;
  const presentLo = pt.format.presentLo;
  let table = pt.root;
  for (let level = pt.top; level > 0; level--) {
    const index = (level < 3 ? page >>> (9 * level) : (page * PER_LEVEL_3) >>> (9 * (level - 3))) & 511;
    yield;
    const word = memory.locate(table, index);
    const lo = memory.lo(word);
    if ((lo & presentLo) === 0) {
      table = yield* newTable(pt, table, index);
      if (table === 0) return 0;
    } else if ((lo & pt.format.pageSizeLo) !== 0) {
      return TAKE_GENERAL_PATH;
    } else {
      table = tablePfn(lo, memory.hi(word));
    }
  }
  return table;
}

/**
 * Clears leaves [page, page + run) of one leaf table. Returns pages removed, or -1: nothing was done, the general path has
 * to decide. `cpu.path` has the tables of the walk.
 */
export function* unmapInOneTable(pt: PageTable, cpu: Cpu, page: number, run: number): Flow<number> {
  const memory = pt.memory;
  const presentLo = pt.format.presentLo;
  const table = yield* findLeafTable(pt, cpu, page);
  if (table < 0) return TAKE_GENERAL_PATH;
  const end = (page & 511) + run;
  let done = 0;
  cpu.status = 0;
  for (let at = page & 511; at < end; at++) {
    yield;
    if ((memory.lo(memory.locate(table, at)) & presentLo) === 0) {
      if (pt.semantics.skipHoles) continue;
      cpu.status = STOPPED_AT_HOLE;
      break;
    }
    yield;
    memory.clear(table, at);
    if (pt.hooks.uses.entries) yield* pt.hooks.entryCleared(pt, table);
    done++;
  }
  if (pt.hooks.uses.runs && done > 0) yield* pt.hooks.runCleared(pt, table, done);
  return done;
}

/** The leaf table on the path of `page`, or TAKE_GENERAL_PATH at a hole or a large page. */
function* findLeafTable(pt: PageTable, cpu: Cpu, page: number): Flow<number> {
  const memory = pt.memory;
  const presentLo = pt.format.presentLo;
  let table = pt.root;
  let level = pt.top;
  cpu.path[level] = table;
  for (; level > 0; level--) {
    const index = (level < 3 ? page >>> (9 * level) : (page * PER_LEVEL_3) >>> (9 * (level - 3))) & 511;
    yield;
    const word = memory.locate(table, index);
    const lo = memory.lo(word);
    if ((lo & presentLo) === 0 || (lo & pt.format.pageSizeLo) !== 0) return TAKE_GENERAL_PATH;
    table = tablePfn(lo, memory.hi(word));
    cpu.path[level - 1] = table;
  }
  return table;
}
