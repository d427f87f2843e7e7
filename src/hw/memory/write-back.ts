/**
 * What a CPU sees of memory through its cache, where a device does not (a unit with ECAP.C clear): stores stay in lines of 64 bytes until
 * CLFLUSH, or until the cache writes a line back, which it may do at any time. Loads of words that are not in the cache are memory's.
 *
 * Left out: several CPUs' caches (they are coherent: one), lines that are filled by loads and go stale when the device writes.
 */
import { type Flow, untilAtomic } from '../../base/flow.ts';
import { Words } from '../../base/words.ts';
import type { World } from '../../base/world.ts';
import type { VtdMemory } from '../vtd/memory.ts';
import type { RecordedMemory } from './recorded-memory.ts';
import { WORDS_PER_FRAME } from './table-memory.ts';

const WORDS_PER_LINE = 8;
const CLEAN: ReadonlyMap<number, readonly [number, number]> = new Map();

export class WriteBackMemory implements VtdMemory {
  private readonly world: World;
  private readonly memory: RecordedMemory;
  /** By line: words that memory does not have yet. One word a line. */
  private readonly lines: Words<typeof CLEAN>;
  private readonly lineOf: ReadonlyMap<number, number>;

  /** `lines`: those that are followed, as frame and first word; all others are written through. */
  constructor(world: World, memory: RecordedMemory, lines: readonly (readonly [frame: number, word: number])[]) {
    this.world = world;
    this.memory = memory;
    this.lines = new Words<typeof CLEAN>(world, 'cache line', new Array(lines.length).fill(CLEAN));
    this.lineOf = new Map(lines.map(([frame, word], line) => [lineAt(frame, word), line]));
  }

  locate(frame: number, word: number): number {
    return this.memory.locate(frame, word);
  }

  lo(at: number): number {
    return this.cached(at)?.[0] ?? this.memory.lo(at);
  }

  hi(at: number): number {
    return this.cached(at)?.[1] ?? this.memory.hi(at);
  }

  store(frame: number, word: number, lo: number, hi: number): void {
    const line = this.lineOf.get(lineAt(frame, word));
    if (line === undefined) this.memory.store(frame, word, lo, hi);
    else this.lines.store(line, new Map(this.lines.load(line)).set(this.locate(frame, word), [lo, hi]));
  }

  /** CLFLUSH of the line of a word, which is in memory afterwards. Context: an atomic step. */
  clflush(frame: number, word: number): void {
    const line = this.lineOf.get(lineAt(frame, word));
    if (line !== undefined) this.writeBack(line);
  }

  /** The cache writes a line back of itself, whenever it has something: a daemon. */
  *eviction(frame: number, word: number): Flow<void> {
    const line = this.lineOf.get(lineAt(frame, word))!;
    for (;;) {
      yield untilAtomic(this.world, 'the line is dirty', () => this.lines.peek(line).size > 0);
      this.writeBack(line);
    }
  }

  private cached(at: number): readonly [number, number] | undefined {
    const word = at / 2;
    const line = this.lineOf.get(lineAt(Math.floor(word / WORDS_PER_FRAME), word % WORDS_PER_FRAME));
    return line === undefined ? undefined : this.lines.load(line).get(at);
  }

  private writeBack(line: number): void {
    for (const [at, [lo, hi]] of this.lines.load(line)) {
      const word = at / 2;
      this.memory.store(Math.floor(word / WORDS_PER_FRAME), word % WORDS_PER_FRAME, lo, hi);
    }
    this.lines.store(line, CLEAN);
  }
}

/** A number for each line of memory. */
function lineAt(frame: number, word: number): number {
  return Math.floor((frame * WORDS_PER_FRAME + word) / WORDS_PER_LINE);
}
