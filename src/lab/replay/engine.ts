/**
 * Replays map and unmap events, one after the other: infers the domain, does the same to its simulated twins under every
 * design and flush mode, and keeps the books. What goes in are records of the trace layer, what comes out is in
 * `domains`, `simulations`, `counts`, `unmaps` and `buckets`; file.ts makes the result of them.
 *
 * Unmaps take away what the kernel says went away (`unmapped_size`). An unmap without a live page does nothing: the event
 * is also what the roll-back of a failed map leaves, and a trace may begin in the middle.
 */
import { TABLE_RECLAIM } from '../../designs/table-reclaim/index.straight.ts';
import type { TableReclaim } from '../../kernel/iommu/table-reclaim.straight.ts';
import type { IommuRecord } from '../../trace/index.ts';
import { Buckets } from './buckets.ts';
import { UnmapCounts } from './certainty.ts';
import { Clock } from './clock.ts';
import { TraceCounts } from './counts.ts';
import { InferredDomains, MAX_DOMAINS, type UnmapPart } from './domains.ts';
import { leafEntries } from './leaves.ts';
import type { Ended } from './live-mappings.ts';
import { Simulation } from './simulation.ts';
import { FlushTimers } from './timers.ts';

export interface EngineOptions {
  /** Host bytes for the tables of all simulations together; 4 GiB unless told. */
  readonly maxHostBytes?: number;
  /** Levels of the simulated tables: 4 (48 bits) unless told. */
  readonly levels?: 4 | 5;
  readonly designs?: readonly TableReclaim[];
}

/** The input needs more than any trace of a real machine. */
export class ReplayLimit extends Error {
  override readonly name = 'ReplayLimit';
}

/** Leaf entries of one map: 16 GiB in 4 KiB pages, 8 TiB in 2 MiB pages. */
export const MAX_LEAF_ENTRIES = 2 ** 22;
/** Live mappings, and the pieces that unmaps leave of those of one domain: about 1 GiB of host memory. */
const MAX_LIVE = 2 ** 22;
/** Physical addresses have 52 bits. */
const FRAME_LIMIT = 2 ** 40;

export class ReplayEngine {
  readonly domains = new InferredDomains();
  readonly counts = new TraceCounts();
  readonly unmaps = new UnmapCounts();
  readonly clock = new Clock();
  readonly simulations: readonly Simulation[];
  readonly buckets: Buckets;
  livePages = 0;
  livePagesPeak = 0;
  liveMappings = 0;
  liveMappingsPeak = 0;
  largeLeavesSplit = 0;
  readonly levels: number;
  readonly #timers = new FlushTimers();

  constructor({ maxHostBytes = 4 * 2 ** 30, levels = 4, designs = TABLE_RECLAIM }: EngineOptions = {}) {
    this.levels = levels;
    const share = maxHostBytes / (2 * designs.length);
    this.simulations = (['strict', 'lazy'] as const).flatMap((mode) =>
      designs.map((design) => new Simulation({ design, mode, levels, maxHostBytes: share })),
    );
    this.buckets = new Buckets(this.simulations);
  }

  map(record: IommuRecord): void {
    this.counts.map(record);
    this.#tick(record);
    const reason = this.#refusal(record, record.pages) ?? this.#tooLarge(record) ?? this.#enter(record);
    if (reason !== null) this.counts.skip('map', reason, record);
    this.buckets.record(1, 0, this.livePages);
  }

  unmap(record: IommuRecord): void {
    this.counts.unmap(record);
    this.#tick(record);
    const reason = this.#refusal(record, record.unmappedPages);
    if (reason !== null) this.counts.skip('unmap', reason, record);
    else this.#remove(record);
    this.buckets.record(0, 1, this.livePages);
  }

  /** The trace is over: timers up to its last moment run out, nothing stays pending or queued. */
  settle(lastTimestamp: number | null): void {
    if (lastTimestamp !== null && this.clock.timed) this.#goTo(Math.max(this.clock.now, lastTimestamp));
    for (const simulation of this.simulations) simulation.settle();
  }

  destroy(): void {
    for (const simulation of this.simulations) simulation.destroy();
  }

  #tick(record: IommuRecord): void {
    const firstTime = this.clock.tick(record);
    if (firstTime) this.buckets.restart(this.clock.origin);
    this.#goTo(this.clock.now);
  }

  #goTo(now: number): void {
    while (this.#timers.next <= now) {
      this.buckets.advance(this.#timers.next, this.livePages);
      const domain = this.#timers.expire();
      for (const simulation of this.simulations) simulation.flushQueueTimer(domain);
      this.buckets.record(0, 0, this.livePages);
    }
    this.buckets.advance(now, this.livePages);
  }

  #refusal({ iovaPfn }: IommuRecord, pages: number): string | null {
    if (iovaPfn + pages <= 2 ** (9 * this.levels)) return null;
    return `IOVA beyond the ${9 * this.levels + 12} bits of a table of ${this.levels} levels`;
  }

  #tooLarge({ iovaPfn, paddrPfn, pages }: IommuRecord): string | null {
    if (paddrPfn + pages > FRAME_LIMIT) return 'physical address beyond 52 bits';
    if (pages <= MAX_LEAF_ENTRIES || leafEntries(iovaPfn, iovaPfn + pages, paddrPfn - iovaPfn) <= MAX_LEAF_ENTRIES)
      return null;
    return 'mapping too large to replay';
  }

  #enter({ iovaPfn, paddrPfn, pages, taskId }: IommuRecord): string | null {
    const known = this.domains.list.length;
    const domain = this.domains.place(iovaPfn, iovaPfn + pages, paddrPfn - iovaPfn, taskId);
    if (domain < 0) return `map over a live mapping in each of the ${MAX_DOMAINS} domains that are told apart`;
    for (const simulation of this.simulations) {
      if (domain === known) simulation.addDomain();
      simulation.map(domain, iovaPfn, paddrPfn, pages);
    }
    this.livePages += pages;
    this.liveMappings++;
    if (this.livePages > this.livePagesPeak) this.livePagesPeak = this.livePages;
    if (this.liveMappings > this.liveMappingsPeak) this.liveMappingsPeak = this.liveMappings;
    this.#checkLive(this.liveMappings);
    return null;
  }

  #remove({ iovaPfn, unmappedPages, taskId }: IommuRecord): void {
    const end = iovaPfn + unmappedPages;
    const candidates = unmappedPages > 0 ? this.domains.candidates(iovaPfn, end, taskId) : [];
    const best = candidates[0];
    if (best === undefined) {
      this.unmaps.neverMapped++;
      return;
    }
    const parts = candidates.length === 1 ? null : this.domains.parts(iovaPfn, end, candidates);
    const ended: Ended = { event: this.clock.events, pages: 0, mappings: 0, wholeMappings: 0, overlaps: MAX_DOMAINS };
    if (parts === null) this.#removePart({ domain: best.domain, start: iovaPfn, end }, ended);
    else for (const part of parts) this.#removePart(part, ended);
    this.domains.list[best.domain]!.unmaps++;
    this.livePages -= ended.pages;
    this.liveMappings -= ended.wholeMappings;
    this.#countUnmap(ended, unmappedPages, candidates.length, parts?.length ?? 1);
  }

  #removePart(part: UnmapPart, ended: Ended): void {
    const { domain, start, end } = part;
    this.#splitAt(domain, start);
    this.#splitAt(domain, end);
    const before = ended.pages;
    this.domains.end(part, ended);
    const live = ended.pages - before;
    this.#checkLive(this.domains.list[domain]!.live.pieces.length);
    let timerOn = false;
    for (const simulation of this.simulations) {
      simulation.unmap(domain, start, end - start, live);
      timerOn ||= simulation.timerOn(domain);
    }
    if (timerOn && this.clock.seconds) this.#timers.arm(domain, this.clock.now);
  }

  /** @throws ReplayLimit when the live mappings are about to fill the host's memory. */
  #checkLive(count: number): void {
    if (count > MAX_LIVE) throw new ReplayLimit(`more than ${MAX_LIVE} mappings, or pieces of them, are live at once`);
  }

  #splitAt(domain: number, page: number): void {
    const cut = this.domains.list[domain]!.live.splitLeafAt(page);
    if (cut === null) return;
    this.largeLeavesSplit++;
    for (const simulation of this.simulations) simulation.split(domain, cut);
  }

  #countUnmap(ended: Ended, pages: number, candidates: number, parts: number): void {
    const { unmaps } = this;
    if (ended.pages < pages) unmaps.partlyMapped++;
    if (candidates > 1) unmaps.ambiguous++;
    if (parts > 1) unmaps.acrossDomains++;
    if (ended.mappings > 1) unmaps.endingSeveralMaps++;
    if (ended.wholeMappings < ended.mappings) unmaps.endingPartOfAMap++;
    if (candidates === 1 && ended.pages === pages) {
      unmaps.byOverlaps[ended.overlaps] = (unmaps.byOverlaps[ended.overlaps] ?? 0) + 1;
    }
  }
}
