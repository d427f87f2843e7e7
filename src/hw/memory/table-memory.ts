/**
 * What page-table code sees of physical memory: 4 KiB frames of 512 words of 64 bits, each word as two int32 halves
 * (bit-exact; `lo` is bits 31:0), a frame allocator, and the counters of `struct page` that designs use.
 *
 * Each method is one access to shared state. `ArenaMemory` implements it for speed; `RecordedMemory` for the checker
 * (each access recorded). That is the one accessor through which flows and their straight-line twins reach memory, so
 * store buffers and recording are swapped here and nowhere else.
 *
 * Frame numbers are page frame numbers of the simulated machine, from 1; frame 0 is never given out and reads as zero.
 */
export interface TableMemory {
  /**
   * The way down of a hot walk: `enter` the root, `follow` the words that point to tables, then `wordIn` the last. What stands for
   * a table on the way is the memory's own, 0 for none, and good as long as a position from `locate`. Not an access.
   */
  enter(pfn: number): number;
  /**
   * Loads word `index` as `tableIn` does with what `setPointers` said; only in tables from `allocFrame(true)`. 0: the word points to
   * no table, or memory does not know the way: `tableIn` has the answer, `remember` or `link` makes the way known.
   */
  follow(table: number, index: number): number;
  /** What a word that points to a table looks like: told once, by whoever makes a page table here. */
  setPointers(mask: number, tableLo: number): void;
  /** As `locate`, in a table that was followed to. The same for the others with `At`. */
  wordIn(table: number, index: number): number;
  /** Frame of the table; also right after a change of its counters. */
  frameAt(table: number): number;
  /** As `count`. */
  countAt(table: number, delta: number): void;
  /** As `addEntries`. */
  addEntriesAt(table: number, delta: number): number;
  /** Both in one. */
  countEntriesAt(table: number, delta: number): number;
  /** As `clear`, of a word that points to a table. */
  unlinkAt(table: number, index: number): void;
  /** Book-keeping for `follow`, not an access: word `index` of `parent` points to `child`. */
  remember(parent: number, index: number, child: number): void;
  /** The same for a child that is to be written, as with `open`; returns it as followed to. */
  link(parent: number, index: number, child: number): number;
  /** `installIfZero` of a word that points to `child`, a new table, and then `link`; 0 when the word was not zero. */
  installTable(parent: number, index: number, lo: number, hi: number, child: number): number;
  /**
   * Where word `index` (0 .. 511) of frame `pfn` is, for `lo` and `hi`. Not an access by itself. Good until the frame is freed; in
   * `ArenaMemory`, which moves pieces, only as long as one flow runs alone. Interleaved flows use a memory that never moves.
   */
  locate(pfn: number, index: number): number;
  /** Bits 31:0 of a word, as int32. */
  lo(at: number): number;
  /** Bits 63:32. A flow that needs both halves reads them in one step: a 64-bit load is atomic. */
  hi(at: number): number;
  /**
   * Loads word `index` of frame `pfn` as a pointer: the frame number in its address bits if its low half has the value
   * `tableLo` under `mask`, else 0. One access; frame numbers below 2^31.
   */
  tableIn(pfn: number, index: number, mask: number, tableLo: number): number;
  /** As `locate`, for a run of words that will be written with `put`: words follow each other two positions apart. */
  open(pfn: number, index: number): number;
  /** Plain store at a position from `open` or `wordIn`, never over a pointer to a table; the caller says with `count` how many words became non-zero or zero. */
  put(at: number, lo: number, hi: number): void;
  /** Book-keeping for `put`, not an access: `delta` more words of the frame are non-zero now. */
  count(pfn: number, delta: number): void;
  store(pfn: number, index: number, lo: number, hi: number): void;
  /** Plain store of a non-zero word over one that the caller has just read as zero. */
  fill(pfn: number, index: number, lo: number, hi: number): void;
  /** Compare-exchange from zero. False: the word was not zero and stays. */
  installIfZero(pfn: number, index: number, lo: number, hi: number): boolean;
  /** Compare-exchange that sets bits of the low half, as hardware sets flags. False: the word is not `lo`, `hi` any more and stays. */
  setBitsLo(pfn: number, index: number, lo: number, hi: number, bits: number): boolean;
  /** Plain store of zero over a word that the caller has read as non-zero. */
  clear(pfn: number, index: number): void;
  /** Exchange with zero; bits 31:0 of what was there. */
  exchangeZero(pfn: number, index: number): number;
  /** A zeroed frame, or 0 when memory is used up. `holdsPointers`: words of it may be followed. */
  allocFrame(holdsPointers?: boolean): number;
  /** The frame may be given out again at once, contents as they are. */
  freeFrame(pfn: number): void;
  /** Adds to `page->_refcount`, returns the new value. */
  addRefcount(pfn: number, delta: number): number;
  /** Adds to `page->_mapcount`, which a new frame has at 0 (what alloc_page makes -1, the patch's helpers set to 0). */
  addMapcount(pfn: number, delta: number): number;
  /** Adds to a counter that belongs to the design alone (a field of its own in struct ptdesc). */
  addEntries(pfn: number, delta: number): number;
}

export const WORDS_PER_FRAME = 512;
