/**
 * Domain inference. iommu:map and iommu:unmap name neither device nor domain, and a domain holds a
 * page at most once. So a map over a live page belongs to another domain: it goes to the first one that has its range
 * free, made if need be. An unmap goes to the domain where its range is live. What of that was forced, and what was a
 * choice, is counted; certainty.ts makes words of it.
 */
import { type Ended, type Fit, LiveMappings } from './live-mappings.ts';
import type { Mapping } from './piece-list.ts';

/** More than any machine has at once; a trace that needs more was made up, or lost most of its unmaps. */
export const MAX_DOMAINS = 1024;

/** Pieces up to which the depth of an overlap is worked out. */
const DEPTH_PIECES = 4096;

export interface Domain {
  readonly id: number;
  readonly live: LiveMappings;
  maps: number;
  unmaps: number;
}

/** A part of an unmap: [start, end) goes from one domain. */
export interface UnmapPart {
  readonly domain: number;
  readonly start: number;
  readonly end: number;
}

export class InferredDomains {
  readonly list: Domain[] = [];
  /** Most mappings of one page that were live at once, as far as worked out. */
  depth = 0;
  mapsOverLive = 0;
  /** Maps by the number of domains in which their range was live. */
  readonly mapsByOverlaps: number[] = [];
  #maps = 0;

  /** The domain for a map of [start, end), made if it is new; -1 when all MAX_DOMAINS hold some page of it. */
  place(start: number, end: number, delta: number, taskId: number): number {
    const { free, overlaps } = this.#firstFree(start, end);
    if (free === MAX_DOMAINS) return -1;
    if (free === this.list.length) this.list.push({ id: free, live: new LiveMappings(), maps: 0, unmaps: 0 });
    if (overlaps > 0) this.mapsOverLive++;
    if (overlaps >= this.depth) this.#deepen(start, end, overlaps);
    this.mapsByOverlaps[overlaps] = (this.mapsByOverlaps[overlaps] ?? 0) + 1;
    const mapping: Mapping = { taskId, serial: this.#maps++, overlaps, pagesLeft: end - start, endedBy: -1 };
    const domain = this.list[free]!;
    domain.live.add(start, end, delta, mapping);
    domain.maps++;
    return free;
  }

  /** The domains in which [start, end) is live, best fit first. */
  candidates(start: number, end: number, taskId: number): Fit[] {
    const found: Fit[] = [];
    for (const { id, live } of this.list) {
      const fit = live.fit(id, start, end, taskId);
      if (fit !== null) found.push(fit);
    }
    return found.length > 1 ? found.sort(better) : found;
  }

  /**
   * How an unmap of [start, end) is shared out: all of it to the best candidate, and what is not live there to the next
   * ones, since the kernel says that every page went away.
   */
  parts(start: number, end: number, candidates: readonly Fit[]): UnmapPart[] {
    const best = candidates[0];
    if (best === undefined) return [];
    const parts: UnmapPart[] = [{ domain: best.domain, start, end }];
    if (best.whole || candidates.length === 1) return parts;
    let holes = this.list[best.domain]!.live.holes(start, end);
    for (let i = 1; i < candidates.length && holes.length > 0; i++) {
      const { domain } = candidates[i]!;
      const { live } = this.list[domain]!;
      const left: number[] = [];
      for (let h = 0; h < holes.length; h += 2) {
        if (live.overlaps(holes[h]!, holes[h + 1]!)) parts.push({ domain, start: holes[h]!, end: holes[h + 1]! });
        left.push(...live.holes(holes[h]!, holes[h + 1]!));
      }
      holes = left;
    }
    return parts;
  }

  end(part: UnmapPart, ended: Ended): void {
    this.list[part.domain]!.live.remove(part.start, part.end, ended);
  }

  #firstFree(start: number, end: number): { free: number; overlaps: number } {
    let free = this.list.length;
    let overlaps = 0;
    for (let id = this.list.length - 1; id >= 0; id--) {
      const { live } = this.list[id]!;
      if (live.pages > 0 && live.overlaps(start, end)) overlaps++;
      else free = id;
    }
    return { free, overlaps };
  }

  /** Looks for a page that is live in more domains than any before, the new mapping included. */
  #deepen(start: number, end: number, overlaps: number): void {
    if (overlaps < 2) {
      this.depth = overlaps + 1;
      return;
    }
    let pieces = 0;
    const changes = new Map<number, number>();
    for (const { live } of this.list) {
      for (let piece = live.pieces.seek(start); piece !== undefined && piece.start < end; piece = live.pieces.next()) {
        if (++pieces > DEPTH_PIECES) return;
        changes.set(piece.start, (changes.get(piece.start) ?? 0) + 1);
        changes.set(piece.end, (changes.get(piece.end) ?? 0) - 1);
      }
    }
    this.depth = Math.max(this.depth, 1 + highestSum(changes));
  }
}

function highestSum(changes: ReadonlyMap<number, number>): number {
  let sum = 0;
  let highest = 0;
  for (const [, change] of [...changes].sort(([a], [b]) => a - b)) {
    sum += change;
    highest = Math.max(highest, sum);
  }
  return highest;
}

/** Whole range live, then borders that coincide, then the task that mapped it, then the oldest. */
function better(a: Fit, b: Fit): number {
  return (
    Number(b.whole) - Number(a.whole) ||
    b.boundaries - a.boundaries ||
    Number(b.sameTask) - Number(a.sameTask) ||
    a.serial - b.serial
  );
}
