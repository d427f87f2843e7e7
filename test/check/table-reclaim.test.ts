/**
 * The map and unmap flows of each design, two CPUs interleaved, with the semantics of generic_pt and against an oracle of what is mapped and which
 * tables there are. The litmus tests of table reclaim (test/litmus) are smaller, have a device that walks, and what is known of refcount-rwlock; what
 * is too large here is in `npm run test:full`, and sampled by random schedules (TABLEWALK_RUNS=20 for more).
 */
import { describe, expect, it } from 'vitest';
import { check } from '../../src/check/index.ts';
import { TABLE_RECLAIM } from '../../src/designs/table-reclaim/index.ts';
import type { TableReclaim } from '../../src/kernel/iommu/table-reclaim.ts';
import { EXTRA_RUNS } from '../support/domain-arbitraries.ts';
import type { Op } from '../support/domain-harness.ts';
import { everySchedule, type Options, runOnce, type Scenario } from '../support/interleaved-domain.ts';

const SCHEDULES = 60 * EXTRA_RUNS;
const FULL = process.env['TABLEWALK_FULL'] === '1';
const MINUTES = 60_000;
/** A level 0 table's span, in pages; the tables of pages 0 and T have one parent. */
const T = 512;

function map(iova: number, pages = 1): Op {
  return { kind: 'map', iova, paddr: 0x1000 + iova, pages, prot: 3 };
}

function unmap(iova: number, pages = 1): Op {
  return { kind: 'unmap', iova, pages };
}

function pair(iova: number, pages = 1): Op[] {
  return [map(iova, pages), unmap(iova, pages)];
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'pages of one leaf table', cpus: [pair(0), pair(1)] },
  { name: 'pages of two tables under one parent', cpus: [pair(0), pair(T)] },
  {
    name: 'a table that empties while its neighbour fills',
    cpus: [
      [...pair(0), ...pair(0)],
      [...pair(T), map(T + 1)],
    ],
  },
  {
    name: 'last pages, mapped again at once',
    before: [map(0), map(T)],
    cpus: [
      [unmap(0), map(1)],
      [unmap(T), map(T + 1)],
    ],
  },
  {
    name: 'two subtrees of one upper table',
    before: [map(0), map(T * T)],
    cpus: [
      [unmap(0), ...pair(2)],
      [unmap(T * T), ...pair(T * T)],
    ],
  },
  { name: 'two large pages under one parent', before: [map(0, T), map(T, T)], cpus: [[unmap(0, T)], [unmap(T, T)]] },
  {
    name: 'a large page beside a small one',
    before: [map(0, T), map(T)],
    cpus: [
      [unmap(0, T), ...pair(0, T)],
      [unmap(T), map(T + 3)],
    ],
  },
  {
    name: 'three CPUs under one parent',
    before: [map(0, T), map(T), map(2 * T)],
    cpus: [[unmap(0, T)], [unmap(T)], pair(2 * T + 1)],
  },
];
const CROSSING: Scenario = { name: 'a range over two leaf tables', cpus: [pair(T - 2, 4), pair(2 * T)] };

function designNamed(name: string): TableReclaim {
  const found = TABLE_RECLAIM.find((design) => design.name === name);
  if (found === undefined) throw new Error(`no design ${name}`);
  return found;
}

/** Design and scenario whose schedules are too many for a test of seconds. */
const LARGE = new Set(
  ['mapcount-rwlock', 'per-table-lock', 'lazy-prune'].flatMap((name) => [
    `${name}: pages of one leaf table`,
    `${name}: pages of two tables under one parent`,
    `${name}: a table that empties while its neighbour fills`,
    `${name}: last pages, mapped again at once`,
    `${name}: two subtrees of one upper table`,
    `${name}: a large page beside a small one`,
    `${name}: a range over two leaf tables`,
  ]),
);

function isLarge(name: string, scenario: Scenario): boolean {
  return LARGE.has(`${name}: ${scenario.name}`);
}

/** `holds`, or what is wrong in some schedule. */
function verdictOf(name: string, scenario: Scenario): string {
  const test = everySchedule(designNamed(name), scenario, { levels: 3, lazy: false });
  const result = check(test, { minimise: 0 });
  return result.verdict === 'violated' ? result.message : result.verdict;
}

/** Problems by kind, each with one schedule that shows it. */
function problemsOf(name: string, scenario: Scenario, options: Options, schedules: number): Map<string, string> {
  const design = designNamed(name);
  const found = new Map<string, string>();
  for (let seed = 1; seed <= schedules; seed++) {
    const { problems, schedule } = runOnce(design, scenario, options, seed);
    for (const problem of problems) {
      const kind = problem.replace(/\d+/g, 'N');
      if (!found.has(kind)) found.set(kind, `${problem}; seed ${seed}, schedule ${schedule.join('')}`);
    }
  }
  return found;
}

describe('two CPUs on disjoint IOVAs, every schedule', () => {
  for (const { name } of TABLE_RECLAIM.filter((design) => design.name !== 'refcount-rwlock')) {
    for (const scenario of [...SCENARIOS, CROSSING]) {
      it.runIf(FULL || !isLarge(name, scenario))(
        `lose nothing and break nothing: ${name}, ${scenario.name}`,
        () => expect(verdictOf(name, scenario)).toBe('holds'),
        60 * MINUTES,
      );
    }
  }
});

describe('two CPUs on disjoint IOVAs, some schedules', () => {
  for (const { name } of TABLE_RECLAIM.filter((design) => design.name !== 'refcount-rwlock')) {
    it(
      `lose nothing and break nothing: ${name}, what is large, and 4 levels`,
      () => {
        for (const scenario of [...SCENARIOS, CROSSING]) {
          const levels = isLarge(name, scenario) ? 3 : 4;
          expect(problemsOf(name, scenario, { levels, lazy: false }, SCHEDULES), scenario.name).toEqual(new Map());
        }
      },
      10 * MINUTES,
    );
  }
});

describe('per-table-lock', () => {
  it('looks at the count of a table only while it holds the lock of the table', () => {
    const scenario: Scenario = {
      name: 'last pages of one table',
      before: [map(0), map(1)],
      cpus: [[unmap(0)], [unmap(1)]],
    };
    for (let seed = 1; seed <= 600; seed++) {
      const { lateCounts } = runOnce(designNamed('per-table-lock'), scenario, { levels: 3, lazy: false }, seed);
      expect(lateCounts, `seed ${seed}`).toBe(0);
    }
  });
});
