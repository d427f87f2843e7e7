/**
 * The live pieces of one domain's mappings in order of IOVA: disjoint ranges of pages in chunks of a few hundred, found by
 * two binary searches. A chunk is one array, so that inserting moves a few kilobytes at most however many are live.
 *
 * One cursor: `seek` puts it, `next` and `remove` move it on, `insert` invalidates it.
 */
import { assert } from '../../base/assert.ts';

/** One iommu:map event, for as long as some page of it is live. */
export interface Mapping {
  readonly taskId: number;
  /** Position among all maps: lower is older. */
  readonly serial: number;
  /** Domains in which its range was live when it was mapped. */
  readonly overlaps: number;
  pagesLeft: number;
  /** The last unmap event that took a page of it. */
  endedBy: number;
}

/** A run of live pages of one mapping. */
export interface Piece {
  start: number;
  /** Exclusive. */
  end: number;
  /** Frame number less page number, the same over the whole mapping. */
  readonly delta: number;
  /** The range that was entered at once: it decides which page sizes fitted. */
  readonly enteredStart: number;
  readonly enteredEnd: number;
  readonly mapping: Mapping;
}

const CHUNK = 512;

export class PieceList {
  length = 0;
  /** None is empty, except the only one of an empty list. */
  readonly #chunks: Piece[][] = [[]];
  #chunk = 0;
  #at = 0;

  /** The first piece that ends beyond `page`: the one that holds it, or the next one. */
  seek(page: number): Piece | undefined {
    this.#chunk = this.#chunkOf(page);
    const pieces = this.#chunks[this.#chunk]!;
    let low = 0;
    let high = pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (pieces[middle]!.end > page) high = middle;
      else low = middle + 1;
    }
    this.#at = low;
    return this.#here();
  }

  next(): Piece | undefined {
    this.#at++;
    return this.#here();
  }

  /** Takes out the piece under the cursor; the one behind it is then there. */
  remove(): Piece | undefined {
    const pieces = this.#chunks[this.#chunk]!;
    assert(this.#at < pieces.length, 'remove was called with the cursor behind the last piece');
    if (this.#at === pieces.length - 1) pieces.pop();
    else pieces.splice(this.#at, 1);
    this.length--;
    if (pieces.length === 0 && this.#chunks.length > 1) this.#dropChunk();
    return this.#here();
  }

  /** Context: no live piece overlaps it. */
  insert(piece: Piece): void {
    const chunk = this.#chunkOf(piece.start);
    const pieces = this.#chunks[chunk]!;
    let at = pieces.length;
    if (at > 0 && pieces[at - 1]!.start > piece.start) at = firstBehind(pieces, piece.start);
    if (at === pieces.length) pieces.push(piece);
    else pieces.splice(at, 0, piece);
    this.length++;
    if (pieces.length > CHUNK) this.#chunks.splice(chunk + 1, 0, pieces.splice(CHUNK / 2));
  }

  *[Symbol.iterator](): Generator<Piece> {
    for (const chunk of this.#chunks) yield* chunk;
  }

  /** The last chunk that begins at or before `page`, or the first. */
  #chunkOf(page: number): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#chunks[middle]![0]!.start <= page) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #dropChunk(): void {
    this.#chunks.splice(this.#chunk, 1);
    this.#at = 0;
    if (this.#chunk < this.#chunks.length) return;
    this.#chunk--;
    this.#at = this.#chunks[this.#chunk]!.length;
  }

  #here(): Piece | undefined {
    const pieces = this.#chunks[this.#chunk]!;
    if (this.#at < pieces.length) return pieces[this.#at];
    if (this.#chunk + 1 >= this.#chunks.length) return undefined;
    this.#chunk++;
    this.#at = 0;
    return this.#chunks[this.#chunk]![0];
  }
}

function firstBehind(pieces: readonly Piece[], page: number): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (pieces[middle]!.start > page) high = middle;
    else low = middle + 1;
  }
  return low;
}
