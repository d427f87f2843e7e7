/**
 * What the TLB keeps and what instructions take out of it: each by hand, and random sequences in which every change of the tables is followed
 * by an instruction that is enough for it, against walks that cache nothing.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Flow, runAlone } from '../../src/base/index.ts';
import {
  accessMemory,
  CR4,
  INVLPG,
  INVPCID,
  INVPCID_TYPE,
  type MemoryAccess,
  type Mmu,
  MOV_CR3,
  MOV_CR4,
  PF,
  speculate,
} from '../../src/hw/index.ts';
import { runs } from '../support/domain-arbitraries.ts';
import { type Flags, leaf, oneCpu, Tables } from './support.ts';

const PAGE = 5;
const OLD = 9;
const NEW = 10;
const ON = CR4.PGE | CR4.PCIDE;

/** The frame that a read comes to, or the error code of its fault as a negative number less one. */
function read(mmu: Mmu, page = PAGE, access: Omit<MemoryAccess, 'page'> = {}): number {
  const answer = runAlone(accessMemory(mmu, { page, ...access }));
  return answer.exception === null ? answer.pfn : -1 - answer.errorCode;
}

/** The page is read, so that the TLB has it, and then mapped to another frame. */
function stale(flags: Flags = {}, level = 0): { readonly mmu: Mmu; readonly tables: Tables } {
  const machine = oneCpu();
  machine.tables.set(PAGE, leaf(OLD * 512 ** level, flags, level), level);
  read(machine.mmu);
  machine.tables.set(PAGE, leaf(NEW * 512 ** level, flags, level), level);
  return machine;
}

const root = ({ root: frame }: Tables) => ({ frame });

describe('a TLB entry', () => {
  it('is used until it is invalidated', () => {
    const { mmu } = stale();
    expect(read(mmu)).toBe(OLD);
    runAlone(INVLPG(mmu, PAGE));
    expect(read(mmu)).toBe(NEW);
  });

  it('is not made where walks leave none', () => {
    const { mmu, tables } = oneCpu({ fills: 'does not' });
    tables.set(PAGE, leaf(OLD));
    read(mmu);
    expect(mmu.tlb.peek(1, PAGE)).toBe(null);
  });

  it('of another PCID is not used, and is there when its PCID comes back with NOFLUSH', () => {
    const { mmu, tables } = stale();
    runAlone(MOV_CR3(mmu, { ...root(tables), pcid: 2 }, true));
    expect(read(mmu)).toBe(NEW);
    runAlone(MOV_CR3(mmu, { ...root(tables), pcid: 1 }, true));
    expect(read(mmu)).toBe(OLD);
  });

  it('goes when CR3 gets its PCID without NOFLUSH, and stays when CR3 gets another', () => {
    const { mmu, tables } = stale();
    runAlone(MOV_CR3(mmu, { ...root(tables), pcid: 2 }));
    runAlone(MOV_CR3(mmu, { ...root(tables), pcid: 1 }, true));
    expect(read(mmu)).toBe(OLD);
    runAlone(MOV_CR3(mmu, { ...root(tables), pcid: 1 }));
    expect(read(mmu)).toBe(NEW);
  });

  it('that is global serves every PCID, and outlives MOV to CR3', () => {
    const { mmu, tables } = stale({ G: true });
    runAlone(MOV_CR3(mmu, { ...root(tables), pcid: 2 }));
    expect(read(mmu)).toBe(OLD);
    runAlone(INVLPG(mmu, PAGE));
    expect(read(mmu)).toBe(NEW);
  });

  it('is not global where CR4.PGE is clear', () => {
    const { mmu, tables } = oneCpu({ cr4: 0 });
    tables.set(PAGE, leaf(OLD, { G: true }));
    read(mmu);
    tables.set(PAGE, leaf(NEW, { G: true }));
    runAlone(MOV_CR3(mmu, { ...root(tables), pcid: 0 }));
    expect(read(mmu)).toBe(NEW);
  });

  it('of a large page goes by INVLPG of any address in it', () => {
    const { mmu } = stale({}, 1);
    expect(read(mmu, PAGE)).toBe(OLD * 512 + PAGE);
    runAlone(INVLPG(mmu, 400));
    expect(read(mmu, PAGE)).toBe(NEW * 512 + PAGE);
  });

  it('with fewer rights than an access needs is not what refuses it', () => {
    const { mmu, tables } = oneCpu();
    tables.set(PAGE, leaf(OLD, { RW: false }));
    read(mmu);
    tables.set(PAGE, leaf(OLD));
    expect(read(mmu, PAGE, { user: true, write: true })).toBe(OLD);
  });

  it('goes with a page fault for its address', () => {
    const { mmu, tables } = stale({ RW: false });
    tables.set(PAGE, leaf(NEW, { RW: false }));
    expect(read(mmu, PAGE, { user: true, write: true })).toBe(-1 - (PF.P | PF.W | PF.U));
    expect(read(mmu)).toBe(NEW);
  });

  it('of a clean page makes a write go to memory, where D is set', () => {
    const { mmu, tables } = oneCpu();
    tables.set(PAGE, leaf(OLD));
    read(mmu);
    const table = tables.tableFor(PAGE, 0);
    expect(tables.memory.peekLo(table, PAGE) & 0x40).toBe(0);
    read(mmu, PAGE, { write: true });
    expect(tables.memory.peekLo(table, PAGE) & 0x40).toBe(0x40);
    expect(mmu.tlb.peek(1, PAGE)?.D).toBe(true);
  });

  it('may be there for a page that nobody asked for, but never dirty by that', () => {
    const { mmu, tables } = oneCpu();
    tables.set(PAGE, leaf(OLD));
    runAlone(speculate(mmu, { page: PAGE }));
    expect(mmu.tlb.peek(1, PAGE)).toMatchObject({ pfn: OLD, D: false });
  });
});

type Instruction = (mmu: Mmu, tables: Tables) => Flow<unknown>;
const invpcid =
  (type: number, pcid: number): Instruction =>
  (mmu) =>
    INVPCID(mmu, type, { pcid, page: PAGE });
function* toggled(mmu: Mmu): Flow<void> {
  yield* MOV_CR4(mmu, ON & ~CR4.PGE);
  yield* MOV_CR4(mmu, ON);
}
/** By instruction: whether it takes out the current PCID's entry, one of another PCID, and a global one. */
const TAKES: readonly (readonly [what: string, run: Instruction, own: boolean, other: boolean, global: boolean])[] = [
  ['INVLPG', (mmu) => INVLPG(mmu, PAGE), true, false, true],
  ['INVLPG of another page', (mmu) => INVLPG(mmu, PAGE + 1), false, false, false],
  ['INVPCID 0 of the current PCID', invpcid(INVPCID_TYPE.ADDRESS, 1), true, false, false],
  ['INVPCID 0 of another PCID', invpcid(INVPCID_TYPE.ADDRESS, 2), false, true, false],
  ['INVPCID 1 of the current PCID', invpcid(INVPCID_TYPE.SINGLE, 1), true, false, false],
  ['INVPCID 1 of another PCID', invpcid(INVPCID_TYPE.SINGLE, 2), false, true, false],
  ['INVPCID 2', invpcid(INVPCID_TYPE.ALL_GLOBAL, 0), true, true, true],
  ['INVPCID 3', invpcid(INVPCID_TYPE.ALL, 0), true, true, false],
  ['MOV to CR3', (mmu, tables) => MOV_CR3(mmu, { ...root(tables), pcid: 1 }), true, false, false],
  ['MOV to CR3 with NOFLUSH', (mmu, tables) => MOV_CR3(mmu, { ...root(tables), pcid: 1 }, true), false, false, false],
  ['CR4.PGE toggled', toggled, true, true, true],
  ['MOV to CR4 that changes nothing', (mmu) => MOV_CR4(mmu, ON), false, false, false],
  ['MOV to CR4 that sets SMEP', (mmu) => MOV_CR4(mmu, ON | CR4.SMEP), true, false, false],
];

describe('invalidation', () => {
  for (const [what, run, ...takes] of TAKES) {
    it(`by ${what} takes out: own ${takes[0]}, another PCID's ${takes[1]}, global ${takes[2]}`, () => {
      const { mmu, tables } = oneCpu();
      tables.set(PAGE, leaf(OLD));
      runAlone(MOV_CR3(mmu, { ...root(tables), pcid: 2 }));
      read(mmu);
      runAlone(MOV_CR3(mmu, { ...root(tables), pcid: 1 }));
      read(mmu);
      const has = () => [1, 2].map((pcid) => mmu.tlb.peek(pcid, PAGE) !== null);
      expect(has()).toEqual([true, true]);
      runAlone(run(mmu, tables));
      expect(has()).toEqual([!takes[0], !takes[1]]);
      // The same instruction, and a global entry of the same page.
      runAlone(INVPCID(mmu, INVPCID_TYPE.ALL_GLOBAL, { pcid: 0 }));
      if (mmu.CR4.peek() !== ON) runAlone(MOV_CR4(mmu, ON));
      tables.set(PAGE, leaf(NEW, { G: true }));
      read(mmu);
      runAlone(run(mmu, tables));
      expect(mmu.tlb.peek(1, PAGE) === null).toBe(takes[2]);
    });
  }

  it('raises #GP for what the SDM says it does', () => {
    const { mmu, tables } = oneCpu();
    expect(runAlone(INVPCID(mmu, 4, { pcid: 1 }))).toBe('#GP');
    expect(runAlone(INVPCID(mmu, INVPCID_TYPE.SINGLE, { pcid: 4096 }))).toBe('#GP');
    expect(runAlone(INVPCID(mmu, INVPCID_TYPE.ADDRESS, { pcid: 1, page: 2 ** 40 }))).toBe('#GP');
    runAlone(MOV_CR4(mmu, CR4.PGE));
    expect(mmu.CR3.peek().pcid).toBe(0);
    expect(runAlone(INVPCID(mmu, INVPCID_TYPE.SINGLE, { pcid: 1 }))).toBe('#GP');
    expect(runAlone(MOV_CR3(mmu, { ...root(tables), pcid: 0 }, true))).toBe('#GP');
    const without = oneCpu().mmu;
    without.CR4.store(0);
    expect(runAlone(MOV_CR4(without, ON))).toBe('#GP');
  });
});

/** A global page, and two addresses of a large one. */
const GLOBAL = 1;
const LARGE = 512 ** 2;
const PAGES = [0, GLOBAL, 512, 513, LARGE, LARGE + 7];
const page = fc.constantFrom(...PAGES);
const pcid = fc.integer({ min: 1, max: 3 });
const flag = fc.boolean();
const op = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('access' as const),
      access: fc.record({ page, write: flag, user: flag }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('change' as const),
      pcid,
      page,
      pfn: fc.integer({ min: 1, max: 99 }),
      flags: fc.record({ RW: flag, US: flag, XD: flag }),
      by: fc.constantFrom('address', 'single', 'all', 'toggle'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('switch' as const), pcid, NOFLUSH: flag }) },
);
type Op = typeof op extends fc.Arbitrary<infer T> ? T : never;
type Change = Op & { readonly op: 'change' };

/** Three address spaces, each with its PCID. A global page is the same in all of them, as software has to see to. */
function change(spaces: readonly Tables[], { flags, page: of, pcid: tag, pfn }: Change): void {
  const level = of >= LARGE ? 1 : 0;
  const entry = leaf(pfn * 512, { ...flags, G: of === GLOBAL }, level);
  for (const [i, tables] of spaces.entries()) if (of === GLOBAL || i === tag - 1) tables.set(of, entry, level);
}

/** Enough for a change of the page's entries. */
function* invalidate(mmu: Mmu, spaces: readonly Tables[], { by, page: of, pcid: tag }: Change): Flow<void> {
  if (by === 'all') yield* INVPCID(mmu, INVPCID_TYPE.ALL_GLOBAL, { pcid: 0 });
  else if (by === 'toggle') yield* toggled(mmu);
  else {
    yield* INVLPG(mmu, of);
    if (by === 'address') yield* INVPCID(mmu, INVPCID_TYPE.ADDRESS, { pcid: tag, page: of });
    else if (tag !== mmu.CR3.peek().pcid) yield* INVPCID(mmu, INVPCID_TYPE.SINGLE, { pcid: tag });
    else yield* MOV_CR3(mmu, { ...root(spaces[tag - 1]!), pcid: tag });
  }
}

it('changes that are followed by the instruction that they need are seen by every access', () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 40 }), (ops) => {
      const machines = ([{}, { fills: 'does not' }] as const).map((options) => {
        const { mmu, tables } = oneCpu(options);
        return { mmu, spaces: [tables, new Tables(tables.memory), new Tables(tables.memory)] };
      });
      const cached = machines[0]!;
      for (const each of ops) {
        const answers = machines.map(({ mmu, spaces }) => {
          if (each.op === 'access') return runAlone(accessMemory(mmu, each.access));
          if (each.op === 'change') change(spaces, each);
          else runAlone(MOV_CR3(mmu, { ...root(spaces[each.pcid - 1]!), pcid: each.pcid }, each.NOFLUSH));
          return null;
        });
        if (each.op === 'change') runAlone(invalidate(cached.mmu, cached.spaces, each));
        expect(answers[0]).toEqual(answers[1]);
      }
    }),
    runs(600),
  );
});
