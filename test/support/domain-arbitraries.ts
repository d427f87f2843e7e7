/** Random operations on a domain, for fast-check: ranges that meet, at boundaries of every level, of all sizes. */
import fc from 'fast-check';
import type { Op } from './domain-harness.ts';

const MIB2 = 512;
const GIB = 512 ** 2;

/** TABLEWALK_RUNS multiplies the number of runs and then draws a new seed, which a failure prints. */
export const EXTRA_RUNS = Number(process.env['TABLEWALK_RUNS'] ?? 1);

export function runs(count: number): { numRuns: number; seed?: number } {
  const seed = process.env['TABLEWALK_SEED'];
  const numRuns = Math.max(1, Math.round(count * EXTRA_RUNS));
  if (seed !== undefined) return { numRuns, seed: Number(seed) };
  return EXTRA_RUNS > 1 ? { numRuns } : { numRuns, seed: 20231221 };
}

/** Places where the radix turns over. */
function anchors(levels: number): number[] {
  const limit = 512 ** levels;
  const below = [0, MIB2, GIB - MIB2, GIB, limit / 2, limit - GIB, limit - MIB2, limit];
  return levels > 3 ? [...below, 512 ** 3 - MIB2, 512 ** 3] : below;
}

const smallStep = fc.constantFrom(0, 0, 0, 1, 2, 255, 510, 511, 512, 513, 1024, 1535);
const smallPages = fc.constantFrom(1, 1, 1, 2, 3, 17, 256, 511, 512, 512, 513, 600, 1024, 1536, 2048);
const largePages = fc.constantFrom(GIB - MIB2, GIB - 1, GIB, GIB, GIB + 1, GIB + MIB2, 2 * GIB, 2 * GIB + 1537);
/** For unmaps, holes cost nothing. */
const hugePages = fc.constantFrom(512 ** 3, 512 ** 3 + 1, 3 * 512 ** 3, 2 ** 40, 2 ** 45);
/** A map may need this many 4 KiB leaves; more only takes time. */
const MANY_LEAVES = 6000;

export interface OpLimits {
  readonly levels: number;
  readonly maxLeafLevel: number;
}

interface Place {
  readonly iova: number;
  readonly pages: number;
}

/** Any range near one of the anchors; now and then one that leaves the address space. */
function place(limits: OpLimits, near: readonly number[], sizes: fc.Arbitrary<number>): fc.Arbitrary<Place> {
  const limit = 512 ** limits.levels;
  return fc
    .record({ anchor: fc.constantFrom(...near), step: smallStep, back: fc.boolean(), pages: sizes, clip: fc.nat(19) })
    .map(({ anchor, step, back, pages, clip }) => {
      const iova = Math.max(0, back ? anchor - step : anchor + step);
      if (clip === 0) return { iova, pages };
      const start = Math.min(iova, limit - 1);
      return { iova: start, pages: Math.min(pages, limit - start) };
    });
}

const mapSizes = fc.oneof(
  { weight: 10, arbitrary: smallPages },
  { weight: 3, arbitrary: largePages },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 3000 }) },
);
const unmapSizes = fc.oneof(
  { weight: 10, arbitrary: smallPages },
  { weight: 2, arbitrary: largePages },
  { weight: 1, arbitrary: hugePages },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 3000 }) },
);
/** How far the frame is off the alignment of the address. */
const frameShift = fc.constantFrom(0, 0, 0, 0, 1, 512, 513);
const permissions = fc.constantFrom(3, 3, 3, 3, 1, 2, 0);

function mapping(limits: OpLimits, near: readonly number[]): fc.Arbitrary<Op & { kind: 'map' }> {
  const parts = {
    at: place(limits, near, mapSizes),
    shift: frameShift,
    base: fc.constantFrom(1, 2, 4),
    prot: permissions,
  };
  return fc.record(parts).map(({ at, shift, base, prot }) => {
    const leafLevel = shift % 512 !== 0 ? 0 : shift === 512 ? Math.min(1, limits.maxLeafLevel) : limits.maxLeafLevel;
    const pages = leafLevel === 0 ? 1 + ((at.pages - 1) % MANY_LEAVES) : at.pages;
    // The last frames of the 52-bit space as well.
    const first = base === 4 ? 2 ** 40 - 4 * GIB : base * GIB;
    return { kind: 'map' as const, iova: at.iova, pages, paddr: first + (at.iova % GIB) + shift, prot };
  });
}

type Item = { readonly op: Op } | { readonly back: { readonly which: number; readonly part: number } };

/**
 * Sequences about one or two places, in which an unmap often takes back exactly what an earlier map entered, or half of it.
 */
export function sequence(limits: OpLimits, maxLength: number): fc.Arbitrary<Op[]> {
  return fc.uniqueArray(fc.constantFrom(...anchors(limits.levels)), { minLength: 1, maxLength: 2 }).chain((near) => {
    const item: fc.Arbitrary<Item> = fc.oneof(
      { weight: 8, arbitrary: mapping(limits, near).map((op) => ({ op })) },
      {
        weight: 6,
        arbitrary: place(limits, near, unmapSizes).map((at) => ({ op: { kind: 'unmap' as const, ...at } })),
      },
      { weight: 6, arbitrary: fc.record({ which: fc.nat(30), part: fc.nat(3) }).map((back) => ({ back })) },
      {
        weight: 1,
        arbitrary: fc.constantFrom({ op: { kind: 'settle' as const } }, { op: { kind: 'timer' as const } }),
      },
    );
    return fc.array(item, { minLength: 1, maxLength, size: 'max' }).map(expand);
  });
}

function expand(items: readonly Item[]): Op[] {
  const ops: Op[] = [];
  const maps: (Op & { kind: 'map' })[] = [];
  for (const item of items) {
    if ('op' in item) {
      ops.push(item.op);
      if (item.op.kind === 'map') maps.push(item.op);
    } else if (maps.length > 0) {
      ops.push(unmapOf(maps[item.back.which % maps.length] as Op & { kind: 'map' }, item.back.part));
    }
  }
  return ops;
}

function unmapOf(map: Op & { kind: 'map' }, part: number): Op {
  const half = Math.ceil(map.pages / 2);
  if (part === 1) return { kind: 'unmap', iova: map.iova, pages: half };
  if (part === 2) return { kind: 'unmap', iova: map.iova + half, pages: Math.max(1, map.pages - half) };
  return { kind: 'unmap', iova: map.iova, pages: map.pages };
}
