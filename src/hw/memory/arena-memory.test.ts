import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/support/domain-arbitraries.ts';
import { ArenaMemory, HostMemoryExhausted, PIECE_BYTES } from './arena-memory.ts';
import { WORDS_PER_FRAME } from './table-memory.ts';

const ZERO: readonly [number, number] = [0, 0];

/** The naive memory: what a frame holds, word by word; nothing is shared, elided or moved. */
class NaiveMemory {
  readonly frames = new Map<number, Map<number, readonly [number, number]>>();
  readonly counters = new Map<number, number>();

  word(pfn: number, index: number): readonly [number, number] {
    return this.frames.get(pfn)?.get(index) ?? ZERO;
  }

  set(pfn: number, index: number, lo: number, hi: number): void {
    if ((lo | hi) === 0) this.frames.get(pfn)?.delete(index);
    else this.frames.get(pfn)?.set(index, [lo, hi]);
  }
}

interface Action {
  readonly what: 'alloc' | 'free' | 'store' | 'fill' | 'install' | 'clear' | 'exchange' | 'count' | 'run' | 'clearRun';
  readonly frame: number;
  readonly index: number;
  readonly lo: number;
  readonly hi: number;
}

const half = fc.oneof(fc.constantFrom(0, 0, 1, -1, -(2 ** 31), 2 ** 31 - 1), fc.integer());
const actions = fc.array(
  fc.record<Action>({
    what: fc.constantFrom(
      'alloc',
      'alloc',
      'free',
      'store',
      'fill',
      'fill',
      'install',
      'clear',
      'exchange',
      'count',
      'run',
      'clearRun',
    ),
    frame: fc.nat(50),
    index: fc.constantFrom(0, 1, 2, 3, 255, 256, 510, 511),
    lo: half,
    hi: half,
  }),
  { minLength: 1, maxLength: 200, size: 'max' },
);

/** Does one action to both. Callers of the real one keep its contract: `fill` over zero, `clear` over something. */
function act(memory: ArenaMemory, naive: NaiveMemory, action: Action): void {
  const { what, index, lo, hi } = action;
  if (what === 'alloc') {
    const pfn = memory.allocFrame();
    expect(naive.frames.has(pfn)).toBe(false);
    naive.frames.set(pfn, new Map());
    naive.counters.set(pfn, 0);
    return;
  }
  const pfns = [...naive.frames.keys()];
  const pfn = pfns[action.frame % pfns.length];
  if (pfn === undefined) return;
  const was = naive.word(pfn, index);
  const isZero = was === ZERO;
  const nonZero = (lo | hi) !== 0;
  if (what === 'free') {
    memory.freeFrame(pfn);
    naive.frames.delete(pfn);
  } else if (what === 'store') {
    memory.store(pfn, index, lo, hi);
    naive.set(pfn, index, lo, hi);
  } else if (what === 'fill' && isZero && nonZero) {
    memory.fill(pfn, index, lo, hi);
    naive.set(pfn, index, lo, hi);
  } else if (what === 'install' && nonZero) {
    expect(memory.installIfZero(pfn, index, lo, hi)).toBe(isZero);
    if (isZero) naive.set(pfn, index, lo, hi);
  } else if (what === 'clear' && !isZero) {
    memory.clear(pfn, index);
    naive.set(pfn, index, 0, 0);
  } else if (what === 'exchange') {
    expect(memory.exchangeZero(pfn, index)).toBe(was[0]);
    naive.set(pfn, index, 0, 0);
  } else if (what === 'count') {
    const value = (naive.counters.get(pfn) ?? 0) + (lo % 100);
    naive.counters.set(pfn, value);
    expect(memory.addEntries(pfn, lo % 100)).toBe(value);
  } else if (what === 'run' || what === 'clearRun') {
    runOfWords(memory, naive, pfn, action);
  }
}

/** The way of the fast paths: a position, plain puts two apart, and the book-keeping after them. */
function runOfWords(memory: ArenaMemory, naive: NaiveMemory, pfn: number, { what, index, lo, hi }: Action): void {
  const fills = what === 'run';
  const value = (lo | hi) === 0 ? 1 : lo;
  const end = Math.min(index + 5, WORDS_PER_FRAME);
  const at = fills ? memory.open(pfn, index) : memory.locate(pfn, index);
  let done = 0;
  for (; index + done < end; done++) {
    if ((naive.word(pfn, index + done) === ZERO) !== fills) break;
    memory.put(at + 2 * done, fills ? value : 0, fills ? hi : 0);
    naive.set(pfn, index + done, fills ? value : 0, fills ? hi : 0);
  }
  // As the fast paths: `open` is always followed by `count`, `locate` only when something was cleared.
  if (fills || done > 0) memory.count(pfn, fills ? done : -done);
}

function compare(memory: ArenaMemory, naive: NaiveMemory): void {
  expect(memory.framesInUse).toBe(naive.frames.size);
  for (const [pfn, words] of naive.frames) {
    expect(memory.nonZeroWords(pfn)).toBe(words.size);
    for (const index of [0, 1, 2, 3, 4, 5, 6, 7, 255, 256, 257, 258, 259, 260, 509, 510, 511]) {
      const at = memory.locate(pfn, index);
      const got = [memory.lo(at), memory.hi(at)];
      const expected = naive.word(pfn, index);
      if (got[0] !== expected[0] || got[1] !== expected[1])
        expect([pfn, index, ...got]).toEqual([pfn, index, ...expected]);
    }
    expect(memory.addEntries(pfn, 0)).toBe(naive.counters.get(pfn));
  }
}

for (const keepZeroFrames of [false, true]) {
  describe(`arena memory, ${keepZeroFrames ? 'keeping' : 'giving back'} the host page of a zero frame`, () => {
    it('does what a naive memory does', () => {
      fc.assert(
        fc.property(actions, (row) => {
          const memory = new ArenaMemory({ keepZeroFrames });
          const naive = new NaiveMemory();
          for (const action of row) act(memory, naive, action);
          compare(memory, naive);
        }),
        runs(150),
      );
    });

    it('does so while it grows over thousands of frames', () => {
      const memory = new ArenaMemory({ keepZeroFrames });
      const naive = new NaiveMemory();
      const rest = { index: 7, lo: 5, hi: -1 };
      for (let i = 0; i < 5000; i++) {
        act(memory, naive, { what: 'alloc', frame: 0, ...rest });
        // The last frame; every third stays zero.
        if (i % 3 !== 0) act(memory, naive, { what: 'fill', frame: naive.frames.size - 1, ...rest });
      }
      compare(memory, naive);
    });

    it('gives a freed frame out again, zeroed and with its counter at zero', () => {
      const memory = new ArenaMemory({ keepZeroFrames });
      const pfn = memory.allocFrame();
      for (let i = 0; i < WORDS_PER_FRAME; i++) memory.fill(pfn, i, i + 1, -i);
      memory.addMapcount(pfn, 3);
      memory.freeFrame(pfn);
      expect(memory.framesInUse).toBe(0);
      expect(memory.allocFrame()).toBe(pfn);
      for (let i = 0; i < WORDS_PER_FRAME; i++) {
        const at = memory.locate(pfn, i);
        expect([memory.lo(at), memory.hi(at)]).toEqual([0, 0]);
      }
      expect(memory.addMapcount(pfn, 0)).toBe(0);
      expect(memory.nonZeroWords(pfn)).toBe(0);
    });
  });
}

// ---- follow ----

const TABLE_BITS = 3;
const MASK = 0x83;

type Step = readonly [
  what: 'table' | 'leaf' | 'drop' | 'remember' | 'touch' | 'empty' | 'grow',
  frame: number,
  at: number,
];

const steps = fc.array(
  fc.tuple(
    fc.constantFrom<Step[0]>(
      'table',
      'table',
      'leaf',
      'drop',
      'remember',
      'remember',
      'touch',
      'touch',
      'empty',
      'grow',
    ),
    fc.nat(20),
    fc.nat(3),
  ),
  { minLength: 1, maxLength: 120, size: 'max' },
);

/** Tables of tables in `parents`, and for each word of them what it points to. */
class PointedMemory {
  readonly memory: ArenaMemory;
  readonly parents: number[];
  readonly below = new Map<string, number>();
  readonly children: number[] = [];

  constructor(keepZeroFrames: boolean) {
    this.memory = new ArenaMemory({ keepZeroFrames });
    this.parents = [1, 2, 3].map(() => this.memory.allocFrame(true));
  }

  act([what, frame, index]: Step): void {
    const { memory, below } = this;
    const parent = this.parents[frame % this.parents.length] as number;
    const key = `${parent} ${index}`;
    const child = this.children[frame % this.children.length];
    const used = memory.lo(memory.locate(parent, index)) !== 0;
    if (what === 'table' && !used) {
      const table = memory.allocFrame();
      this.children.push(table);
      expect(memory.installIfZero(parent, index, (table << 12) | TABLE_BITS, table >>> 20)).toBe(true);
      below.set(key, table);
    } else if (what === 'leaf' && !used) {
      memory.fill(parent, index, (5 << 12) | MASK, 0);
    } else if (what === 'drop' && used) {
      memory.clear(parent, index);
      const gone = below.get(key);
      below.delete(key);
      if (gone !== undefined) this.free(gone);
    } else if (what === 'remember' && below.has(key)) {
      memory.remember(parent, index, below.get(key) as number);
    } else if (what === 'touch' && child !== undefined) {
      memory.store(child, index, 1, index);
    } else if (what === 'empty' && child !== undefined) {
      memory.store(child, index, 0, 0);
    } else if (what === 'grow') {
      for (let i = 0; i < 300; i++) memory.allocFrame();
    }
  }

  private free(table: number): void {
    this.children.splice(this.children.indexOf(table), 1);
    this.memory.freeFrame(table);
  }

  /** `follow` knows the way or says that it does not; it never leads elsewhere. */
  check(): void {
    const { memory } = this;
    for (const parent of this.parents) {
      for (let index = 0; index < 4; index++) {
        const followed = memory.follow(memory.enter(parent), index);
        if (followed === 0) continue;
        const table = memory.tableIn(parent, index, MASK, TABLE_BITS);
        expect([followed, memory.frameAt(followed)]).toEqual([memory.enter(table), table]);
      }
    }
  }
}

for (const keepZeroFrames of [false, true]) {
  describe(`follow, ${keepZeroFrames ? 'keeping' : 'giving back'} the host page of a zero frame`, () => {
    it('leads to the table that the word points to, or nowhere', () => {
      fc.assert(
        fc.property(steps, (row) => {
          const pointed = new PointedMemory(keepZeroFrames);
          for (const step of row) {
            pointed.act(step);
            pointed.check();
          }
        }),
        runs(150),
      );
    });

    it('knows a way that it was told, until the table is gone', () => {
      const memory = new ArenaMemory({ keepZeroFrames });
      const [root, table] = [memory.allocFrame(true), memory.allocFrame()];
      memory.installIfZero(root, 5, (table << 12) | TABLE_BITS, 0);
      memory.fill(table, 0, 1, 0);
      expect(memory.follow(memory.enter(root), 5)).toBe(0);
      memory.remember(root, 5, table);
      expect(memory.frameAt(memory.follow(memory.enter(root), 5))).toBe(table);
      memory.clear(root, 5);
      memory.fill(root, 4, 1, 0);
      expect(memory.follow(memory.enter(root), 5)).toBe(0);
    });
  });
}

describe('arena memory', () => {
  it('never gives out frame 0, which reads as zero', () => {
    const memory = new ArenaMemory();
    const first = memory.allocFrame();
    expect(first).toBeGreaterThan(0);
    for (let i = 0; i < WORDS_PER_FRAME; i++) memory.fill(first, i, -1, -1);
    const at = memory.locate(0, 511);
    expect([memory.lo(at), memory.hi(at)]).toEqual([0, 0]);
  });

  it('needs no host memory for frames that are zero, and gives back that of frames that become zero', () => {
    const memory = new ArenaMemory();
    const frames = Array.from({ length: 1000 }, () => memory.allocFrame());
    const empty = memory.hostBytes;
    expect(empty).toBeLessThan(100 * PIECE_BYTES);
    for (const pfn of frames) {
      memory.fill(pfn, 9, 1, 0);
      memory.clear(pfn, 9);
    }
    expect(memory.hostBytes).toBeLessThanOrEqual(empty + PIECE_BYTES);
    for (const pfn of frames) memory.fill(pfn, 9, 1, 0);
    expect(memory.hostBytes).toBeGreaterThanOrEqual(empty + 999 * PIECE_BYTES);
  });

  it('keeps the host page of a frame that becomes zero when it is told so', () => {
    const memory = new ArenaMemory({ keepZeroFrames: true });
    const frames = Array.from({ length: 100 }, () => memory.allocFrame());
    const empty = memory.hostBytes;
    for (const pfn of frames) {
      memory.fill(pfn, 9, 1, 0);
      memory.clear(pfn, 9);
    }
    expect(memory.hostBytes).toBe(empty + 100 * PIECE_BYTES);
  });

  it('has as many frames as the machine that it simulates, and says 0 beyond', () => {
    const memory = new ArenaMemory({ maxFrames: 3 });
    const [first, second, third, none] = [1, 2, 3, 4].map(() => memory.allocFrame());
    expect(new Set([first, second, third, 0]).size).toBe(4);
    expect(none).toBe(0);
    memory.freeFrame(second as number);
    expect(memory.allocFrame()).toBe(second);
    expect(memory.allocFrame()).toBe(0);
    expect(memory.framesInUse).toBe(3);
  });

  it('says that the input is too large when it needs more host memory than allowed', () => {
    const memory = new ArenaMemory({ maxHostBytes: 2 ** 20 });
    const fillOne = () => memory.fill(memory.allocFrame(), 0, 1, 1);
    expect(() => {
      for (let i = 0; i < 300; i++) fillOne();
    }).toThrow(HostMemoryExhausted);
    expect(memory.hostBytes).toBeLessThanOrEqual(2 ** 20);
  });
});
