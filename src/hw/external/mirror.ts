/**
 * A device that has page tables of its own (a GPU), which its driver fills from the CPU's (HMM). The table is as flat as can be: one word a page. An
 * access translates and touches memory in one step; what it does is done when that step is, so an invalidation has nothing to wait for.
 *
 * With a TLB, the word is read in one step and put into the TLB in another, unless an invalidation came in between: then the access begins anew.
 */
import { Cell } from '../../base/cell.ts';
import { ATOMIC, type Flow } from '../../base/flow.ts';
import { UNBUFFERED } from '../../base/words.ts';
import type { World } from '../../base/world.ts';
import { Places } from './places.ts';

export interface MirrorEntry {
  readonly pfn: number;
  readonly writable: boolean;
  /** A frame of the device's own memory. */
  readonly local: boolean;
}

export type MirrorFault = 'not present' | 'not writable';

export interface ExternalMirrorOptions {
  /** All pages that are ever mirrored. */
  readonly pages: readonly number[];
  /** Default: none. */
  readonly tlb?: boolean;
}

export class ExternalMirror {
  readonly name: string;
  private readonly table: ReadonlyMap<number, Cell<MirrorEntry | null>>;
  private readonly tlb: Places<MirrorEntry> | null;

  constructor(world: World, name: string, { pages, tlb = false }: ExternalMirrorOptions) {
    this.name = name;
    const word = (page: number) => new Cell<MirrorEntry | null>(world, `${name} table page ${page}`, null, UNBUFFERED);
    this.table = new Map(pages.map((page) => [page, word(page)]));
    this.tlb = tlb ? new Places<MirrorEntry>(world, `${name} TLB page`, 0, pages) : null;
  }

  /** `perform`: the access to memory, in the step that translates it. */
  *access(page: number, write: boolean, perform: (entry: MirrorEntry) => void): Flow<'done' | MirrorFault> {
    for (;;) {
      yield ATOMIC;
      const place = this.tlb?.look(page);
      if (place?.entry && (!write || place.entry.writable)) {
        perform(place.entry);
        return 'done';
      }
      if (place !== undefined) yield ATOMIC;
      const entry = this.word(page).load();
      if (entry === null) return 'not present';
      if (place !== undefined) {
        yield ATOMIC;
        if (this.tlb?.fill(page, entry, place.drops) === false) continue;
      }
      if (write && !entry.writable) return 'not writable';
      perform(entry);
      return 'done';
    }
  }

  get hasTlb(): boolean {
    return this.tlb !== null;
  }

  /** The driver's store to the table. One access. */
  set(page: number, entry: MirrorEntry | null): void {
    this.word(page).store(entry);
  }

  /** What the table has: one access. */
  entry(page: number): MirrorEntry | null {
    return this.word(page).load();
  }

  /** Pages of [start, end) that it can mirror. */
  pagesIn(start: number, end: number): readonly number[] {
    return [...this.table.keys()].filter((page) => page >= start && page < end);
  }

  /** The TLB drops [start, end). Context: an atomic step. */
  flush(start: number, end: number): void {
    this.tlb?.drop(start, end);
  }

  private word(page: number): Cell<MirrorEntry | null> {
    const found = this.table.get(page);
    if (found === undefined) throw new RangeError(`page ${page} is none that ${this.name} was told of`);
    return found;
  }
}
