/** Rights over levels and stages against an oracle of a few lines; flags; nested translation with pages of two sizes. */
import { afterAll, describe, expect, it } from 'vitest';
import { EXECUTE, FULL_UNIT, NO_PASID, READ, type VtdUnit, WRITE } from '../../src/hw/index.ts';
import { type Entry, Tables } from './support/access-tables.ts';

let checks = 0;
afterAll(() => console.info(`vt-d shapes: ${checks} combinations of rights`));

const RID = 0x1283;

/** Paging entries of a table set, the top first. */
function stage(tables: Tables): Entry[] {
  return tables.entries.filter(({ name }) => name.includes('stage'));
}

function pasidEntry(tables: Tables): Entry {
  return tables.entries.find(({ name }) => name === 'PASID table entry')!;
}

describe('second stage', () => {
  it.each(['legacy', 'second'] as const)('%s: what all entries allow', (mode) => {
    for (const size of [0, 1, 2]) {
      for (const write of [false, true]) {
        const tables = new Tables(FULL_UNIT, { mode, levels: 4, size, write });
        const entries = stage(tables);
        for (let all = 0; all < 4 ** entries.length; all++) {
          let rights = 3;
          for (const [i, entry] of entries.entries()) {
            const own = Math.floor(all / 4 ** i) % 4;
            rights &= own;
            tables.setWord(entry, 0, (tables.word(entry, 0) & ~3n) | BigInt(own));
          }
          checks++;
          const allowed = (rights & (write ? 2 : 1)) !== 0;
          const unit = tables.unit();
          expect([all, tables.access(unit)]).toEqual([all, allowed ? 'translated' : 'faulted']);
          if (!allowed) expect(unit.reason).toBe(mode === 'second' ? 0x79 : write ? 5 : 6);
        }
      }
    }
  });
});

/** Whether a first-stage access is allowed, from the bits of all entries together, and the fault if not. */
function oracle(
  { us, rw, xd }: { us: boolean; rw: boolean; xd: boolean },
  { access, privileged }: { access: number; privileged: boolean },
  { smep, wpe }: { smep: boolean; wpe: boolean },
): number {
  if (!privileged && !us) return 0x81;
  if ((access & WRITE) !== 0 && !rw && !(privileged && !wpe)) return 0x85;
  if ((access & EXECUTE) !== 0 && (xd || (privileged && us && smep))) return 0x82;
  return 0;
}

describe('first stage', () => {
  it('U/S, R/W and XD over levels; supervisor and execute requests; WPE, NXE, SMEP', () => {
    const bools = [false, true];
    for (const wpe of bools) {
      for (const smep of bools) {
        const tables = new Tables(FULL_UNIT, { mode: 'first', levels: 4, size: 0, write: false });
        const control = pasidEntry(tables);
        const bits = 1n | 2n | (wpe ? 1n << 4n : 0n) | (1n << 5n) | (smep ? 1n << 6n : 0n);
        tables.setWord(control, 2, tables.word(control, 2) | bits);
        const entries = stage(tables);
        for (let all = 0; all < 8 ** 2; all++) {
          // The top entry and the leaf vary, the two between allow all.
          const own = [all % 8, 7, 7, all >> 3];
          const together = own.reduce((a, b) => a & b, 7);
          entries.forEach((entry, i) => {
            const xd = (own[i]! & 4) === 0 ? 1n << 63n : 0n;
            const low = (tables.word(entry, 0) & ~((1n << 63n) | 6n)) | BigInt((own[i]! & 3) << 1);
            tables.setWord(entry, 0, low | xd);
          });
          const rights = { rw: (together & 1) !== 0, us: (together & 2) !== 0, xd: (together & 4) === 0 };
          for (const access of [READ, WRITE, READ | EXECUTE]) {
            for (const privileged of bools) tryOne(tables, rights, { access, privileged }, { smep, wpe });
          }
        }
      }
    }
  });

  function tryOne(
    tables: Tables,
    rights: Parameters<typeof oracle>[0],
    request: Parameters<typeof oracle>[1],
    control: Parameters<typeof oracle>[2],
  ): void {
    const unit = tables.unit();
    // RID_PRIV is clear: a request says itself that it is a supervisor's. Twice: the second time from the IOTLB.
    for (const time of [1, 2]) {
      checks++;
      unit.access(RID, NO_PASID, tables.page, request.access, request.privileged);
      const what = { time, rights, request, control };
      expect({ what, reason: unit.reason }).toEqual({ what, reason: oracle(rights, request, control) });
    }
  }

  it('sets A in each entry on the way, and D in the leaf of a write alone', () => {
    for (const write of [false, true]) {
      const tables = new Tables(FULL_UNIT, { mode: 'first', levels: 4, size: 0, write });
      for (const entry of stage(tables)) tables.setWord(entry, 0, tables.word(entry, 0) & ~0x60n);
      tables.access(tables.unit());
      const flags = stage(tables).map((entry) => Number((tables.word(entry, 0) >> 5n) & 3n));
      expect(flags).toEqual([1, 1, 1, write ? 3 : 1]);
    }
  });

  it('a write through a translation that was cached clean sets D', () => {
    const tables = new Tables(FULL_UNIT, { mode: 'first', levels: 4, size: 0, write: false });
    const leaf = stage(tables)[3]!;
    tables.setWord(leaf, 0, tables.word(leaf, 0) & ~0x40n);
    const unit = tables.unit();
    tables.access(unit);
    expect((tables.word(leaf, 0) >> 6n) & 1n).toBe(0n);
    unit.access(RID, NO_PASID, tables.page, WRITE);
    expect((tables.word(leaf, 0) >> 6n) & 1n).toBe(1n);
  });
});

describe('nested translation with pages of two sizes', () => {
  const tablesOf = (size: number) => new Tables(FULL_UNIT, { mode: 'nested', levels: 4, size, write: false });

  function invalidatePage(unit: VtdUnit, tables: Tables, page: number): void {
    tables.memory.base.write(0x7000_0000n, 0x36n | (9n << 16n) | (0x4c5n << 32n));
    tables.memory.base.write(0x7000_0008n, BigInt(page) << 12n);
    unit.write(0x90, 8, 0x7000_0000n);
    unit.write(0x18, 4, 0x84000000n);
    unit.write(0x88, 8, 16n);
    unit.write(0x18, 4, 0x80000000n);
  }

  it('a second stage of smaller pages: an address in another part of the first-stage page drops the part that was cached', () => {
    const tables = tablesOf(1);
    tables.splitBelow(tables.target);
    const unit = tables.unit();
    tables.access(unit);
    expect([unit.walk.pfn, unit.walk.size]).toEqual([tables.target, 0]);
    const leaf = stage(tables).at(-1)!;
    tables.setWord(leaf, 0, tables.word(leaf, 0) + (1n << 32n));
    tables.access(unit);
    expect(unit.walk.pfn, 'stale').toBe(tables.target);
    const first = tables.page - (tables.page % 512);
    invalidatePage(unit, tables, first + 512);
    tables.access(unit);
    expect(unit.walk.pfn, 'another first-stage page').toBe(tables.target);
    invalidatePage(unit, tables, first + 300);
    tables.access(unit);
    expect(unit.walk.pfn, 'another address of it').toBe(tables.target + 2 ** 20);
    checks += 3;
  });

  it('an invalidation of another address in the same first-stage page drops what was cached', () => {
    for (const size of [0, 1, 2]) {
      const tables = tablesOf(size);
      const unit = tables.unit();
      tables.access(unit);
      const was = unit.walk.pfn;
      const leaf = stage(tables).at(-1)!;
      tables.setWord(leaf, 0, tables.word(leaf, 0) + (1n << 32n));
      tables.access(unit);
      expect(unit.walk.pfn, 'stale').toBe(was);
      const span = 512 ** size;
      const first = tables.page - (tables.page % span);
      invalidatePage(unit, tables, first + span);
      tables.access(unit);
      expect(unit.walk.pfn, 'another page').toBe(was);
      invalidatePage(unit, tables, first + span - 1);
      tables.access(unit);
      expect(unit.walk.pfn, `another address of the page of size ${size}`).toBe(was + 2 ** 20);
      checks += 3;
    }
  });
});
