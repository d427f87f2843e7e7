/**
 * The 18 page-table workloads of bench/reference/page-table.c, against an abstract table. Its head comment defines the
 * sizes, the random sequences, the order of rounds and the checksum; this file must follow it to the bit, so that equal
 * checksums mean equal translations and equal raw entries. What C gives in bytes is in pages here (`vpn` = IOVA >> 12).
 *
 * The loops are small functions that call the table's methods directly: use one class of table per process, so that V8
 * keeps those calls monomorphic. A loop that unmaps ends with `settle()`, inside what is timed: freeing later is not free.
 */

import { assert } from '../src/base/assert.ts';

/** What the workloads need of a page table. All numbers are page numbers or counts of pages. */
export interface BenchTable {
  /** Empty but for its root, whatever was mapped, with frames numbered from 1 again. */
  reset(): void;
  /** 0 when mapped. */
  map(vpn: number, pfn: number, pages: number): number;
  /** How many pages were mapped in the range. */
  unmap(vpn: number, pages: number): number;
  /** The page's frame, or -1. */
  translate(vpn: number): number;
  /** Does what freeing is still pending. */
  settle(): void;
  /** Mixes all raw entries into `h`; see `mixLeafEntry` and `mixTableEntry`. */
  dumpChecksum(h: number): number;
}

export interface Workload {
  readonly name: string;
  /** What a time is divided by. */
  readonly operations: number;
  /** `run` yields the sum of all frames translated to; else the number of calls that failed. */
  readonly translates: boolean;
  readonly resetAfter: boolean;
  readonly run: (table: BenchTable) => number;
}

export interface CheckedRound {
  readonly checksum: number;
  readonly failures: number;
  /** What each workload yielded. */
  readonly yielded: readonly number[];
}

export interface TimedRound {
  /** Nanoseconds an operation, by workload. */
  readonly ns: readonly number[];
  /** Workloads that yielded something else than in the checked round. */
  readonly failures: number;
}

const WINDOW_PAGES = 2 ** 24;
const STRIDE_PAGES = 512;
const RANGE_PAGES = 256;
const SCRAMBLE = 0x5a5a5a;
const PAIR_PFN = 0x12345;
const LOW_PFN = 0x40000;
const SEED = 0x7ab1e5ed;

export function mix(h: number, x: number): number {
  const product = Math.imul(h ^ x, 0x2c1b3c6d);
  return (product ^ (product >>> 15)) >>> 0;
}

/** An entry that points to a table; level 3 is the root's. The dump of that table follows. */
export function mixTableEntry(h: number, level: number, index: number, lo: number): number {
  return mix(mix(mix(h, level), index), lo & 0xfff);
}

export function mixLeafEntry(h: number, level: number, index: number, lo: number, hi: number): number {
  return mix(mix(mix(mix(h, level), index), lo), hi);
}

/** As a 64-bit two's complement number, low word first. */
function mixYielded(h: number, yielded: number): number {
  return mix(mix(h, yielded >>> 0), Math.floor(yielded / 2 ** 32) >>> 0);
}

// ---- sequences ----

type Below = (bound: number) => number;

function sizesAt(scale: number) {
  assert(Number.isInteger(scale) && scale >= 1, () => `scale ${scale}: workloads shrink by a whole number`);
  const scaled = (count: number): number => Math.max(1, Math.floor(count / scale));
  return {
    pairs: scaled(200_000),
    strided: scaled(65_536),
    dense: scaled(262_144),
    translations: scaled(1_000_000),
    live: scaled(100_000),
    churn: scaled(500_000),
    superpages: scaled(32_768),
    ranges: scaled(4096),
  };
}

/** Xorshift32, as in C: base's generator may change, these sequences may not. */
function xorshiftBelow(): Below {
  let x = SEED;
  return (bound) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % bound;
  };
}

function drawUnused(below: Below, used: Uint8Array): number {
  let page = below(WINDOW_PAGES);
  while (used[page] !== 0) page = below(WINDOW_PAGES);
  used[page] = 1;
  return page;
}

function shuffle(list: Int32Array, below: Below): void {
  for (let k = list.length - 1; k > 0; k--) {
    const j = below(k + 1);
    [list[k], list[j]] = [list[j]!, list[k]!];
  }
}

/** Fields are drawn in the order in which they are written here. */
function drawSequences(sizes: ReturnType<typeof sizesAt>) {
  const below = xorshiftBelow();
  const used = new Uint8Array(WINDOW_PAGES);
  const denseOrder = new Int32Array(sizes.translations).map(() => below(sizes.dense));
  const firstPages = new Int32Array(sizes.live).map(() => drawUnused(below, used));
  const lastPages = firstPages.slice();
  const churnIn = new Int32Array(sizes.churn);
  const churnOut = new Int32Array(sizes.churn).map((_, k) => {
    const i = below(sizes.live);
    const out = lastPages[i]!;
    used[out] = 0;
    churnIn[k] = lastPages[i] = drawUnused(below, used);
    return out;
  });
  const liveOrder = new Int32Array(sizes.translations).map(() => lastPages[below(sizes.live)]!);
  shuffle(lastPages, below);
  const superOrder = new Int32Array(sizes.translations).map(() => below(sizes.superpages * STRIDE_PAGES));
  return { denseOrder, firstPages, churnOut, churnIn, liveOrder, lastPages, superOrder };
}

// ---- loops ----

/** Also the stress benchmark: from page 512 on, 8,388,608 pairs end at 16 TiB inclusive. */
export function pairsFrom(table: BenchTable, firstVpn: number, count: number): number {
  let failed = 0;
  let vpn = firstVpn;
  for (let k = 0; k < count; k++, vpn += STRIDE_PAGES) {
    if (table.map(vpn, PAIR_PFN, 1) !== 0) failed++;
    if (table.unmap(vpn, 1) !== 1) failed++;
  }
  table.settle();
  return failed;
}

function translatedPairs(table: BenchTable, count: number): number {
  let sum = 0;
  let vpn = 0;
  for (let k = 0; k < count; k++, vpn += STRIDE_PAGES) {
    table.map(vpn, PAIR_PFN, 1);
    sum += table.translate(vpn);
    table.unmap(vpn, 1);
  }
  table.settle();
  return sum;
}

interface Run {
  readonly count: number;
  readonly stride: number;
  readonly pages: number;
}

function mapRun(table: BenchTable, { count, stride, pages }: Run, firstPfn: number): number {
  let failed = 0;
  let vpn = 0;
  let pfn = firstPfn;
  for (let k = 0; k < count; k++, vpn += stride, pfn += pages) if (table.map(vpn, pfn, pages) !== 0) failed++;
  return failed;
}

function translateRun(table: BenchTable, count: number, stride: number): number {
  let sum = 0;
  let vpn = 0;
  for (let k = 0; k < count; k++, vpn += stride) sum += table.translate(vpn);
  return sum;
}

function unmapRun(table: BenchTable, { count, stride, pages }: Run): number {
  let failed = 0;
  let vpn = 0;
  for (let k = 0; k < count; k++, vpn += stride) if (table.unmap(vpn, pages) !== pages) failed++;
  table.settle();
  return failed;
}

function mapList(table: BenchTable, list: Int32Array): number {
  let failed = 0;
  for (let k = 0; k < list.length; k++) if (table.map(list[k]!, list[k]! ^ SCRAMBLE, 1) !== 0) failed++;
  return failed;
}

function translateList(table: BenchTable, list: Int32Array): number {
  let sum = 0;
  for (let k = 0; k < list.length; k++) sum += table.translate(list[k]!);
  return sum;
}

function unmapList(table: BenchTable, list: Int32Array): number {
  let failed = 0;
  for (let k = 0; k < list.length; k++) if (table.unmap(list[k]!, 1) !== 1) failed++;
  table.settle();
  return failed;
}

function churnList(table: BenchTable, out: Int32Array, into: Int32Array): number {
  let failed = 0;
  for (let k = 0; k < out.length; k++) {
    if (table.unmap(out[k]!, 1) !== 1) failed++;
    if (table.map(into[k]!, into[k]! ^ SCRAMBLE, 1) !== 0) failed++;
  }
  table.settle();
  return failed;
}

// ---- the eighteen ----

/** The workloads in the order in which a round runs them; `scale` divides every count, for tests. */
export function planMicro(scale = 1): readonly Workload[] {
  const { pairs, strided, dense, translations, live, superpages, ranges, churn } = sizesAt(scale);
  const s = drawSequences(sizesAt(scale));
  const sparse: Run = { count: strided, stride: STRIDE_PAGES, pages: 1 };
  const packed: Run = { count: dense, stride: 1, pages: 1 };
  const large: Run = { count: superpages, stride: STRIDE_PAGES, pages: STRIDE_PAGES };
  const range: Run = { count: ranges, stride: RANGE_PAGES, pages: RANGE_PAGES };
  const rangePages = ranges * RANGE_PAGES;
  return [
    changing('stride-2m-pair', pairs, (t) => pairsFrom(t, 0, pairs)),
    { ...translating('stride-2m-translated-pair', pairs, (t) => translatedPairs(t, pairs)), resetAfter: true },
    changing('stride-2m-map', strided, (t) => mapRun(t, sparse, LOW_PFN)),
    translating('stride-2m-translate', strided, (t) => translateRun(t, strided, STRIDE_PAGES)),
    changing('stride-2m-unmap', strided, (t) => unmapRun(t, sparse)),
    changing('dense-4k-map', dense, (t) => mapRun(t, packed, LOW_PFN)),
    translating('dense-4k-translate', translations, (t) => translateList(t, s.denseOrder)),
    changing('dense-4k-unmap', dense, (t) => unmapRun(t, packed)),
    changing('random-4k-map', live, (t) => mapList(t, s.firstPages)),
    changing('random-4k-churn', churn, (t) => churnList(t, s.churnOut, s.churnIn)),
    translating('random-4k-translate', translations, (t) => translateList(t, s.liveOrder)),
    changing('random-4k-unmap', live, (t) => unmapList(t, s.lastPages)),
    changing('super-2m-map', superpages, (t) => mapRun(t, large, 0)),
    translating('super-2m-translate', translations, (t) => translateList(t, s.superOrder)),
    changing('super-2m-unmap', superpages, (t) => unmapRun(t, large)),
    changing('range-1m-map', rangePages, (t) => mapRun(t, range, LOW_PFN)),
    translating('range-1m-translate', rangePages, (t) => translateRun(t, rangePages, 1)),
    changing('range-1m-unmap', rangePages, (t) => unmapRun(t, range)),
  ];
}

function changing(name: string, operations: number, run: Workload['run']): Workload {
  return { name, operations, run, translates: false, resetAfter: false };
}

function translating(name: string, operations: number, run: Workload['run']): Workload {
  return { ...changing(name, operations, run), translates: true };
}

/** One untimed round with a dump after each workload; also the first warm-up. */
export function checkedRound(table: BenchTable, plan: readonly Workload[]): CheckedRound {
  let checksum = 1;
  let failures = 0;
  const yielded: number[] = [];
  table.reset();
  for (const workload of plan) {
    const result = workload.run(table);
    yielded.push(result);
    if (!workload.translates && result !== 0) failures++;
    table.settle();
    checksum = table.dumpChecksum(mixYielded(checksum, result)) >>> 0;
    if (workload.resetAfter) table.reset();
  }
  return { checksum, failures, yielded };
}

/** One round on the clock; `checked` says what it has to yield. After a spawn, run one more first (see reference.ts). */
export function timedRound(table: BenchTable, plan: readonly Workload[], checked: CheckedRound): TimedRound {
  let failures = 0;
  const ns: number[] = [];
  table.reset();
  plan.forEach((workload, i) => {
    const start = performance.now();
    const result = workload.run(table);
    ns.push(((performance.now() - start) * 1e6) / workload.operations);
    if (result !== checked.yielded[i]) failures++;
    if (workload.resetAfter) table.reset();
  });
  return { ns, failures };
}
