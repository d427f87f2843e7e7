/** The live mappings of one inferred domain: which pages are mapped, by which map event, and what an unmap of a range would end. */
import { leafSpan } from './leaves.ts';
import { type Mapping, type Piece, PieceList } from './piece-list.ts';

/** How well a domain's live mappings fit an unmap of a range. */
export interface Fit {
  domain: number;
  /** Every page of the range is live. */
  whole: boolean;
  /** Ends of the range, 0 to 2, at which a mapping begins or ends. */
  boundaries: number;
  /** The task that unmaps is the one that mapped the first live page. */
  sameTask: boolean;
  /** Serial of the mapping of the first live page. */
  serial: number;
}

/** What one unmap event ended, in one domain or in several. */
export interface Ended {
  /** Number of the event. */
  readonly event: number;
  pages: number;
  /** Mappings that lost a page. */
  mappings: number;
  /** Mappings that lost their last page. */
  wholeMappings: number;
  /** Lowest `overlaps` among the mappings. */
  overlaps: number;
}

/** A large leaf that a cut at `page` would go through. */
export interface LeafCut {
  readonly start: number;
  readonly span: number;
  readonly page: number;
  readonly delta: number;
}

export class LiveMappings {
  readonly pieces = new PieceList();
  /** Mappings with a page left. */
  mappings = 0;
  pages = 0;
  /** First page ever mapped, and the one behind the last. */
  first = Number.POSITIVE_INFINITY;
  behind = 0;

  overlaps(start: number, end: number): boolean {
    const piece = this.pieces.seek(start);
    return piece !== undefined && piece.start < end;
  }

  add(start: number, end: number, delta: number, mapping: Mapping): void {
    this.pieces.insert({ start, end, delta, enteredStart: start, enteredEnd: end, mapping });
    this.mappings++;
    this.pages += end - start;
    if (start < this.first) this.first = start;
    if (end > this.behind) this.behind = end;
  }

  /** How well [start, end) fits, or null when no page of it is live. */
  fit(domain: number, start: number, end: number, taskId: number): Fit | null {
    let piece = this.pieces.seek(start);
    if (piece === undefined || piece.start >= end) return null;
    const { taskId: owner, serial } = piece.mapping;
    let boundaries = piece.start === start ? 1 : 0;
    let reached = piece.start > start ? start : piece.end;
    while (reached < end) {
      piece = this.pieces.next();
      if (piece === undefined || piece.start !== reached) break;
      reached = piece.end;
    }
    const whole = reached >= end;
    if (this.pieces.seek(end - 1)?.end === end) boundaries++;
    return { domain, whole, boundaries, sameTask: owner === taskId, serial };
  }

  /** Ends what is live in [start, end), and adds to `ended`. */
  remove(start: number, end: number, ended: Ended): void {
    let piece = this.pieces.seek(start);
    while (piece !== undefined && piece.start < end) {
      const pages = Math.min(piece.end, end) - Math.max(piece.start, start);
      this.#takePages(piece.mapping, pages, ended);
      piece = this.#cut(piece, start, end);
    }
  }

  /** What of [start, end) is not live here, as start and end by turns. */
  holes(start: number, end: number): number[] {
    const found: number[] = [];
    let at = start;
    for (let piece = this.pieces.seek(start); piece !== undefined && piece.start < end; piece = this.pieces.next()) {
      if (piece.start > at) found.push(at, piece.start);
      at = piece.end;
    }
    if (at < end) found.push(at, end);
    return found;
  }

  /**
   * Makes `page` a border between leaf entries, as if the large leaf around it had been entered in two parts.
   * Returns that leaf, or null when there is none.
   */
  splitLeafAt(page: number): LeafCut | null {
    const piece = this.pieces.seek(page);
    if (piece === undefined || piece.start >= page) return null;
    const span = leafSpan(piece, page);
    const start = Math.floor(page / span) * span;
    if (start === page) return null;
    const { delta, end, mapping, enteredStart, enteredEnd } = piece;
    if (piece.start < start) piece.end = start;
    else this.pieces.remove();
    const behind = start + span;
    this.pieces.insert({ start, end: page, delta, enteredStart: start, enteredEnd: page, mapping });
    this.pieces.insert({ start: page, end: behind, delta, enteredStart: page, enteredEnd: behind, mapping });
    if (behind < end) this.pieces.insert({ start: behind, end, delta, enteredStart, enteredEnd, mapping });
    return { start, span, page, delta };
  }

  #takePages(mapping: Mapping, pages: number, ended: Ended): void {
    if (mapping.endedBy !== ended.event) {
      mapping.endedBy = ended.event;
      ended.mappings++;
      if (mapping.overlaps < ended.overlaps) ended.overlaps = mapping.overlaps;
    }
    this.pages -= pages;
    ended.pages += pages;
    mapping.pagesLeft -= pages;
    if (mapping.pagesLeft > 0) return;
    this.mappings--;
    ended.wholeMappings++;
  }

  /** Cuts [start, end) out of the piece under the cursor; returns the piece to look at next. */
  #cut(piece: Piece, start: number, end: number): Piece | undefined {
    if (piece.start >= start && piece.end <= end) return this.pieces.remove();
    if (piece.start >= start) {
      piece.start = end;
      return undefined;
    }
    const pieceEnd = piece.end;
    piece.end = start;
    if (pieceEnd <= end) return this.pieces.next();
    this.pieces.insert({ ...piece, start: end, end: pieceEnd });
    return undefined;
  }
}
