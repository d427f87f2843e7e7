/**
 * Classic litmus tests under both memory models: which outcomes x86-TSO allows that sequential consistency does not. Names and
 * verdicts after Owens, Sarkar and Sewell, "A better x86 memory model: x86-TSO" (TPHOLs 2009), and Maranget, Sarkar and Sewell,
 * "A tutorial introduction to the ARM and POWER relaxed memory models" (2012) for those that x86 forbids.
 */
import { describe, expect, it } from 'vitest';
import {
  atEnd,
  Cell,
  type CheckOptions,
  type CheckTest,
  check,
  type Flow,
  LOCKED,
  type MemoryModel,
  MFENCE,
  type World,
} from '../../src/check/index.ts';

type Instruction =
  | { readonly kind: 'store'; readonly cell: string; readonly value: number }
  | { readonly kind: 'exchange'; readonly cell: string; readonly value: number }
  | { readonly kind: 'load'; readonly cell: string; readonly register: string }
  | { readonly kind: 'mfence' };

const W = (cell: string, value: number): Instruction => ({ kind: 'store', cell, value });
const X = (cell: string, value: number): Instruction => ({ kind: 'exchange', cell, value });
const R = (cell: string, register: string): Instruction => ({ kind: 'load', cell, register });
const F: Instruction = { kind: 'mfence' };

interface Litmus {
  readonly name: string;
  readonly threads: readonly (readonly Instruction[])[];
  /** Values of registers, and of cells at the end. */
  readonly asked: Readonly<Record<string, number>>;
  readonly allowed: readonly MemoryModel[];
}

const NEVER: readonly MemoryModel[] = [];
const TSO: readonly MemoryModel[] = ['tso'];

const LITMUS: readonly Litmus[] = [
  {
    name: 'SB: each stores and loads what the other stores',
    threads: [
      [W('x', 1), R('y', 'a')],
      [W('y', 1), R('x', 'b')],
    ],
    asked: { a: 0, b: 0 },
    allowed: TSO,
  },
  {
    name: 'SB with a fence in each thread',
    threads: [
      [W('x', 1), F, R('y', 'a')],
      [W('y', 1), F, R('x', 'b')],
    ],
    asked: { a: 0, b: 0 },
    allowed: NEVER,
  },
  {
    name: 'SB with a fence in one thread',
    threads: [
      [W('x', 1), F, R('y', 'a')],
      [W('y', 1), R('x', 'b')],
    ],
    asked: { a: 0, b: 0 },
    allowed: TSO,
  },
  {
    name: 'SB with locked exchanges for stores',
    threads: [
      [X('x', 1), R('y', 'a')],
      [X('y', 1), R('x', 'b')],
    ],
    asked: { a: 0, b: 0 },
    allowed: NEVER,
  },
  {
    name: 'SB with a locked exchange of a third cell between',
    threads: [
      [W('x', 1), X('z', 1), R('y', 'a')],
      [W('y', 1), X('w', 1), R('x', 'b')],
    ],
    asked: { a: 0, b: 0 },
    allowed: NEVER,
  },
  {
    name: 'SB with forwarding (iwp2.4): each sees its own store first',
    threads: [
      [W('x', 1), R('x', 'a'), R('y', 'b')],
      [W('y', 1), R('y', 'c'), R('x', 'd')],
    ],
    asked: { a: 1, b: 0, c: 1, d: 0 },
    allowed: TSO,
  },
  {
    name: 'MP: message passing',
    threads: [
      [W('x', 1), W('y', 1)],
      [R('y', 'a'), R('x', 'b')],
    ],
    asked: { a: 1, b: 0 },
    allowed: NEVER,
  },
  {
    name: 'LB: load buffering',
    threads: [
      [R('x', 'a'), W('y', 1)],
      [R('y', 'b'), W('x', 1)],
    ],
    asked: { a: 1, b: 1 },
    allowed: NEVER,
  },
  {
    name: 'IRIW: two readers see two writes in opposite orders',
    threads: [[W('x', 1)], [W('y', 1)], [R('x', 'a'), R('y', 'b')], [R('y', 'c'), R('x', 'd')]],
    asked: { a: 1, b: 0, c: 1, d: 0 },
    allowed: NEVER,
  },
  {
    name: 'WRC: write to read causality',
    threads: [[W('x', 1)], [R('x', 'a'), W('y', 1)], [R('y', 'b'), R('x', 'c')]],
    asked: { a: 1, b: 1, c: 0 },
    allowed: NEVER,
  },
  {
    name: 'RWC: read to write causality',
    threads: [[W('x', 1)], [R('x', 'a'), R('y', 'b')], [W('y', 1), R('x', 'c')]],
    asked: { a: 1, b: 0, c: 0 },
    allowed: TSO,
  },
  {
    name: 'R',
    threads: [
      [W('x', 1), W('y', 1)],
      [W('y', 2), R('x', 'a')],
    ],
    asked: { y: 2, a: 0 },
    allowed: TSO,
  },
  {
    name: 'S',
    threads: [
      [W('x', 2), W('y', 1)],
      [R('y', 'a'), W('x', 1)],
    ],
    asked: { x: 2, a: 1 },
    allowed: NEVER,
  },
  {
    name: '2+2W',
    threads: [
      [W('x', 1), W('y', 2)],
      [W('y', 1), W('x', 2)],
    ],
    asked: { x: 1, y: 1 },
    allowed: NEVER,
  },
  {
    name: 'CoRR: two loads of one cell',
    threads: [[W('x', 1)], [R('x', 'a'), R('x', 'b')]],
    asked: { a: 1, b: 0 },
    allowed: NEVER,
  },
  {
    name: 'n4b: a load is not from a store after it',
    threads: [
      [R('x', 'a'), W('x', 1)],
      [R('x', 'b'), W('x', 2)],
    ],
    asked: { a: 2, b: 1 },
    allowed: NEVER,
  },
  {
    name: 'n5: each reads the other’s store to the cell that both store to',
    threads: [
      [W('x', 1), R('x', 'a')],
      [W('x', 2), R('x', 'b')],
    ],
    asked: { a: 2, b: 1 },
    allowed: NEVER,
  },
  {
    name: 'n6: a buffered store is read, and reaches memory last',
    threads: [
      [W('x', 1), R('x', 'a'), R('y', 'b')],
      [W('y', 2), W('x', 2)],
    ],
    asked: { a: 1, b: 0, x: 1 },
    allowed: TSO,
  },
  {
    name: 'n7: a third thread sees that a buffered store has not reached memory',
    threads: [[W('x', 1), R('x', 'a'), R('y', 'b')], [W('y', 1)], [R('y', 'c'), R('x', 'd')]],
    asked: { a: 1, b: 0, c: 1, d: 0 },
    allowed: TSO,
  },
];

function* run(rows: readonly Instruction[], cells: Cells, values: Record<string, number>): Flow<void> {
  for (const instruction of rows) {
    if (instruction.kind === 'mfence') {
      yield MFENCE;
    } else if (instruction.kind === 'exchange') {
      yield LOCKED;
      cells[instruction.cell]!.exchange(instruction.value);
    } else if (instruction.kind === 'store') {
      yield;
      cells[instruction.cell]!.store(instruction.value);
    } else if (instruction.kind === 'load') {
      yield;
      values[instruction.register] = cells[instruction.cell]!.load();
    }
  }
}

type Cells = Readonly<Record<string, Cell<number>>>;

function cellsOf({ threads }: Litmus, world: World): Cells {
  const names = new Set(threads.flat().flatMap((instruction) => ('cell' in instruction ? [instruction.cell] : [])));
  return Object.fromEntries([...names].map((name) => [name, new Cell(world, name, 0)]));
}

/** `holds` when the outcome comes about, `unreachable` when it does not. */
function testOf(litmus: Litmus, memory: MemoryModel): CheckTest {
  return {
    name: litmus.name,
    expect: litmus.allowed.includes(memory) ? 'holds' : 'unreachable',
    memory,
    program: (world) => {
      const cells = cellsOf(litmus, world);
      const registers: Record<string, number> = {};
      const valueAtEnd = (name: string) => registers[name] ?? cells[name]?.peek();
      return {
        threads: litmus.threads.map((rows) => run(rows, cells, registers)),
        sometimes: {
          asked: atEnd(() => Object.entries(litmus.asked).every(([name, value]) => valueAtEnd(name) === value)),
        },
      };
    },
  };
}

const REDUCED: readonly CheckOptions[] = [{ strategy: 'dpor' }, { strategy: 'minimal', cache: true }];
const EXHAUSTIVE: readonly CheckOptions[] = [...REDUCED, { strategy: 'minimal' }];

for (const litmus of LITMUS) {
  describe(litmus.name, () => {
    for (const memory of ['sc', 'tso'] satisfies MemoryModel[]) {
      const test = testOf(litmus, memory);
      it(`is ${test.expect === 'holds' ? 'allowed' : 'forbidden'} under ${memory}`, () => {
        for (const options of EXHAUSTIVE)
          expect(check(test, options).verdict, JSON.stringify(options)).toBe(test.expect);
      });
    }
  });
}

interface Peterson {
  readonly flags: readonly Cell<number>[];
  readonly turn: Cell<number>;
  readonly inside: Cell<number>;
  readonly isFenced: boolean;
}

function* peterson({ flags, turn, inside, isFenced }: Peterson, me: number): Flow<void> {
  const other = 1 - me;
  yield;
  flags[me]!.store(1);
  yield;
  turn.store(other);
  if (isFenced) yield MFENCE;
  // One turn is enough to show what the fence is for.
  yield;
  const isWanted = flags[other]!.load() === 1;
  yield;
  if (isWanted && turn.load() === other) return;
  yield LOCKED;
  inside.add(1);
  yield LOCKED;
  inside.add(-1);
  yield;
  flags[me]!.store(0);
}

function petersonTest(memory: MemoryModel, isFenced: boolean): CheckTest {
  return {
    name: 'peterson',
    expect: 'holds',
    memory,
    program: (world) => {
      const cell = (name: string) => new Cell(world, name, 0);
      const vars = { flags: [cell('flag 0'), cell('flag 1')], turn: cell('turn'), inside: cell('inside'), isFenced };
      return {
        threads: [peterson(vars, 0), peterson(vars, 1)],
        always: { 'one is inside at a time': () => vars.inside.peek() <= 1 },
        sometimes: { 'one is inside': () => vars.inside.peek() === 1 },
      };
    },
  };
}

describe('Peterson’s algorithm', () => {
  it('excludes under sequential consistency, and under TSO only with a fence', () => {
    for (const options of REDUCED) {
      expect(check(petersonTest('sc', false), options).verdict).toBe('holds');
      expect(check(petersonTest('tso', true), options).verdict).toBe('holds');
      expect(check(petersonTest('tso', false), options).verdict).toBe('violated');
    }
  });
});
