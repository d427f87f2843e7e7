/**
 * Runs a sequence of operations on a domain and on the oracle, and compares all that can be seen: results, translations, the
 * entries bit by bit, the tables alive, the costs, the order of unlinking, flushing and freeing, and what is left at the end.
 * The first difference throws a `Difference` that says at which operation.
 */
import type { PageTableFormat } from '../../src/hw/pt/format.ts';
import { type Cpu, createCpu, type Semantics, tablesAlive } from '../../src/hw/pt/page-table.straight.ts';
import { visitEntries } from '../../src/hw/pt/walk.straight.ts';
import {
  createDomain,
  destroyDomain,
  flushQueueTimer,
  type IommuDomain,
  iommuIovaToPhys,
  iommuMap,
  iommuUnmap,
  settleDomain,
} from '../../src/kernel/iommu/domain.straight.ts';
import type { TableReclaim } from '../../src/kernel/iommu/table-reclaim.straight.ts';
import { BruteForce, ruleOf, tableKey, tableName } from './brute-force.ts';
import { expectedLeaf, expectedTable, word } from './expected-entries.ts';
import { type Fault, FlushWatch } from './flush-watch.ts';
import { hex } from './page-ranges.ts';
import { WatchedMemory } from './watched-memory.ts';

export interface Setup {
  readonly format: PageTableFormat;
  readonly levels: number;
  readonly design: TableReclaim;
  readonly lazy: boolean;
  readonly semantics: Semantics;
  readonly maxLeafLevel: number;
  /** False: without the fast paths of 4 levels. */
  readonly fastPaths?: boolean;
  /** Kinds of faults that the design as posted is known for, each with a test of its own name. */
  readonly tolerated?: readonly Fault['kind'][];
}

/**
 * Faults that are known, each with a test of its own name in src/kernel/iommu/flush-range.test.ts: the thread's patches
 * as posted flush too little.
 */
export function knownFaults(setup: Setup): Fault['kind'][] {
  const posted = setup.design.name === 'refcount-rwlock' || setup.design.name === 'mapcount-rwlock';
  return posted && !setup.lazy ? ['table', 'pages'] : [];
}

export type Op =
  | {
      readonly kind: 'map';
      readonly iova: number;
      readonly paddr: number;
      readonly pages: number;
      readonly prot: number;
    }
  | { readonly kind: 'unmap'; readonly iova: number; readonly pages: number }
  | { readonly kind: 'settle' }
  | { readonly kind: 'timer' };

export class Difference extends Error {
  override readonly name = 'Difference';
}

/** All leaves are looked at after each operation up to this many, at the end always. */
const FEW_LEAVES = 600;
/** Of many leaves, this many are compared bit by bit; encoding is slow. */
const ENCODED_LEAVES = 64;

export class DomainHarness {
  readonly memory: WatchedMemory;
  readonly watch: FlushWatch;
  readonly oracle: BruteForce;
  readonly domain: IommuDomain;
  readonly cpu: Cpu = createCpu();
  readonly #setup: Setup;
  #step = 0;
  #unflushed = false;

  constructor(setup: Setup) {
    this.#setup = setup;
    this.memory = new WatchedMemory({ keepZeroFrames: setup.design.freesEmpty });
    this.watch = new FlushWatch(this.memory);
    this.oracle = new BruteForce({
      levels: setup.levels,
      maxLeafLevel: setup.maxLeafLevel,
      semantics: setup.semantics.name,
      rule: ruleOf(setup.design.name, setup.lazy),
    });
    this.domain = createDomain({
      memory: this.memory,
      format: setup.format,
      levels: setup.levels,
      reclaim: setup.design,
      semantics: setup.semantics,
      lazy: setup.lazy,
      maxLeafLevel: setup.maxLeafLevel,
      fastPaths: setup.fastPaths ?? true,
      flushRange: (pt, start, end) => this.watch.flush(pt, start, end),
    });
  }

  run(op: Op): void {
    this.#step++;
    const text = `operation ${this.#step} (${opText(op)})`;
    const expected = this.#expect(op);
    this.watch.begin(this.domain.pt, this.oracle.removed, op.kind === 'map');
    this.#same(`${text} returns`, this.#perform(op), expected);
    this.#same(`${text} leaves a range on the gather`, this.cpu.gather.end, 0);
    this.#same(`${text} leaves tables on the gather`, this.cpu.gather.tableCount, 0);
    if (op.kind === 'map' || op.kind === 'unmap') {
      this.#probe(text, op.iova, op.pages);
      // In lazy mode an unmap leaves its flush to the queue; what a large page replaces is flushed at once.
      if (!this.#setup.lazy || (op.kind === 'map' && expected === 0)) this.watch.removedAreFlushed();
      else if (this.oracle.removed.length > 0) this.#unflushed = true;
    } else {
      this.#wholeDomainFlushed(text, op.kind);
    }
    this.#compareTables(text, op.kind === 'settle');
    if (this.oracle.leaves.size <= FEW_LEAVES) this.#compareEntries(text);
    this.#noFaults(text);
  }

  /** Settles, compares once more, destroys. */
  finish(): void {
    this.run({ kind: 'settle' });
    this.#compareEntries('at the end');
    this.watch.stop();
    this.#same('destroyDomain returns', destroyDomain(this.domain, this.cpu), 0);
    this.#same('frames in use after destroyDomain', this.memory.framesInUse, 0);
    this.#same('frames given out after destroyDomain', this.memory.given.size, 0);
  }

  #expect(op: Op): number {
    this.oracle.removed = [];
    if (op.kind === 'map') return this.oracle.map(op.iova, op.paddr, op.pages, op.prot);
    if (op.kind === 'unmap') return this.oracle.unmap(op.iova, op.pages);
    return 0;
  }

  #perform(op: Op): number {
    if (op.kind === 'map') return iommuMap(this.domain, this.cpu, op.iova, op.paddr, op.pages, op.prot);
    if (op.kind === 'unmap') return iommuUnmap(this.domain, this.cpu, op.iova, op.pages);
    if (op.kind === 'timer') flushQueueTimer(this.domain);
    else settleDomain(this.domain, this.cpu);
    return 0;
  }

  /** Translations at the ends of a range, around them, and inside. */
  #probe(text: string, iova: number, pages: number): void {
    const limit = this.oracle.pageLimit;
    const inside = [iova, iova + 1, iova + (pages >> 1), iova + pages - 1];
    const around = [iova - 1, iova + pages, iova + pages + 511, (iova ^ 511) >>> 0, 0, limit - 1, limit];
    for (const page of [...inside, ...around]) {
      if (page < 0) continue;
      const expected = page < limit ? this.oracle.translate(page) : -1;
      this.#same(`${text}: page ${hex(page)} translates to`, iommuIovaToPhys(this.domain, page), expected);
    }
  }

  #compareTables(text: string, settled: boolean): void {
    const real = new Set(this.watch.linked(this.domain.pt).values());
    for (const key of this.oracle.tables) {
      if (!real.has(key)) throw new Difference(`${text}: the ${tableName(key)} is gone`);
    }
    const extra = [...real].filter((key) => !this.oracle.tables.has(key));
    const mayPend = this.#setup.design.name === 'lazy-prune' && !settled;
    if (extra.length > 0 && !(mayPend && isOnePath(extra))) {
      throw new Difference(`${text}: not needed and alive: ${extra.map(tableName).join('; ')}`);
    }
    const alive = tablesAlive(this.domain.pt);
    this.#same(`${text}: tables counted as alive`, alive, real.size + this.#queuedTables());
    this.#same(`${text}: frames in use`, this.memory.framesInUse, alive);
  }

  #queuedTables(): number {
    let count = 0;
    for (const tables of this.domain.queue?.tables ?? []) count += tables?.length ?? 0;
    return count;
  }

  #compareEntries(text: string): void {
    const { format } = this.#setup;
    const frames = new Map([...this.watch.linked(this.domain.pt)].map(([frame, key]) => [key, frame]));
    const stride = Math.ceil(this.oracle.leaves.size / ENCODED_LEAVES);
    let leaves = 0;
    visitEntries(this.domain.pt, (level, _index, isLeaf, lo, hi, page) => {
      let expected: bigint;
      if (isLeaf) {
        leaves++;
        const leaf = this.oracle.leaves.get(page);
        if (leaf === undefined || leaf.level !== level) {
          throw new Difference(`${text}: a leaf of level ${level} at ${hex(page)} that should not be there`);
        }
        if (leaves % stride !== 0) return;
        expected = expectedLeaf(format, level, leaf.frame, leaf.prot);
      } else {
        expected = expectedTable(format, frames.get(tableKey(level - 1, page)) ?? -1);
      }
      this.#same(`${text}: entry of level ${level} at ${hex(page)}`, word(lo, hi), expected);
    });
    this.#same(`${text}: leaves`, leaves, this.oracle.leaves.size);
  }

  #wholeDomainFlushed(text: string, kind: 'settle' | 'timer'): void {
    if (!this.#setup.lazy || !this.#unflushed) return;
    const whole = this.watch.flushes.some((flush) => flush.start === 0 && flush.end === this.oracle.pageLimit);
    const queued = this.#queuedTables();
    if (!whole && kind === 'settle') throw new Difference(`${text}: unmaps were queued and the domain was not flushed`);
    this.#same(`${text}: tables that stay queued`, queued, 0);
    this.#unflushed = false;
  }

  #noFaults(text: string): void {
    const tolerated = this.#setup.tolerated ?? [];
    const fault = this.watch.faults.find(({ kind }) => !tolerated.includes(kind));
    if (fault !== undefined) throw new Difference(`${text}: ${fault.text}`);
  }

  #same<T>(what: string, got: T, expected: T): void {
    if (!Object.is(got, expected)) throw new Difference(`${what} ${got}, and should be ${expected}`);
  }
}

/** Whether tables are the ancestors of one leaf table, itself among them: what lazy-prune may leave pending. */
function isOnePath(keys: readonly number[]): boolean {
  const lowest = keys.filter((key) => key % 8 === 0);
  const page = Math.floor((lowest[0] ?? 0) / 8);
  return lowest.length === 1 && keys.every((key) => key === tableKey(key % 8, page));
}

/** @throws Difference */
export function checkSequence(setup: Setup, ops: readonly Op[]): void {
  const harness = new DomainHarness(setup);
  for (const op of ops) harness.run(op);
  harness.finish();
}

export function opText(op: Op): string {
  if (op.kind === 'map') return `map ${hex(op.iova)} to ${hex(op.paddr)}, ${hex(op.pages)} pages, prot ${op.prot}`;
  if (op.kind === 'unmap') return `unmap ${hex(op.iova)}, ${hex(op.pages)} pages`;
  return op.kind;
}
