import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { visitEntries } from '../../hw/pt/walk.straight.ts';
import type { IommuRecord } from '../../trace/index.ts';
import { type Domain, MAX_DOMAINS } from './domains.ts';
import { ReplayEngine } from './engine.ts';

interface Event {
  readonly map: boolean;
  readonly iovaPfn: number;
  readonly pages: number;
  readonly paddrPfn: number;
}

/** Small and large, congruent and not, overlapping often: unmaps cut through large pages and reach over several domains. */
const events = fc.array(
  fc.record({
    map: fc.boolean(),
    iovaPfn: fc.oneof(
      fc.nat(40),
      fc.nat(6).map((block) => block * 256),
    ),
    pages: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(256, 512, 1024, 1300)),
    paddrPfn: fc.oneof(
      fc.nat(40),
      fc.nat(6).map((block) => block * 256),
    ),
  }),
  { minLength: 1, maxLength: 60 },
);

function recordOf(event: Event, line: number): IommuRecord {
  const { map, iovaPfn, pages, paddrPfn } = event;
  const sizes = map ? { paddrPfn, pages, unmappedPages: 0 } : { paddrPfn: 0, pages, unmappedPages: pages };
  return { timestamp: 1 + line / 1000, taskId: line % 2, iovaPfn, ...sizes, line };
}

/** The brute force: per domain, the frame of each live page. */
class Pages {
  readonly domains: Map<number, number>[] = [];
  depth = 0;
  mapsOverLive = 0;

  map({ iovaPfn, pages, paddrPfn }: Event): void {
    const range = Array.from({ length: pages }, (_, i) => iovaPfn + i);
    const free = this.domains.findIndex((domain) => !range.some((page) => domain.has(page)));
    const overlapping = this.domains.some((domain) => range.some((page) => domain.has(page)));
    if (overlapping) this.mapsOverLive++;
    const domain = free < 0 ? new Map<number, number>() : this.domains[free]!;
    if (free < 0) this.domains.push(domain);
    range.forEach((page, i) => {
      domain.set(page, paddrPfn + i);
    });
    const depths = range.map((page) => this.domains.filter((other) => other.has(page)).length);
    this.depth = Math.max(this.depth, ...depths);
  }

  /** Which domain gives up a page that several hold is the engine's choice; that exactly one does is not. */
  unmap({ iovaPfn, pages }: Event, after: readonly Domain[]): void {
    for (let page = iovaPfn; page < iovaPfn + pages; page++) {
      const holders = this.domains.filter((domain) => domain.has(page));
      const left = after.filter(({ live }) => live.overlaps(page, page + 1));
      expect(left.length).toBe(Math.max(0, holders.length - 1));
      this.domains.forEach((domain, id) => {
        if (!after[id]!.live.overlaps(page, page + 1)) domain.delete(page);
      });
    }
  }
}

function leafPages(engine: ReplayEngine, simulation: number, domain: number): [number, number][] {
  const found: [number, number][] = [];
  const { pt } = engine.simulations[simulation]!.domains[domain]!;
  visitEntries(pt, (level, _index, isLeaf, lo, hi, page) => {
    const frame = (lo >>> 12) + (hi & 0xfffff) * 2 ** 20;
    if (isLeaf) for (let i = 0; i < 512 ** level; i++) found.push([page + i, frame + i]);
  });
  return found;
}

function replayBoth(all: readonly Event[]): void {
  const engine = new ReplayEngine();
  const brute = new Pages();
  all.forEach((event, line) => {
    if (event.map) {
      engine.map(recordOf(event, line));
      brute.map(event);
    } else {
      engine.unmap(recordOf(event, line));
      brute.unmap(event, engine.domains.list);
    }
    expect(engine.livePages).toBe(brute.domains.reduce((sum, { size }) => sum + size, 0));
  });
  expect(engine.domains.list).toHaveLength(brute.domains.length);
  expect(engine.domains.depth).toBe(brute.depth);
  expect(engine.domains.mapsOverLive).toBe(brute.mapsOverLive);
  engine.settle(null);
  brute.domains.forEach((pages, id) => {
    const expected = [...pages].sort(([a], [b]) => a - b);
    for (let s = 0; s < engine.simulations.length; s++) expect(leafPages(engine, s, id)).toEqual(expected);
  });
  checkTables(engine, brute);
  engine.destroy();
}

/** What designs that free every emptied table must have: a root a domain, and a table for each span with a live page below it. */
function checkTables(engine: ReplayEngine, brute: Pages): void {
  const needed = brute.domains.map((pages) => {
    const spans = new Set([...pages.keys()].flatMap((page) => [1, 2, 3].map((level) => spanOf(level, page))));
    return 1 + spans.size;
  });
  const smallest = needed.reduce((sum, tables) => sum + tables, 0);
  for (const { mode, design, tables } of engine.simulations) {
    // Leaf tables under a large page are not needed: the brute force does not know the page sizes, so this bounds from above.
    if (design.freesEmpty && mode === 'strict') expect(tables).toBeLessThanOrEqual(smallest);
    expect(tables).toBeGreaterThanOrEqual(brute.domains.length);
  }
  const eager = engine.simulations.filter(({ design, mode }) => design.freesEmpty && mode === 'strict');
  expect(new Set(eager.map(({ tables }) => tables)).size).toBe(1);
}

function spanOf(level: number, page: number): string {
  return `${level}:${Math.floor(page / 512 ** level)}`;
}

describe('domain inference', () => {
  test('keeps every mapping, ends each page once, and every simulated table has exactly the live pages', () => {
    fc.assert(fc.property(events, replayBoth), { numRuns: 40, seed: 20261121 });
  });

  test('stops making domains at a limit and counts the maps beyond it', () => {
    const engine = new ReplayEngine({ designs: [] });
    for (let i = 0; i < MAX_DOMAINS + 5; i++) {
      engine.map(recordOf({ map: true, iovaPfn: 0, pages: 1, paddrPfn: i }, i));
    }
    expect(engine.domains.list).toHaveLength(MAX_DOMAINS);
    expect(engine.domains.depth).toBe(MAX_DOMAINS);
    expect(engine.counts.skipped([])).toMatchObject([{ count: 5, line: MAX_DOMAINS }]);
  });
});
