/**
 * Stale hits through each kind of cache, under the checker: after the right invalidation no translation that begins then is an old one,
 * in any order of steps; without it, or after another one, some is. Every `holds` is exhaustive.
 */
import { describe, expect, it } from 'vitest';
import { check } from '../../src/check/index.ts';
import { type Choices, descriptorThread, type RecordedUnit } from '../../src/hw/index.ts';
import { type Descriptor, DID, PASID, type Scenario, staleHit } from './support/litmus-machine.ts';

const GLOBAL = 1;
const DOMAIN = 2;
const PAGE = 3;
/** Pages 0 and 1. */
const TWO = { am: 1 };
const LEAF_ONLY = { am: 1, ih: 1 };

const cc = (granularity: number, did = DID): Descriptor => [1 | (granularity << 4) | (did << 16), 0x10, 0, 0];
const pc = (granularity: number, pasid = PASID): Descriptor => [7 | (granularity << 4) | (DID << 16), pasid, 0, 0];
const iotlb = (granularity: number, { am = 0, did = DID, ih = 0, page = 0 } = {}): Descriptor => [
  2 | (granularity << 4) | (did << 16),
  0,
  (page << 12) | (ih << 6) | am,
  0,
];
const eiotlb = (granularity: number, { am = 0, ih = 0, page = 0, pasid = PASID } = {}): Descriptor => [
  6 | (granularity << 4) | (DID << 16),
  pasid,
  (page << 12) | (ih << 6) | am,
  0,
];

const IOTLB: Choices = { contexts: 0, pasids: 0, structures: 0 };
const CONTEXTS: Choices = { iotlb: 0, pasids: 0, structures: 0 };
const PASIDS: Choices = { contexts: 0, iotlb: 0, structures: 0 };
const STRUCTURES: Choices = { contexts: 0, pasids: 0, iotlb: 0 };
const ALL: Choices = {};

type Row = readonly [what: string, verdict: 'holds' | 'violated', Scenario];

function row(
  verdict: 'holds' | 'violated',
  name: string,
  scenario: Omit<Scenario, 'invalidation'>,
  ...invalidation: readonly Descriptor[]
): Row {
  return [name, verdict, { ...scenario, invalidation }];
}

const leaf = { type: 'legacy', change: 'leaf', choices: IOTLB } as const;
const upper = { type: 'legacy', change: 'upper', pages: [0, 1], choices: STRUCTURES } as const;
const context = { type: 'legacy', change: 'context', choices: CONTEXTS } as const;
const scalableContext = { type: 'second', change: 'context', choices: CONTEXTS } as const;
const entry = { type: 'second', change: 'pasid-entry', choices: PASIDS } as const;
const firstLeaf = { type: 'first', change: 'leaf', choices: IOTLB } as const;
const firstUpper = { type: 'first', change: 'upper', pages: [0, 1], choices: STRUCTURES } as const;
const nestedLeaf = { type: 'nested', change: 'leaf', choices: IOTLB } as const;
const nestedBelow = { type: 'nested', change: 'second-leaf', choices: IOTLB } as const;

const ROWS: readonly Row[] = [
  row('violated', 'IOTLB, second stage: nothing', leaf),
  row('holds', 'IOTLB, second stage: global', leaf, iotlb(GLOBAL)),
  row('holds', 'IOTLB, second stage: domain', leaf, iotlb(DOMAIN)),
  row('holds', 'IOTLB, second stage: page', leaf, iotlb(PAGE)),
  row('holds', 'IOTLB, second stage: leaf only', leaf, iotlb(PAGE, LEAF_ONLY)),
  row('violated', 'IOTLB, second stage: another domain', leaf, iotlb(DOMAIN, { did: 6 })),
  row('violated', 'IOTLB, second stage: another page', leaf, iotlb(PAGE, { page: 1 })),
  row('violated', 'IOTLB, second stage: PASID-based', leaf, eiotlb(2)),
  row('violated', 'IOTLB, second stage: context cache', leaf, cc(GLOBAL)),
  row('violated', 'paging structures: nothing', upper),
  row('violated', 'paging structures: leaf only', upper, iotlb(PAGE, LEAF_ONLY)),
  row('holds', 'paging structures: pages', upper, iotlb(PAGE, TWO)),
  row('holds', 'paging structures: domain', upper, iotlb(DOMAIN)),
  row('violated', 'context cache: nothing', context),
  row('holds', 'context cache: global', context, cc(GLOBAL)),
  row('holds', 'context cache: domain', context, cc(DOMAIN)),
  row('holds', 'context cache: device', context, cc(3)),
  row('violated', 'context cache: another domain', context, cc(DOMAIN, 6)),
  row('violated', 'context cache: IOTLB alone', context, iotlb(GLOBAL)),
  row('violated', 'context cache, scalable mode: nothing', scalableContext),
  row('holds', 'context cache, scalable mode: global', scalableContext, cc(GLOBAL)),
  row('violated', 'PASID cache: nothing', entry),
  row('holds', 'PASID cache: global', entry, pc(3)),
  row('holds', 'PASID cache: domain', entry, pc(0)),
  row('holds', 'PASID cache: PASID', entry, pc(1)),
  row('violated', 'PASID cache: another PASID', entry, pc(1, 4)),
  row('violated', 'PASID cache: context cache alone', entry, cc(GLOBAL)),
  row('violated', 'IOTLB, first stage: nothing', firstLeaf),
  row('holds', 'IOTLB, first stage: PASID', firstLeaf, eiotlb(2)),
  row('holds', 'IOTLB, first stage: page of PASID', firstLeaf, eiotlb(PAGE)),
  row('violated', 'IOTLB, first stage: another PASID', firstLeaf, eiotlb(2, { pasid: 4 })),
  row('violated', 'IOTLB, first stage: by domain', firstLeaf, iotlb(DOMAIN)),
  row('holds', 'IOTLB, first stage: global', firstLeaf, iotlb(GLOBAL)),
  row('violated', 'paging structures, first stage: leaf only', firstUpper, eiotlb(PAGE, LEAF_ONLY)),
  row('holds', 'paging structures, first stage: pages', firstUpper, eiotlb(PAGE, TWO)),
  row('violated', 'IOTLB, nested: nothing', nestedLeaf),
  row('holds', 'IOTLB, nested: page of PASID', nestedLeaf, eiotlb(PAGE)),
  row('violated', 'IOTLB, nested over a changed second stage: PASID', nestedBelow, eiotlb(2)),
  row('holds', 'IOTLB, nested over a changed second stage: domain', nestedBelow, iotlb(DOMAIN)),
  row('holds', 'IOTLB, nested over a changed second stage: guest page', nestedBelow, iotlb(PAGE, { page: 0x40 })),
  row('violated', 'all caches, new context: context cache alone', { ...context, choices: ALL }, cc(GLOBAL)),
  row(
    'holds',
    'all caches, new context: context cache, then IOTLB',
    { ...context, choices: ALL },
    cc(GLOBAL),
    iotlb(DOMAIN),
  ),
  row(
    'violated',
    'all caches, new context: IOTLB, then context cache',
    { ...context, choices: ALL, pages: [0, 0, 0] },
    iotlb(DOMAIN),
    cc(GLOBAL),
  ),
  row(
    'holds',
    'all caches, new PASID entry: PASID cache, then IOTLB',
    { ...entry, choices: ALL },
    pc(1),
    iotlb(DOMAIN),
  ),
  row(
    'violated',
    'all caches, new PASID entry: IOTLB, then PASID cache',
    { ...entry, choices: ALL, pages: [0, 0, 0] },
    iotlb(DOMAIN),
    pc(1),
  ),
];

function verdictOf(scenario: Scenario, unit?: typeof descriptorThread): string {
  return check(staleHit(scenario, unit), { maxExecutions: 200_000 }).verdict;
}

describe('a changed entry', () => {
  it.each(ROWS)('%s: %s', (_, verdict, scenario) => {
    expect(verdictOf(scenario)).toBe(verdict);
  });

  it.each(ROWS)('%s: %s, where each descriptor is one step', (_, verdict, scenario) => {
    expect(verdictOf(scenario, descriptorThread)).toBe(verdict);
  });
});

describe('the same, and more that hardware and memory may do', () => {
  it('an entry that is dropped by itself is read again: a new PASID entry may be seen without an invalidation, and an old one too', () => {
    expect(verdictOf({ ...entry, invalidation: [pc(1)], evicts: 'pasids' })).toBe('holds');
    expect(verdictOf({ ...entry, invalidation: [], evicts: 'pasids' })).toBe('violated');
  });

  it('under TSO: the tail passes no descriptor', () => {
    expect(verdictOf({ ...leaf, invalidation: [iotlb(PAGE)], memory: 'tso' })).toBe('holds');
    expect(verdictOf({ ...leaf, invalidation: [], memory: 'tso' })).toBe('violated');
  });

  it('a descriptor that is no good fails the test', () => {
    const result = check(staleHit({ ...leaf, invalidation: [iotlb(0)] }));
    expect(result.message).toContain('the invalidation queue stopped (IQE): descriptor 0 (type 2)');
  });
});

describe('planted bugs', () => {
  const fixed = { ...leaf, invalidation: [iotlb(GLOBAL)] };

  it('a walk that caches what it read before an invalidation is found', () => {
    const plant = ({ state }: RecordedUnit) => {
      // No walk learns of an invalidation.
      state.caches.invalidated = () => {};
    };
    expect(verdictOf({ ...fixed, plant })).toBe('violated');
  });

  it('an invalidation that completes while walks are under way is found', () => {
    const plant = ({ queue }: RecordedUnit) => {
      queue.isCompleted = () => true;
    };
    expect(verdictOf({ ...fixed, plant })).toBe('violated');
  });

  it('an invalidation that drops nothing is found', () => {
    const plant = ({ state }: RecordedUnit) => {
      state.caches.iotlb.dropAll = () => {};
    };
    expect(verdictOf({ ...fixed, plant })).toBe('violated');
  });
});
