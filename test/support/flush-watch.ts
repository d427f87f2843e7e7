/**
 * Watches one domain for the rule that matters to hardware: entry cleared, then flushed, then freed. A walker may hold
 * a pointer to a table until a flush that covers its span, and a translation until a flush that covers its pages.
 */
import type { PageTable } from '../../src/hw/pt/page-table.straight.ts';
import { iovaToPhys, visitTables } from '../../src/hw/pt/walk.straight.ts';
import { type PageRange, span, tableName } from './brute-force.ts';
import { covers, type Span, spanText } from './page-ranges.ts';
import type { WatchedMemory } from './watched-memory.ts';

interface KnownTable {
  readonly key: number;
  /** Flushes since it was unlinked. */
  flushed: Span[] | null;
}

interface Removed {
  readonly range: Span;
  /** Frames of its first and last page before the operation; -1 where that cannot tell. */
  readonly before: readonly [number, number];
  readonly flushed: Span[];
}

/** `order`: freed without a flush. `table`, `pages`: a flush that was too small. `twice`: one frame in two places. */
export interface Fault {
  readonly kind: 'order' | 'table' | 'pages' | 'twice';
  readonly text: string;
}

export class FlushWatch {
  /** Flushes in the order in which they came, since `begin`. */
  flushes: Span[] = [];
  /** What did not keep the rule; empty is good. */
  readonly faults: Fault[] = [];
  readonly #known = new Map<number, KnownTable>();
  readonly #memory: WatchedMemory;
  #pt: PageTable | null = null;
  #removed: Removed[] = [];
  #watching = true;

  constructor(memory: WatchedMemory) {
    this.#memory = memory;
    memory.onFree = (frame) => this.#freed(frame);
  }

  /** To be called by the domain's flushRange hook. */
  flush(pt: PageTable, start: number, end: number): void {
    this.#pt = pt;
    const done = { start, end };
    this.flushes.push(done);
    const linked = this.linked(pt);
    for (const [frame, table] of this.#known) {
      if (!linked.has(frame)) table.flushed = [...(table.flushed ?? []), done];
    }
    // A frame that was made and unlinked within one operation: its span is not known.
    for (const frame of this.#memory.given) {
      if (!linked.has(frame) && !this.#known.has(frame)) this.#known.set(frame, { key: -1, flushed: [done] });
    }
    for (const removed of this.#removed) if (this.#isGone(removed)) removed.flushed.push(done);
  }

  /** Before an operation that is to remove `leaves`; `replaced`: others may stand there afterwards, even the same. */
  begin(pt: PageTable, leaves: readonly PageRange[], replaced: boolean): void {
    this.#pt = pt;
    this.flushes = [];
    this.#removed = leaves.map(({ page, pages }) => ({
      range: { start: page, end: page + pages },
      before: replaced ? [-1, -1] : [iovaToPhys(pt, page), iovaToPhys(pt, page + pages - 1)],
      flushed: [],
    }));
    for (const [frame, key] of this.linked(pt)) {
      if (!this.#known.has(frame)) this.#known.set(frame, { key, flushed: null });
    }
  }

  /** After it, in strict mode: every removed page was flushed after its entry was cleared. */
  removedAreFlushed(): void {
    for (const { range, flushed } of this.#removed) {
      if (!covers(flushed, range)) {
        const since = flushed.map(spanText).join(' ') || 'nothing';
        this.#fault('pages', `pages ${spanText(range)} were unmapped; flushed since: ${since}`);
      }
    }
  }

  /** From here on hardware no longer uses the table. */
  stop(): void {
    this.#watching = false;
  }

  /** Frame and name of each table that a walk from the root can meet. */
  linked(pt: PageTable): Map<number, number> {
    const found = new Map<number, number>();
    visitTables(pt, (frame, level, page) => {
      if (found.has(frame)) this.#fault('twice', `frame ${frame} is in two places`);
      found.set(frame, page * 8 + level);
    });
    return found;
  }

  #fault(kind: Fault['kind'], text: string): void {
    this.faults.push({ kind, text });
  }

  #isGone({ range, before }: Removed): boolean {
    const pt = this.#pt as PageTable;
    const changed = (page: number, was: number) => was === -1 || iovaToPhys(pt, page) !== was;
    return changed(range.start, before[0]) && changed(range.end - 1, before[1]);
  }

  #freed(frame: number): void {
    const table = this.#known.get(frame);
    this.#known.delete(frame);
    // A table that nobody ever saw linked: an allocation that was not used.
    if (!this.#watching || table === undefined) return;
    if (table.flushed === null) {
      this.#fault('order', `${tableName(table.key)} (frame ${frame}) was freed without a flush after its unlinking`);
    } else if (table.key !== -1) {
      const start = Math.floor(table.key / 8);
      const whole = { start, end: start + span((table.key % 8) + 1) };
      if (!covers(table.flushed, whole)) {
        const since = table.flushed.map(spanText).join(' ');
        this.#fault(
          'table',
          `${tableName(table.key)} was freed; of its span ${spanText(whole)} only ${since} was flushed`,
        );
      }
    }
  }
}
