/**
 * The oracle of the page-table tests: what a domain must translate, return and keep alive, by brute force. It imports
 * nothing from src, so that a mistake there cannot hide here, and prefers the obvious to the fast.
 *
 * State: a map from the first page of each leaf to (level, frame, permissions), from which the translation of every 4 KiB page
 * follows; and the set of tables that must be alive, each named by its level and the first page of its span.
 *
 * Semantics (docs/designs.md):
 * - generic-pt: a map over anything live is refused and leaves what was there; an unmap stops at a hole, removes a whole
 *   large page when the range ends inside it (and returns the larger size), and does nothing when it starts inside one.
 * - replay: the same, but an unmap passes over holes.
 * - dma-pte: a map over a live entry keeps it and succeeds, a large page replaces whatever lies in its slot; an unmap's
 *   size first grows to the span of the entry at which a walk to its first page ends; holes are passed over.
 */

export type OracleSemantics = 'generic-pt' | 'dma-pte' | 'replay';

/**
 * Which tables stay. `never`: all that were ever needed, less what a large page replaced. `covered`: also gone are those whose whole
 * span one unmap covers (generic-pt: and emptied without meeting a hole). `live`: the ancestors of live leaves, exactly.
 */
export type TableRule = 'never' | 'covered' | 'live';

export interface OracleOptions {
  readonly levels: number;
  readonly maxLeafLevel: number;
  readonly semantics: OracleSemantics;
  readonly rule: TableRule;
}

export interface OracleLeaf {
  readonly level: number;
  readonly frame: number;
  readonly prot: number;
}

export interface PageRange {
  readonly page: number;
  readonly pages: number;
}

const EINVAL = -22;
const ERANGE = -34;
const EADDRINUSE = -98;
const LAST_FRAME = 2 ** 40;

/** Pages under one entry of a table at `level`. */
export function span(level: number): number {
  return 512 ** level;
}

/** One number for (level, first page of the table's span). */
export function tableKey(level: number, page: number): number {
  return (page - (page % span(level + 1))) * 8 + level;
}

export function tableName(key: number): string {
  return `level ${key % 8} table of page 0x${Math.floor(key / 8).toString(16)}`;
}

/** The rule by which a design keeps tables; for lazy-prune, what it keeps when nothing is pending, which is all that results may depend on. */
export function ruleOf(design: string, lazy: boolean): TableRule {
  if (design === 'never') return 'never';
  if (design === 'covered-range') return 'covered';
  // Both versions of the patch, repaired or not, act in strict mode only.
  if (design.startsWith('refcount-rwlock') || design.startsWith('mapcount-rwlock')) return lazy ? 'covered' : 'live';
  return 'live';
}

export class BruteForce {
  readonly leaves = new Map<number, OracleLeaf>();
  /** Keys of the tables that must be alive. */
  tables = new Set<number>();
  /** Leaves that the last operation removed, in order. */
  removed: PageRange[] = [];
  readonly pageLimit: number;
  readonly #top: number;
  readonly #options: OracleOptions;

  constructor(options: OracleOptions) {
    this.#options = options;
    this.#top = options.levels - 1;
    this.pageLimit = 512 ** options.levels;
    this.tables.add(tableKey(this.#top, 0));
  }

  /** Frame of one 4 KiB page, or -1. */
  translate(page: number): number {
    const found = this.leafAt(page);
    return found === undefined ? -1 : found.leaf.frame + (page - found.start);
  }

  /** The leaf that maps a page, and its first page. */
  leafAt(page: number): { readonly start: number; readonly leaf: OracleLeaf } | undefined {
    for (let level = 0; level <= 2; level++) {
      const start = page - (page % span(level));
      const leaf = this.leaves.get(start);
      if (leaf !== undefined && leaf.level === level) return { start, leaf };
    }
    return undefined;
  }

  map(iova: number, paddr: number, pages: number, prot: number): number {
    this.removed = [];
    if (pages <= 0 || iova < 0 || paddr < 0) return EINVAL;
    if (iova + pages > this.pageLimit || paddr + pages > LAST_FRAME) return ERANGE;
    if ((prot & 3) === 0) return EINVAL;
    for (let done = 0; done < pages; ) {
      const level = this.bestLevel(iova + done, paddr + done, pages - done);
      if (!this.#enter(iova + done, { level, frame: paddr + done, prot: prot & 3 })) {
        // What was entered is unmapped again, as by any unmap.
        if (done > 0) this.unmap(iova, done);
        return EADDRINUSE;
      }
      done += span(level);
    }
    return 0;
  }

  unmap(iova: number, pages: number): number {
    this.removed = [];
    if (pages <= 0 || iova < 0 || iova + pages > this.pageLimit) return 0;
    const grown = this.#options.semantics === 'dma-pte' ? Math.max(pages, span(this.#walkEnds(iova))) : pages;
    const end = Math.min(iova + grown, this.pageLimit);
    const first = this.leafAt(iova);
    if (first !== undefined && first.start !== iova) return 0;
    let count = 0;
    let at = iova;
    while (at < end) {
      const leaf = this.leaves.get(at);
      if (leaf !== undefined) {
        this.#remove(at, leaf);
        count += span(leaf.level);
        at += span(leaf.level);
      } else if (this.#options.semantics === 'generic-pt') {
        break;
      } else {
        // On to the next entry: nothing can be below one that is not present.
        const step = span(this.#walkEnds(at));
        at += step - (at % step);
      }
    }
    this.#freeTables(iova, Math.min(at, end));
    return this.#options.semantics === 'dma-pte' ? end - iova : count;
  }

  /** The largest page that fits both addresses and what is left. */
  bestLevel(page: number, frame: number, pages: number): number {
    for (let level = Math.min(this.#options.maxLeafLevel, this.#top, 2); level > 0; level--) {
      if (page % span(level) === 0 && frame % span(level) === 0 && pages >= span(level)) return level;
    }
    return 0;
  }

  /** Enters one leaf, or false where generic_pt says EADDRINUSE. */
  #enter(page: number, leaf: OracleLeaf): boolean {
    const above = this.leafAt(page);
    const below = this.leavesWithin(page, span(leaf.level));
    if (this.#options.semantics !== 'dma-pte') {
      if (above !== undefined || below.length > 0) return false;
    } else {
      if (above !== undefined && (above.leaf.level > leaf.level || leaf.level === 0)) return true;
      for (const start of below) this.#remove(start, this.leaves.get(start) as OracleLeaf);
    }
    this.leaves.set(page, leaf);
    for (let level = leaf.level; level <= this.#top; level++) this.tables.add(tableKey(level, page));
    this.#freeBelow(page, leaf.level);
    return true;
  }

  /** First pages of the leaves that start in a range. */
  leavesWithin(page: number, pages: number): number[] {
    if (pages <= this.leaves.size) {
      const found: number[] = [];
      for (let at = page; at < page + pages; at++) if (this.leaves.has(at)) found.push(at);
      return found;
    }
    return [...this.leaves.keys()].filter((start) => start >= page && start < page + pages);
  }

  #remove(start: number, leaf: OracleLeaf): void {
    this.leaves.delete(start);
    const before = this.removed.at(-1);
    if (before !== undefined && before.page + before.pages === start) {
      this.removed[this.removed.length - 1] = { page: before.page, pages: before.pages + span(leaf.level) };
    } else {
      this.removed.push({ page: start, pages: span(leaf.level) });
    }
  }

  /** Level of the entry at which a walk to `page` ends: a leaf, or the first that is not present. */
  #walkEnds(page: number): number {
    const leaf = this.leafAt(page)?.leaf;
    let level = this.#top;
    while (level > 0 && leaf?.level !== level && this.tables.has(tableKey(level - 1, page))) level--;
    return level;
  }

  /** A large page took the place of the tables below its entry. */
  #freeBelow(page: number, leafLevel: number): void {
    if (leafLevel === 0) return;
    for (const key of this.tables) {
      const start = Math.floor(key / 8);
      if (key % 8 < leafLevel && start >= page && start < page + span(leafLevel)) this.tables.delete(key);
    }
  }

  /** After an unmap that worked on [from, to). */
  #freeTables(from: number, to: number): void {
    if (this.#options.rule === 'covered') {
      for (const key of this.tables) {
        const level = key % 8;
        const start = Math.floor(key / 8);
        if (level < this.#top && start >= from && start + span(level + 1) <= to) this.tables.delete(key);
      }
    } else if (this.#options.rule === 'live') {
      this.tables = this.#ancestorsOfLeaves();
    }
  }

  #ancestorsOfLeaves(): Set<number> {
    const tables = new Set([tableKey(this.#top, 0)]);
    for (const [page, leaf] of this.leaves) {
      for (let level = leaf.level; level < this.#top; level++) tables.add(tableKey(level, page));
    }
    return tables;
  }
}
