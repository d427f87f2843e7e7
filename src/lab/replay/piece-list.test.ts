import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leafEntries, leafSpan } from './leaves.ts';
import { type Ended, LiveMappings } from './live-mappings.ts';
import { type Mapping, type Piece, PieceList } from './piece-list.ts';

/** The brute force: the serial of the mapping of each live page. */
type Pages = Map<number, number>;

interface Step {
  readonly map: boolean;
  readonly start: number;
  readonly pages: number;
}

function steps(limit: number, longest: number, maxLength: number): fc.Arbitrary<Step[]> {
  const step = fc.record({ map: fc.boolean(), start: fc.nat(limit - 1), pages: fc.integer({ min: 1, max: longest }) });
  return fc.array(step, { minLength: 1, maxLength });
}

function mappingOf(serial: number, pages: number): Mapping {
  return { taskId: serial % 3, serial, overlaps: serial % 5, pagesLeft: pages, endedBy: -1 };
}

function newEnded(event: number): Ended {
  return { event, pages: 0, mappings: 0, wholeMappings: 0, overlaps: 99 };
}

function range(start: number, pages: number): number[] {
  return Array.from({ length: pages }, (_, i) => start + i);
}

/** Runs of pages that have, or lack, what is asked for: start and end by turns. */
function runs(pages: readonly number[]): number[] {
  return pages.flatMap((page, i) => [
    ...(pages[i - 1] === page - 1 ? [] : [page]),
    ...(pages[i + 1] === page + 1 ? [] : [page + 1]),
  ]);
}

function livePages(live: LiveMappings): [number, number][] {
  return [...live.pieces].flatMap(({ start, end, mapping }) =>
    range(start, end - start).map((page): [number, number] => [page, mapping.serial]),
  );
}

function unmapBoth(live: LiveMappings, pages: Pages, { start, pages: count }: Step, event: number): void {
  const inside = range(start, count).filter((page) => pages.has(page));
  const serials = new Set(inside.map((page) => pages.get(page)!));
  expect(live.holes(start, start + count)).toEqual(runs(range(start, count).filter((page) => !pages.has(page))));
  const fit = live.fit(7, start, start + count, 1);
  expect(fit === null).toBe(inside.length === 0);
  if (fit !== null) {
    expect(fit.whole).toBe(inside.length === count);
    expect(fit.serial).toBe(pages.get(inside[0]!));
    expect(fit.sameTask).toBe(fit.serial % 3 === 1);
  }
  for (const page of inside) pages.delete(page);
  const left = new Set(pages.values());
  const ended = newEnded(event);
  live.remove(start, start + count, ended);
  const whole = [...serials].filter((serial) => !left.has(serial)).length;
  expect(ended).toMatchObject({ pages: inside.length, mappings: serials.size, wholeMappings: whole });
  if (serials.size > 0) expect(ended.overlaps).toBe(Math.min(...[...serials].map((serial) => serial % 5)));
}

function replaySteps(all: readonly Step[]): void {
  const live = new LiveMappings();
  const pages: Pages = new Map();
  all.forEach((step, event) => {
    const { start, pages: count } = step;
    const overlaps = range(start, count).some((page) => pages.has(page));
    expect(live.overlaps(start, start + count)).toBe(overlaps);
    if (!step.map) unmapBoth(live, pages, step, event);
    else if (!overlaps) {
      live.add(start, start + count, 0, mappingOf(event, count));
      for (const page of range(start, count)) pages.set(page, event);
    }
    expect(live.pages).toBe(pages.size);
    expect(live.mappings).toBe(new Set(pages.values()).size);
  });
  expect(livePages(live)).toEqual([...pages].sort(([a], [b]) => a - b));
}

describe('the live mappings of one domain', () => {
  test('are those of a brute-force map of pages after any maps and unmaps', () => {
    fc.assert(fc.property(steps(120, 30, 120), replaySteps), { numRuns: 150, seed: 20261121 });
  });

  test('are those of a brute-force map when they fill many chunks', () => {
    fc.assert(fc.property(steps(20_000, 3, 6000), replaySteps), { numRuns: 3, seed: 7 });
  });

  test('give the boundaries that a range shares with mappings', () => {
    const live = new LiveMappings();
    live.add(10, 20, 0, mappingOf(0, 10));
    live.add(20, 30, 0, mappingOf(1, 10));
    expect(live.fit(0, 10, 30, 0)?.boundaries).toBe(2);
    expect(live.fit(0, 10, 29, 0)?.boundaries).toBe(1);
    expect(live.fit(0, 11, 29, 0)?.boundaries).toBe(0);
    expect(live.fit(0, 5, 35, 0)).toMatchObject({ boundaries: 0, whole: false });
  });

  test('hold a mapping of 2^45 pages as one piece', () => {
    const live = new LiveMappings();
    live.add(0, 2 ** 45, 0, mappingOf(0, 2 ** 45));
    const ended = newEnded(1);
    live.remove(2 ** 44, 2 ** 44 + 1, ended);
    expect(ended).toMatchObject({ pages: 1, mappings: 1, wholeMappings: 0 });
    expect(live.pages).toBe(2 ** 45 - 1);
    expect(live.pieces.length).toBe(2);
  });

  test('are found again while chunks empty from the back', () => {
    const list = new PieceList();
    const piece = (start: number): Piece => {
      return { start, end: start + 1, delta: 0, enteredStart: start, enteredEnd: start + 1, mapping: mappingOf(0, 1) };
    };
    for (let page = 0; page < 3000; page++) list.insert(piece((page * 1009) % 3000));
    expect([...list].map(({ start }) => start)).toEqual(range(0, 3000));
    for (let page = 2999; page >= 0; page--) {
      expect(list.seek(page)?.start).toBe(page);
      expect(list.remove()).toBeUndefined();
      expect(list.next()).toBeUndefined();
    }
    expect(list.length).toBe(0);
  });
});

/** iommu_pgsize as the kernel does it: one leaf after the other. */
function greedyLeaves(start: number, end: number, delta: number): { page: number; span: number }[] {
  const found: { page: number; span: number }[] = [];
  for (let page = start; page < end; page += found.at(-1)!.span) {
    const fits = (span: number): boolean => page % span === 0 && (page + delta) % span === 0 && page + span <= end;
    found.push({ page, span: [2 ** 18, 512, 1].find(fits)! });
  }
  return found;
}

const ranges = fc.record({
  start: fc.oneof(
    fc.nat(2000),
    fc.nat(4).map((block) => block * 512),
    fc.nat(2).map((block) => block * 2 ** 18),
  ),
  pages: fc.oneof(
    fc.integer({ min: 1, max: 3000 }),
    fc.integer({ min: 1, max: 5 }).map((blocks) => blocks * 512),
    fc.constantFrom(2 ** 18 + 700, 4000),
  ),
  delta: fc.oneof(
    fc.nat(1000),
    fc.nat(5).map((block) => block * 512),
    fc.nat(2).map((block) => block * 2 ** 18),
  ),
});

describe('the leaves of a map', () => {
  test('are counted and found as the IOMMU core chooses them', () => {
    fc.assert(
      fc.property(ranges, fc.nat(), ({ start, pages, delta }, pick) => {
        const leaves = greedyLeaves(start, start + pages, delta);
        expect(leafEntries(start, start + pages, delta)).toBe(leaves.length);
        const { page, span } = leaves[pick % leaves.length]!;
        const end = start + pages;
        const piece: Piece = { start, end, delta, enteredStart: start, enteredEnd: end, mapping: mappingOf(0, pages) };
        expect(leafSpan(piece, page)).toBe(span);
        expect(leafSpan(piece, page + (pick % span))).toBe(span);
      }),
      { numRuns: 60, seed: 3 },
    );
  });

  test('are counted without looking at each', () => {
    expect(leafEntries(0, 2 ** 45, 2 ** 18)).toBe(2 ** 27);
    expect(leafEntries(0, 2 ** 45, 1)).toBe(2 ** 45);
  });
});
