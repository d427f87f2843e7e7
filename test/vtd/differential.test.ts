/**
 * The cached model against an oracle that caches nothing and keeps, for each entry, the values that it had and that no invalidation has
 * covered since: an answer is right if some choice among these gives it. The walk is written out anew here.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Choices, NO_PASID, READ, SparseMemory, VtdUnit, WRITE } from '../../src/hw/index.ts';
import { EXTRA_RUNS } from '../support/domain-arbitraries.ts';

const CAP = 0xd2008c222f0606n;
const ECAP = 0xf42n;
const ROOT = 0x1000n;
const CONTEXT = 0x2000n;
type Caches = VtdUnit['state']['caches'];

/** Two sets of tables for each of two devices: top, middle, two leaf tables each. */
const TABLES = 0x10000n;
const PAGES = [0, 1, 3, 512, 513] as const;
const GLOBAL = 1;
const DOMAIN = 2;

type Op =
  | { readonly op: 'access'; readonly device: number; readonly page: number; readonly write: boolean }
  | {
      readonly op: 'entry';
      readonly device: number;
      readonly set: number;
      readonly which: number;
      readonly value: number;
    }
  | { readonly op: 'context'; readonly device: number; readonly set: number; readonly present: boolean }
  | { readonly op: 'cc'; readonly granularity: number; readonly device: number }
  | {
      readonly op: 'iotlb';
      readonly granularity: number;
      readonly device: number;
      readonly page: number;
      readonly am: number;
      readonly leafOnly: boolean;
      readonly byQueue: boolean;
    };

const device = fc.integer({ min: 0, max: 1 });
const granularity = fc.integer({ min: 1, max: 3 });
const page = fc.constantFrom(...PAGES);
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('access' as const), device, page, write: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('entry' as const),
      device,
      set: fc.integer({ min: 0, max: 1 }),
      which: fc.integer({ min: 0, max: 7 }),
      value: fc.integer({ min: 0, max: 7 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('context' as const),
      device,
      set: fc.integer({ min: 0, max: 1 }),
      present: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('cc' as const), granularity, device }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('iotlb' as const),
      granularity,
      device,
      page,
      am: fc.integer({ min: 0, max: 9 }),
      leafOnly: fc.boolean(),
      byQueue: fc.boolean(),
    }),
  },
);

const tableOf = (device: number, set: number, n: number) => TABLES + BigInt(((device * 2 + set) * 4 + n) * 4096);
const sid = (device: number) => 8 + device;
const did = (device: number) => 20 + device;

/** Word of an entry that may change, by number: middle entries 0 and 1, a top entry, and leaves. */
function wordOf(device: number, set: number, which: number): bigint {
  if (which === 0) return tableOf(device, set, 0);
  if (which <= 2) return tableOf(device, set, 1) + BigInt(8 * (which - 1));
  const [at, table] = [
    [0, 2],
    [1, 2],
    [3, 2],
    [0, 3],
    [1, 3],
  ][which - 3] as [number, number];
  return tableOf(device, set, table) + BigInt(8 * at);
}

/** The entry's value: rights in its low bits, or another pointer, or a large page. */
function entryValue(device: number, set: number, which: number, value: number): bigint {
  const rights = BigInt([3, 3, 3, 1, 2, 0, 3, 3][value]!);
  if (which === 0) return tableOf(device, value === 6 ? 1 - set : set, 1) | rights;
  if (which <= 2) {
    if (value === 7) return 0x40000000n | 0x80n | rights;
    return tableOf(device, set, value === 6 ? 4 - which : 1 + which) | rights;
  }
  return (0x100000n + BigInt(which * 16 + value) * 4096n) | rights;
}

/** Values that an entry may still be taken to have, for accesses to a page. */
class Oracle {
  readonly memory: SparseMemory;
  /** By word and page: older values. */
  private readonly older = new Map<string, Set<bigint>>();
  /** By device: older context entries, and those of which only translations may be left, by page. */
  private readonly contexts = [new Set<bigint>(), new Set<bigint>()];
  private readonly left = new Map<string, Set<bigint>>();

  constructor(memory: SparseMemory) {
    this.memory = memory;
  }

  changes(word: bigint, device: number): void {
    const value = this.memory.read(word);
    for (const page of PAGES) add(this.older, `${device} ${page} ${word}`, value);
  }

  changesContext(device: number, value: bigint): void {
    this.contexts[device]!.add(value);
  }

  /** A context-cache invalidation: translations that came from old entries are left. */
  dropContexts(devices: readonly number[]): void {
    for (const device of devices) {
      for (const page of PAGES) for (const value of this.contexts[device]!) add(this.left, `${device} ${page}`, value);
      this.contexts[device]!.clear();
    }
  }

  dropTranslations(devices: readonly number[], from: number, pages: number, leafOnly: boolean): void {
    for (const device of devices) {
      for (const page of PAGES.filter((page) => page >= from && page < from + pages)) {
        // Paging structures of tables that an old context entry led to are left with IH.
        if (!leafOnly) this.left.delete(`${device} ${page}`);
        for (const key of [...this.older.keys()].filter((key) => key.startsWith(`${device} ${page} `))) {
          const word = BigInt(key.split(' ')[2]!);
          if (!leafOnly || isLeaf(word)) this.older.delete(key);
        }
      }
    }
  }

  answers(device: number, page: number, write: boolean): Set<string> {
    const now = this.memory.read(CONTEXT + BigInt(16 * sid(device)));
    const all = [now, ...this.contexts[device]!, ...(this.left.get(`${device} ${page}`) ?? [])];
    const found = new Set<string>();
    for (const context of new Set(all)) {
      if ((context & 1n) === 0n) found.add('fault 2');
      else this.walk(device, page, write, context & ~0xfffn, 2, 3n, found);
    }
    return found;
  }

  private walk(
    device: number,
    page: number,
    write: boolean,
    table: bigint,
    level: number,
    rights: bigint,
    found: Set<string>,
  ) {
    const word = table + BigInt(8 * (Math.floor(page / 512 ** level) % 512));
    const values = new Set([this.memory.read(word), ...(this.older.get(`${device} ${page} ${word}`) ?? [])]);
    for (const value of values) {
      const allowed = rights & value;
      const refused = write ? 'fault 5' : 'fault 6';
      if ((value & 3n) === 0n) found.add(refused);
      else if (level === 0 || (value & 0x80n) !== 0n) {
        const span = 4096n * 512n ** BigInt(level);
        const offset = (BigInt(page) * 4096n) % span;
        const isAllowed = (allowed & (write ? 2n : 1n)) !== 0n;
        found.add(isAllowed ? `0x${((value & 0xfffffffff000n & ~(span - 1n)) + offset).toString(16)}` : refused);
      } else this.walk(device, page, write, value & 0xfffffffff000n, level - 1, allowed, found);
    }
  }
}

function isLeaf(word: bigint): boolean {
  return ((word - TABLES) / 4096n) % 4n >= 2n;
}

function add(map: Map<string, Set<bigint>>, key: string, value: bigint): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, new Set([value]));
  else known.add(value);
}

class Run {
  readonly unit: VtdUnit;
  stale = 0;
  private readonly memory = new SparseMemory([[0n, 0x1000_0000n]]);
  private readonly oracle = new Oracle(this.memory);
  private tail = 0;

  constructor(choices: Choices) {
    const { memory } = this;
    memory.write(ROOT, CONTEXT | 1n);
    for (const device of [0, 1]) {
      for (const set of [0, 1]) {
        for (let which = 0; which < 8; which++) {
          memory.write(wordOf(device, set, which), entryValue(device, set, which, 0));
        }
      }
      memory.write(CONTEXT + BigInt(16 * sid(device)), tableOf(device, 0, 0) | 1n);
      memory.write(CONTEXT + BigInt(16 * sid(device) + 8), (BigInt(did(device)) << 8n) | 1n);
    }
    this.unit = new VtdUnit({ cap: CAP, ecap: ECAP, haw: 48, memory, ...choices });
    this.unit.write(0x20, 8, ROOT);
    this.unit.write(0x18, 4, 0xc0000000n);
    this.unit.write(0x90, 8, 0x8000n);
    this.unit.write(0x18, 4, 0x84000000n);
  }

  /** Null, or what is wrong. */
  do(op: Op): string | null {
    const { memory, oracle, unit } = this;
    switch (op.op) {
      case 'access':
        return this.access(op);
      case 'entry': {
        const word = wordOf(op.device, op.set, op.which);
        oracle.changes(word, op.device);
        memory.write(word, entryValue(op.device, op.set, op.which, op.value));
        return null;
      }
      case 'context': {
        const word = CONTEXT + BigInt(16 * sid(op.device));
        oracle.changesContext(op.device, memory.read(word));
        memory.write(word, op.present ? tableOf(op.device, op.set, 0) | 1n : 0n);
        return null;
      }
      case 'cc': {
        const command =
          (1n << 63n) | (BigInt(op.granularity) << 61n) | (BigInt(sid(op.device)) << 16n) | BigInt(did(op.device));
        unit.write(0x28, 8, command);
        oracle.dropContexts(op.granularity === GLOBAL ? [0, 1] : [op.device]);
        return null;
      }
      case 'iotlb':
        return this.invalidate(op);
    }
  }

  private access({ device, page, write }: Extract<Op, { op: 'access' }>): string | null {
    const { oracle, unit } = this;
    const allowed = oracle.answers(device, page, write);
    const outcome = unit.access(sid(device), NO_PASID, page, write ? WRITE : READ);
    const answer = outcome === 'translated' ? `0x${(unit.walk.pfn * 4096).toString(16)}` : `fault ${unit.reason}`;
    const fresh = new VtdUnit({
      cap: CAP,
      ecap: ECAP,
      haw: 48,
      memory: this.memory,
      contexts: 0,
      iotlb: 0,
      structures: 0,
    });
    fresh.write(0x20, 8, ROOT);
    fresh.write(0x18, 4, 0xc0000000n);
    fresh.access(sid(device), NO_PASID, page, write ? WRITE : READ);
    if (fresh.reason !== unit.reason || (unit.reason === 0 && fresh.walk.pfn !== unit.walk.pfn)) this.stale++;
    return allowed.has(answer) ? null : `device ${device}, page ${page}: ${answer}, allowed ${[...allowed].join(', ')}`;
  }

  private invalidate(op: Extract<Op, { op: 'iotlb' }>): string | null {
    const { memory, oracle, unit } = this;
    const { byQueue, device, granularity, leafOnly } = op;
    const ih = leafOnly ? 64n : 0n;
    const address = (BigInt(op.page) << 12n) | ih | BigInt(op.am);
    if (byQueue) {
      const at = 0x8000n + BigInt(this.tail);
      memory.write(at, 2n | (BigInt(granularity) << 4n) | (BigInt(did(device)) << 16n));
      memory.write(at + 8n, address);
      this.tail = (this.tail + 16) % 4096;
      unit.write(0x88, 8, BigInt(this.tail));
    } else {
      unit.write(0xf0, 8, address);
      unit.write(0xf8, 8, (1n << 63n) | (BigInt(granularity) << 60n) | (BigInt(did(device)) << 32n));
    }
    const pages = 2 ** op.am;
    if (granularity === GLOBAL) oracle.dropTranslations([0, 1], 0, 2 ** 27, false);
    else if (granularity === DOMAIN) oracle.dropTranslations([device], 0, 2 ** 27, false);
    else oracle.dropTranslations([device], op.page - (op.page % pages), pages, leafOnly);
    return null;
  }
}

function firstProblem(choices: Choices, ops: readonly Op[]): { problem: string | null; stale: number } {
  const run = new Run(choices);
  for (const op of ops) {
    const problem = run.do(op);
    if (problem !== null) return { problem, stale: run.stale };
  }
  return { problem: null, stale: run.stale };
}

const CONFIGS: readonly (readonly [string, Choices])[] = [
  ['keep', {}],
  ['without paging-structure caches', { structures: 0 }],
  ['room for two', { contexts: 1, iotlb: 2, structures: 2 }],
  ['IOTLB alone', { contexts: 0, structures: 0 }],
];

it.each(CONFIGS)('an answer is stale only where no invalidation covers it: %s', (_, choices) => {
  let stale = 0;
  const ops = fc.array(op, { minLength: 10, maxLength: 60 });
  fc.assert(
    fc.property(ops, (sequence) => {
      const found = firstProblem(choices, sequence);
      stale += found.stale;
      expect(found.problem).toBeNull();
    }),
    { numRuns: 300 * EXTRA_RUNS },
  );
  expect(stale).toBeGreaterThan(2);
});

const PLANTED = [
  [
    'a page-selective invalidation forgets paging structures',
    (caches: Caches) => (caches.structures.dropWhere = () => {}),
  ],
  ['a page-selective invalidation forgets the IOTLB', (caches: Caches) => (caches.iotlb.dropWhere = () => {})],
  ['an invalidation of a device forgets its context', (caches: Caches) => (caches.contexts.dropWhere = () => {})],
  ['a global invalidation forgets paging structures', (caches: Caches) => (caches.structures.dropAll = () => {})],
] as const;

it.each(PLANTED)('finds a planted bug: %s', (_, plant) => {
  const ops = fc.sample(fc.array(op, { minLength: 30, maxLength: 60 }), { numRuns: 600, seed: 7 });
  const found = ops.some((sequence) => {
    const run = new Run({});
    plant(run.unit.state.caches);
    return sequence.some((one) => run.do(one) !== null);
  });
  expect(found).toBe(true);
});
