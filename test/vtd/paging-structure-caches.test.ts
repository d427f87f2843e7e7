/**
 * Paging-structure caches, level by level: an upper entry is changed, and ANOTHER page below it is accessed, which no IOTLB entry is
 * for. Until the entry is invalidated (IH = 0) the old table is walked. And what is not present is cached in caching mode only.
 */
import { describe, it } from 'vitest';
import { READ, WRITE } from '../../src/hw/vtd/caches.ts';
import { CARRIERS, type Carrier, DOMAIN, GLOBAL, Invalidator, SELECTIVE } from './support/invalidations.ts';
import { Machine, request } from './support/machine.ts';
import { Shape } from './support/shape.ts';
import {
  frameOf,
  indexOf,
  legacyWay,
  PRESENT,
  RW,
  type Step,
  scalableWay,
  Tables,
  WAY,
  type Way,
} from './support/tables.ts';

const shape = new Shape('paging-structure caches');
const DID = 7;
const OTHER = 8;
const { sourceId, pasid: PASID } = WAY;

type Stage = 'legacy' | 'second' | 'first' | 'nested';

/** A page whose way leaves that of the request below the entry of `level`, and what it comes to before and after the change. */
interface Planted {
  readonly machine: Machine;
  readonly way: Way;
  readonly page: number;
  readonly old: number;
  readonly fresh: number;
  /** The entry, and what it is changed to. */
  readonly address: bigint;
  readonly value: bigint;
}

function entryAt(way: Way, structure: 'first' | 'second', level: number): Step {
  return way.steps.find((s) => s.structure === structure && s.purpose === 'request' && s.level === level)!;
}

/** Tables below `table` for one page, down to a leaf. Nested: `guest` gives places for first-stage tables. */
function branch(machine: Machine, table: bigint, top: number, page: number, flags: bigint, to: bigint): void {
  let at = table;
  for (let level = top; level > 0; level--) {
    const address = at + 8n * indexOf(page, level);
    if (machine.word(address) === 0n) machine.put(address, machine.frames() | flags);
    at = frameOf(machine.word(address));
  }
  machine.put(at + 8n * indexOf(page, 0), to | flags);
}

function plant(stage: Stage, levels: number, level: number): Planted {
  const machine = new Machine();
  const stages = { kind: stage === 'legacy' ? 'second' : stage, secondLevels: levels, firstLevels: levels } as const;
  // The second stage of nested tables has four levels.
  const isNested = stage === 'nested';
  const nested = { ...stages, secondLevels: 4, secondLeaf: 0 };
  const way = stage === 'legacy' ? legacyWay(machine, stages) : scalableWay(machine, isNested ? nested : stages);
  const flags = stage === 'first' || isNested ? PRESENT : RW;
  if (isNested) identity(machine, way);
  machine.start(way.root, way.mode);
  const structure = flags === PRESENT ? 'first' : 'second';
  const page = way.page + (indexOf(way.page, level - 1) % 2n === 0n ? 1 : -1) * 512 ** (level - 1);
  const entry = entryAt(way, structure, level);
  const [old, fresh] = [machine.frames(), machine.frames()];
  const below = frameOf(machine.word(entry.address));
  const host = isNested ? machine.word(entryAt(way, 'first', level - 1).pointer!) : below;
  branch(machine, frameOf(host), level - 1, page, flags, old);
  const other = machine.frames();
  branch(machine, other, level - 1, page, flags, fresh);
  return {
    machine,
    way,
    page,
    old: Number(old >> 12n),
    fresh: Number(fresh >> 12n),
    address: entry.address,
    value: other | flags,
  };
}

/** Frames that the tests take from here on are pages of the second stage of the same number. */
function identity(machine: Machine, way: Way): void {
  const table = frameOf(machine.word(way.steps.find(({ structure }) => structure === 'pasid')!.address));
  const tables = new Tables(machine);
  const first = Number(machine.frames(64, 64) >> 12n);
  for (let page = first; page < first + 256; page++) tables.second(0n, table, 4, page, 0, BigInt(page) << 12n, 'table');
}

function asks({ machine, way }: Planted, page: number, expected: number, what: () => string): void {
  machine.access(request({ sourceId, pasid: way.pasid, page }));
  const { reason, walk } = machine.unit;
  shape.equal(reason === 0 ? walk.pfn : -reason, expected, what);
}

type Named = readonly [string, (send: Invalidator, page: number) => boolean];

const SECOND_KEEPS: readonly Named[] = [
  ['IH', (send, page) => send.iotlb(SELECTIVE, DID, { page, leafOnly: true })],
  ['IH, large', (send, page) => send.iotlb(SELECTIVE, DID, { page, mask: 18, leafOnly: true })],
  ['another domain', (send) => send.iotlb(DOMAIN, OTHER)],
  ['page of another domain', (send, page) => send.iotlb(SELECTIVE, OTHER, { page })],
  ['PASID', (send) => send.pasidIotlb(2, DID, PASID)],
  ['page of the PASID', (send, page) => send.pasidIotlb(3, DID, PASID, { page })],
  ['contexts', (send) => send.contexts(GLOBAL, 0)],
  ['PASIDs', (send) => send.pasids(3, 0)],
];

const SECOND_DROPS: readonly Named[] = [
  ['page', (send, page) => send.iotlb(SELECTIVE, DID, { page })],
  ['pages', (send, page) => send.iotlb(SELECTIVE, DID, { page, mask: 9 })],
  ['domain', (send) => send.iotlb(DOMAIN, DID)],
  ['all', (send) => send.iotlb(GLOBAL, 0)],
];

const FIRST_KEEPS: readonly Named[] = [
  ['IH', (send, page) => send.pasidIotlb(3, DID, PASID, { page, leafOnly: true })],
  ['IH, large', (send, page) => send.pasidIotlb(3, DID, PASID, { page, mask: 30, leafOnly: true })],
  ['another PASID', (send) => send.pasidIotlb(2, DID, PASID ^ 1)],
  ['page of another PASID', (send, page) => send.pasidIotlb(3, DID, PASID ^ 1, { page })],
  ['PASID of another domain', (send) => send.pasidIotlb(2, OTHER, PASID)],
  ['page of the second stage', (send, page) => send.iotlb(SELECTIVE, DID, { page })],
  ['another domain', (send) => send.iotlb(DOMAIN, OTHER)],
  ['contexts', (send) => send.contexts(GLOBAL, 0)],
  ['PASIDs', (send) => send.pasids(3, 0)],
];

const FIRST_DROPS: readonly Named[] = [
  ['page', (send, page) => send.pasidIotlb(3, DID, PASID, { page })],
  ['pages', (send, page) => send.pasidIotlb(3, DID, PASID, { page, mask: 9 })],
  ['PASID', (send) => send.pasidIotlb(2, DID, PASID)],
  ['all', (send) => send.iotlb(GLOBAL, 0)],
];

const NESTED_DROPS: readonly Named[] = [...FIRST_DROPS, ['domain', (send) => send.iotlb(DOMAIN, DID)]];

function sweep(stage: Stage, carrier: Carrier, levels: number, level: number): void {
  const isFirst = stage === 'first' || stage === 'nested';
  const drops = stage === 'nested' ? NESTED_DROPS : isFirst ? FIRST_DROPS : SECOND_DROPS;
  const planted = plant(stage, levels, level);
  const { address, fresh, machine, old, page, value, way } = planted;
  const before = machine.word(address);
  const send = new Invalidator(machine, carrier);
  const text = `${stage}, ${carrier}, level ${level} of ${levels}`;
  const fillAndChange = () => {
    machine.put(address, before);
    machine.unit.state.caches.dropAll();
    asks(planted, way.page, way.pfn, () => `${text}: first`);
    machine.put(address, value);
  };
  for (const [name, drop] of drops) {
    fillAndChange();
    asks(planted, page, old, () => `${text}: another page below`);
    for (const [keepName, keep] of isFirst ? FIRST_KEEPS : SECOND_KEEPS) {
      if (keep(send, page)) asks(planted, page, old, () => `${text}: after ${keepName}`);
    }
    if (drop(send, page)) asks(planted, page, fresh, () => `${text}: after ${name}`);
    // An address beside it does as well: the entry is on the way of both.
    fillAndChange();
    if (drop(send, way.page)) asks(planted, page, fresh, () => `${text}: after ${name} beside it`);
  }
}

describe('paging-structure caches', () => {
  for (const carrier of CARRIERS) {
    it(carrier, () => {
      for (const stage of ['legacy', 'second', 'first', 'nested'] as const) {
        for (const levels of stage === 'legacy' || stage === 'second' ? [3, 4, 5] : [4, 5]) {
          for (let level = 1; level < levels; level++) sweep(stage, carrier, levels, level);
        }
      }
    });
  }
});

describe('what is not present', () => {
  /** The reasons of a read and of a write. */
  const reasons = (machine: Machine, way: Way) =>
    [READ, WRITE].map((access) => {
      machine.access(request({ sourceId, pasid: way.pasid, page: way.page, access }));
      return machine.unit.reason;
    });

  const equal = (actual: readonly number[], expected: readonly number[], what: string) =>
    actual.forEach((reason, i) => {
      shape.equal(reason, expected[i]!, () => what);
    });

  it('is cached in caching mode only: a context entry with domain 0', () => {
    for (const CM of [0, 1]) {
      for (const bad of [(word: bigint) => word & ~1n, (word: bigint) => word | 0x10n]) {
        const machine = new Machine({ cap: { CM } });
        const way = legacyWay(machine);
        const { address } = way.steps[1]!;
        const good = machine.word(address);
        machine.put(address, bad(good));
        machine.start(way.root, way.mode);
        const send = new Invalidator(machine, 'register');
        const code = (bad(good) & 1n) === 0n ? 0x02 : 0x0b;
        equal(reasons(machine, way), [code, code], 'before');
        machine.put(address, good);
        const stale = CM === 1 ? [code, code] : [0, 0];
        equal(reasons(machine, way), stale, 'after the change');
        send.contexts(SELECTIVE, DID, sourceId);
        equal(reasons(machine, way), stale, 'domain of the entry');
        send.contexts(SELECTIVE, 0, sourceId ^ 8);
        equal(reasons(machine, way), stale, 'another device');
        send.contexts(SELECTIVE, 0, sourceId);
        equal(reasons(machine, way), [0, 0], 'domain 0');
      }
    }
  });

  it('is cached in caching mode only: paging entries, with the fault that the access is due', () => {
    for (const CM of [0, 1]) {
      for (const stage of ['legacy', 'second', 'first', 'nested second', 'nested first'] as const) {
        for (const level of [0, 1, 2, 3]) {
          const machine = new Machine({ cap: { CM } });
          const kind = stage === 'legacy' ? 'second' : (stage.split(' ')[0] as 'first' | 'second' | 'nested');
          const way = stage === 'legacy' ? legacyWay(machine) : scalableWay(machine, { kind });
          machine.start(way.root, way.mode);
          const isFirst = stage.endsWith('first');
          const { address } = entryAt(way, isFirst ? 'first' : 'second', level);
          const good = machine.word(address);
          machine.put(address, good & ~(isFirst ? 1n : 3n));
          const absent = stage === 'legacy' ? [0x06, 0x05] : isFirst ? [0x71, 0x71] : [0x79, 0x79];
          equal(reasons(machine, way), absent, `${stage} ${level}: before`);
          machine.put(address, good);
          equal(reasons(machine, way), CM === 1 ? absent : [0, 0], `${stage} ${level}: after the change`);
          const send = new Invalidator(machine, 'queue of 256 bits');
          if (isFirst) send.pasidIotlb(3, DID, PASID, { page: way.page });
          else send.iotlb(SELECTIVE, DID, { page: way.gpa === -1 ? way.page : way.gpa });
          equal(reasons(machine, way), [0, 0], `${stage} ${level}: after the invalidation`);
        }
      }
    }
  });

  it('is no lack of a right: that may be added without an invalidation', () => {
    for (const CM of [0, 1]) {
      for (const kind of ['second', 'first', 'nested'] as const) {
        const machine = new Machine({ cap: { CM } });
        const way = scalableWay(machine, { kind });
        machine.start(way.root, way.mode);
        const isFirst = kind === 'first';
        const { address } = entryAt(way, isFirst ? 'first' : 'second', 0);
        const good = machine.word(address);
        machine.put(address, good & ~2n);
        equal(reasons(machine, way), [0, isFirst ? 0x85 : 0x79], `${kind}: before`);
        machine.put(address, good);
        equal(reasons(machine, way), [0, 0], `${kind}: after`);
      }
    }
  });
});
