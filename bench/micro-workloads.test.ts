import { describe, expect, it } from 'vitest';
import {
  type BenchTable,
  checkedRound,
  mixLeafEntry,
  mixTableEntry,
  pairsFrom,
  planMicro,
  timedRound,
} from './micro-workloads.ts';
import { buildReference, parseReport, runReferenceMicro, runReferenceStress } from './reference.ts';

const SCALE = 256;
const SUPERPAGE_PAGES = 512;
const TABLE_ENTRY = 3;
const READ_WRITE = 3;
const LARGE = 0x80;

/**
 * The specification by brute force: a map from page to frame, with 2 MiB pages in a map of their own. The entries of a
 * radix table follow from the sorted pages: an upper entry appears wherever the page number's prefix changes.
 */
class MapTable implements BenchTable {
  readonly small = new Map<number, number>();
  readonly large = new Map<number, number>();
  pendingFrees = 0;

  reset(): void {
    this.small.clear();
    this.large.clear();
  }

  map(vpn: number, pfn: number, pages: number): number {
    for (let done = 0; done < pages; ) {
      if (this.translate(vpn + done) !== -1) return -1;
      const aligned = (vpn + done) % SUPERPAGE_PAGES === 0 && (pfn + done) % SUPERPAGE_PAGES === 0;
      const isLarge = aligned && pages - done >= SUPERPAGE_PAGES;
      (isLarge ? this.large : this.small).set(vpn + done, pfn + done);
      done += isLarge ? SUPERPAGE_PAGES : 1;
    }
    return 0;
  }

  unmap(vpn: number, pages: number): number {
    this.pendingFrees++;
    let unmapped = 0;
    for (let page = vpn; page < vpn + pages; page++) {
      if (this.small.delete(page)) unmapped++;
      if (this.large.delete(page)) unmapped += SUPERPAGE_PAGES;
    }
    return unmapped;
  }

  translate(vpn: number): number {
    const offset = vpn % SUPERPAGE_PAGES;
    const large = this.large.get(vpn - offset);
    return large === undefined ? (this.small.get(vpn) ?? -1) : large + offset;
  }

  settle(): void {
    this.pendingFrees = 0;
  }

  dumpChecksum(h: number): number {
    const pages = [...this.small.keys(), ...this.large.keys()].sort((a, b) => a - b);
    let previous = -1;
    return pages.reduce((sum, page) => {
      const mixed = this.mixPath(sum, page, previous);
      previous = page;
      return mixed;
    }, h);
  }

  private mixPath(h: number, page: number, previous: number): number {
    const isLarge = this.large.has(page);
    const leafLevel = isLarge ? 1 : 0;
    let mixed = h;
    for (let level = 3; level > leafLevel; level--) {
      const span = 512 ** level;
      if (previous >= 0 && Math.floor(page / span) === Math.floor(previous / span)) continue;
      mixed = mixTableEntry(mixed, level, Math.floor(page / span) % 512, TABLE_ENTRY);
    }
    const entry = BigInt(this.translate(page)) * 4096n + BigInt(isLarge ? READ_WRITE | LARGE : READ_WRITE);
    const index = Math.floor(page / 512 ** leafLevel) % 512;
    return mixLeafEntry(mixed, leafLevel, index, Number(entry & 0xffffffffn), Number(entry >> 32n));
  }
}

/** Planted bug: the last page of every range is forgotten. */
class ForgetfulTable extends MapTable {
  override map(vpn: number, pfn: number, pages: number): number {
    return super.map(vpn, pfn, pages > 1 && pages < SUPERPAGE_PAGES ? pages - 1 : pages);
  }
}

/** Planted bug: every frame is off by one, which no count of failures can see. */
class ShiftedTable extends MapTable {
  override map(vpn: number, pfn: number, pages: number): number {
    return super.map(vpn, pages === 1 ? pfn + 1 : pfn, pages);
  }
}

const reference = buildReference({ zeroTables: false });
const zeroing = buildReference({ zeroTables: true });
const why = reference.ok ? '' : ` (skipped: ${reference.message})`;

describe('the micro workloads', () => {
  it('are eighteen, have names of their own, and run on a correct table without a failure', () => {
    const plan = planMicro(SCALE);
    expect(new Set(plan.map((workload) => workload.name)).size).toBe(18);
    expect(checkedRound(new MapTable(), plan).failures).toBe(0);
  });

  it('give the same checksum and the same yields each time', () => {
    const first = checkedRound(new MapTable(), planMicro(SCALE));
    const second = checkedRound(new MapTable(), planMicro(SCALE));
    expect(second).toEqual(first);
  });

  it('leave the table empty and settled at the end of a round', () => {
    const table = new MapTable();
    checkedRound(table, planMicro(SCALE));
    expect(table.small.size + table.large.size).toBe(0);
    expect(table.pendingFrees).toBe(0);
  });

  it('settle what unmapping left pending before the clock stops', () => {
    const table = new MapTable();
    for (const workload of planMicro(SCALE)) {
      workload.run(table);
      expect(table.pendingFrees, workload.name).toBe(0);
    }
  });

  it('yield on the clock what they yielded when checked, and a time for each', () => {
    const plan = planMicro(SCALE);
    const table = new MapTable();
    const round = timedRound(table, plan, checkedRound(table, plan));
    expect(round.failures).toBe(0);
    expect(round.ns).toHaveLength(18);
    expect(round.ns.every((ns) => ns > 0)).toBe(true);
  });

  it('have the full sizes of the C reference at scale 1', () => {
    const operations = planMicro().map((workload) => workload.operations);
    expect(operations.slice(0, 6)).toEqual([200_000, 200_000, 65_536, 65_536, 65_536, 262_144]);
    expect(operations.slice(6, 12)).toEqual([1_000_000, 262_144, 100_000, 500_000, 1_000_000, 100_000]);
    expect(operations.slice(12)).toEqual([32_768, 1_000_000, 32_768, 1_048_576, 1_048_576, 1_048_576]);
  });

  it('count a table that forgets pages as failing', () => {
    expect(checkedRound(new ForgetfulTable(), planMicro(SCALE)).failures).toBeGreaterThan(0);
  });

  it('tell wrong frames by the checksum although no call fails', () => {
    const plan = planMicro(SCALE);
    const wrong = checkedRound(new ShiftedTable(), plan);
    expect(wrong.failures).toBe(0);
    expect(wrong.checksum).not.toBe(checkedRound(new MapTable(), plan).checksum);
  });

  it('count a timed round that yields other sums as failing', () => {
    const plan = planMicro(SCALE);
    const checked = checkedRound(new MapTable(), plan);
    expect(timedRound(new ShiftedTable(), plan, checked).failures).toBeGreaterThan(0);
  });
});

describe('the C reference', () => {
  it.skipIf(!reference.ok)(`computes the same checksum as the brute-force table at several scales${why}`, () => {
    for (const scale of [97, SCALE, 5000]) {
      const plan = planMicro(scale);
      const report = reference.ok ? runReferenceMicro(reference.value, { rounds: 1, scale }) : reference;
      expect(report).toMatchObject({ ok: true, value: { free: true, tables: 1, failures: 0 } });
      expect(report.ok && report.value.checksum).toBe(checkedRound(new MapTable(), plan).checksum);
      expect(report.ok && report.value.workloads.map((w) => w.name)).toEqual(plan.map((w) => w.name));
    }
  });

  it.skipIf(!zeroing.ok)(`computes the same checksum when it clears the tables that it allocates${why}`, () => {
    const report = zeroing.ok ? runReferenceMicro(zeroing.value, { rounds: 1, scale: SCALE }) : zeroing;
    expect(report).toMatchObject({ ok: true, value: { zeroTables: true } });
    expect(report.ok && report.value.checksum).toBe(checkedRound(new MapTable(), planMicro(SCALE)).checksum);
  });

  it.skipIf(!reference.ok)(`keeps a leaf table for each pair of the stress run unless it frees${why}`, () => {
    const pairs = 1024;
    const stress = (freeing: 'free' | 'never') =>
      reference.ok ? runReferenceStress(reference.value, { freeing, pairs, rounds: 2 }) : reference;
    expect(stress('free')).toMatchObject({ ok: true, value: { tables: 1, peakTables: 4 } });
    // IOVAs 2 MiB to 2 GiB inclusive: 1024 leaf tables, 3 of level 1, 1 of level 2, the root.
    expect(stress('never')).toMatchObject({ ok: true, value: { tables: 1024 + 3 + 1 + 1, free: false } });
  });

  it.skipIf(!reference.ok)(`gives every round of every workload${why}`, () => {
    const report = reference.ok ? runReferenceMicro(reference.value, { rounds: 3, scale: 5000 }) : reference;
    expect(report.ok && report.value.workloads.every((workload) => workload.ns.length === 3)).toBe(true);
  });

  it('is not believed when it prints something else than its report', () => {
    expect(parseReport('')).toBeUndefined();
    expect(parseReport('{"mode":"micro"}')).toBeUndefined();
    expect(parseReport('[1]')).toBeUndefined();
  });

  it('runs its stress pairs in TypeScript too, from page 512 on', () => {
    expect(pairsFrom(new MapTable(), SUPERPAGE_PAGES, 100)).toBe(0);
  });
});
