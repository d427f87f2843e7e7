/**
 * The TLB of one logical processor (Intel SDM vol. 3A, 4.10.2): entries found by page number, size and PCID, global ones by any PCID.
 * Each is a shared word of its own, so that a checker sees no conflict between entries that have nothing to do with each other.
 *
 * Besides entries it counts what was invalidated: an invalidation ends an instruction, and so no walk that began before it may
 * end after it. Whoever changes entries reads `flushes`, which those that go through the whole TLB write.
 *
 * Names: RW is R/W, US is U/S. Left out: how many entries fit (an entry goes when it is invalidated, or by `evict`), TLBs for
 * instructions and data apart, entries of 4 KiB for parts of larger pages, VPIDs.
 */

import { Cell } from '../../base/cell.ts';
import { UNBUFFERED } from '../../base/words.ts';
import type { World } from '../../base/world.ts';
import { offsetInSpan, spanPages } from '../pt/format.ts';

/** What a translation needs (4.10.2.2): the frame, the rights of all entries of the walk together, and the leaf's flags. */
export interface TlbEntry {
  /** Frame of the page's first 4 KiB. */
  readonly pfn: number;
  /** 0: 4 KiB, 1: 2 MiB, 2: 1 GiB. */
  readonly level: number;
  readonly RW: boolean;
  readonly US: boolean;
  readonly XD: boolean;
  readonly D: boolean;
  readonly G: boolean;
}

/** What an entry is tagged with: a PCID (0 where CR4.PCIDE is clear), or nothing (4.10.2.4). */
export type TlbTag = number | 'global';

/** A place for an entry, and how often what was in it, or could have been, was invalidated. */
interface Place {
  readonly entry: TlbEntry | null;
  readonly drops: number;
}

/** What a walk or a hit began with. */
export interface Lookup {
  /** The entry that translates the page; null: none. */
  readonly entry: TlbEntry | null;
  readonly pcid: number;
  readonly page: number;
  readonly flushes: number;
  /** By size, and then by tag: the PCID, global. */
  readonly drops: readonly number[];
}

const NOTHING: Place = { entry: null, drops: 0 };
/** Sizes of pages, by level. */
const LEVELS = [0, 1, 2] as const;

export class Tlb {
  private readonly world: World;
  private readonly name: string;
  /** Invalidations of more than one page's entries. */
  private readonly flushes: Cell<number>;
  private readonly places = new Map<string, { readonly tag: TlbTag; readonly cell: Cell<Place> }>();

  /** `name`: of its CPU. */
  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
    this.flushes = new Cell(world, `${name} TLB flushes`, 0, UNBUFFERED);
  }

  /** Looks for all that could translate the page; the smallest page is taken, and the PCID's own. Context: within an atomic step. */
  lookup(pcid: number, page: number): Lookup {
    let entry: TlbEntry | null = null;
    const drops: number[] = [];
    for (const level of LEVELS) {
      for (const tag of [pcid, 'global'] as const) {
        const place = this.place(tag, page, level).load();
        drops.push(place.drops);
        entry ??= place.entry;
      }
    }
    return { entry, pcid, page, flushes: this.flushes.load(), drops };
  }

  /** Whether nothing has been invalidated since that could have been the entry. Context: within an atomic step. */
  isCurrent({ drops, flushes, page, pcid }: Lookup, { G, level }: Pick<TlbEntry, 'G' | 'level'>): boolean {
    if (this.flushes.load() !== flushes) return false;
    const place = this.place(G ? 'global' : pcid, page, level).load();
    return place.drops === drops[2 * level + (G ? 1 : 0)];
  }

  /** Context: within the atomic step of `isCurrent`. */
  fill({ page, pcid }: Lookup, entry: TlbEntry): void {
    const cell = this.place(entry.G ? 'global' : pcid, page, entry.level);
    cell.store({ entry, drops: cell.load().drops });
  }

  /** What translates the page under one of these tags, whatever its size. Context: within an atomic step. */
  drop(page: number, ...tags: readonly TlbTag[]): void {
    this.flushes.load();
    for (const level of LEVELS) {
      for (const tag of tags) {
        const cell = this.place(tag, page, level);
        cell.store({ entry: null, drops: cell.load().drops + 1 });
      }
    }
  }

  /** All entries with a tag that matches. Context: within an atomic step. */
  flush(matches: (tag: TlbTag) => boolean): void {
    this.flushes.add(1);
    for (const { cell, tag } of this.places.values()) {
      // No access where nothing is: fills are ordered against this by `flushes`.
      const { drops, entry } = cell.peek();
      if (entry !== null && matches(tag)) cell.store({ entry: null, drops });
    }
  }

  /** Hardware needs the room: may happen to any entry at any time (4.10.2.2). Nothing is invalidated. Context: within an atomic step. */
  evict(page: number, level: number, tag: TlbTag): void {
    this.flushes.load();
    const cell = this.place(tag, page, level);
    const { drops, entry } = cell.load();
    if (entry !== null) cell.store({ entry: null, drops });
  }

  /** The entry that would translate the page, for properties: not an access. */
  peek(pcid: number, page: number): TlbEntry | null {
    for (const level of LEVELS) {
      for (const tag of [pcid, 'global'] as const) {
        const { entry } = this.place(tag, page, level).peek();
        if (entry !== null) return entry;
      }
    }
    return null;
  }

  private place(tag: TlbTag, page: number, level: number): Cell<Place> {
    const first = page - offsetInSpan(page, level);
    const key = `${this.name} TLB ${tag === 'global' ? 'global' : `PCID ${tag}`} page ${first}+${spanPages(level)}`;
    let known = this.places.get(key);
    if (known === undefined) {
      // Whoever looks first makes it.
      known = { tag, cell: this.world.lazily(() => new Cell(this.world, key, NOTHING, UNBUFFERED)) };
      this.places.set(key, known);
    }
    return known.cell;
  }
}
