/**
 * A cache as a set of places that are all known beforehand, each a shared word of its own: a checker sees no conflict between entries that have
 * nothing to do with each other, and an invalidation is ordered against a walk that has only begun.
 *
 * A place counts what was dropped from it, or could have been: who read memory before that must not put the result there.
 */
import { Cell } from '../../base/cell.ts';
import { UNBUFFERED } from '../../base/words.ts';
import type { World } from '../../base/world.ts';
import { offsetInSpan } from '../pt/format.ts';

/** What a place has, and how often it was dropped. Printed as what it has: 'empty', or the entry. */
export class Place<T> {
  readonly entry: T | null;
  readonly drops: number;

  constructor(entry: T | null, drops: number) {
    this.entry = entry;
    this.drops = drops;
  }

  toJSON(): T | string {
    return this.entry ?? 'empty';
  }
}

export class Places<T> {
  private readonly places = new Map<number, Cell<Place<T>>>();
  private readonly level: number;

  /** Places for what an entry at `level` covers, one for each span in which one of `pages` lies. */
  constructor(world: World, name: string, level: number, pages: readonly number[]) {
    this.level = level;
    for (const page of pages) {
      const first = page - offsetInSpan(page, level);
      if (this.places.has(first)) continue;
      this.places.set(
        first,
        new Cell<Place<T>>(world, `${name} ${pageText(first)}`, new Place<T>(null, 0), UNBUFFERED),
      );
    }
  }

  /** The place of the page. One access. */
  look(page: number): Place<T> {
    return this.at(page).load();
  }

  /** Puts an entry into the place, unless it was dropped since it had this many drops: then false. Context: an atomic step. */
  fill(page: number, entry: T, drops: number): boolean {
    const cell = this.at(page);
    if (cell.load().drops !== drops) return false;
    cell.store(new Place(entry, drops));
    return true;
  }

  /** Drops what covers a page of [page, end). Context: an atomic step. */
  drop(page: number, end: number): void {
    const start = page - offsetInSpan(page, this.level);
    for (const [first, cell] of this.places) {
      if (first >= start && first < end) cell.store(new Place<T>(null, cell.peek().drops + 1));
    }
  }

  private at(page: number): Cell<Place<T>> {
    const found = this.places.get(page - offsetInSpan(page, this.level));
    if (found === undefined) throw new RangeError(`page ${page} is none that the walker was told of`);
    return found;
  }
}

/** Pages far up are read in hexadecimal. */
function pageText(page: number): string {
  return page < 4096 ? String(page) : `0x${page.toString(16)}`;
}
