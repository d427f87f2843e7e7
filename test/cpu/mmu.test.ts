/** The MMU's walk against one written out anew with the layouts, over random tables; error codes, accessed and dirty flags by hand. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { highHalf, joinHalves, lowHalf } from '../../src/base/halves.ts';
import { runAlone } from '../../src/base/index.ts';
import {
  accessMemory,
  CR4,
  indexAt,
  type MemoryAccess,
  type PagingFeatures,
  PF,
  type Translated,
} from '../../src/hw/index.ts';
import { runs } from '../support/domain-arbitraries.ts';
import { leaf, oneCpu, type Tables, TOP } from './support.ts';

const P = 1n << 0n;
const RW = 1n << 1n;
const US = 1n << 2n;
const A = 1n << 5n;
const D = 1n << 6n;
const PS = 1n << 7n;
const XD = 1n << 63n;

/** Chapter 4 read word by word: the answer, and the words that the walk leaves. Nothing is cached. */
function bruteForce(
  read: (table: number, index: number) => bigint,
  root: number,
  access: MemoryAccess,
  { MAXPHYADDR, NXE, Page1GB, WP }: PagingFeatures,
  cr4: number,
): { readonly answer: Translated; readonly flags: ReadonlyMap<string, bigint> } {
  const flags = new Map<string, bigint>();
  const { AC = false, fetch = false, page, user = false, write = false } = access;
  const fault = (why: number) => {
    const I = fetch && (NXE || (cr4 & CR4.SMEP) !== 0) ? PF.I : 0;
    const code = why + (write ? PF.W : 0) + (user ? PF.U : 0) + I;
    return { answer: { exception: '#PF' as const, errorCode: code }, flags };
  };
  let table = root;
  const walked: bigint[] = [];
  for (let level = TOP; level >= 0; level--) {
    const index = Number((BigInt(page) >> BigInt(9 * level)) & 511n);
    const word = read(table, index);
    if ((word & P) === 0n) return fault(0);
    const isPage = level === 0 || (level < TOP && (word & PS) !== 0n);
    const address = word & ((1n << 52n) - (1n << 12n));
    let isReserved = address >> BigInt(MAXPHYADDR) !== 0n || (!NXE && (word & XD) !== 0n);
    if (level === TOP && (word & PS) !== 0n) isReserved = true;
    if (level === 2 && isPage && (!Page1GB || ((word >> 13n) & 0x1ffffn) !== 0n)) isReserved = true;
    if (level === 1 && isPage && ((word >> 13n) & 0xffn) !== 0n) isReserved = true;
    if (isReserved) return fault(PF.P + PF.RSVD);
    walked.push(word);
    if (isPage) {
      const isUser = walked.every((entry) => (entry & US) !== 0n);
      const isWritable = walked.every((entry) => (entry & RW) !== 0n);
      const isExecutable = walked.every((entry) => (entry & XD) === 0n);
      const smap = isUser && (cr4 & CR4.SMAP) !== 0 && !AC;
      const smep = isUser && (cr4 & CR4.SMEP) !== 0;
      let allowed: boolean;
      if (fetch) allowed = isExecutable && (user ? isUser : !smep);
      else if (user) allowed = isUser && (!write || isWritable);
      else allowed = !smap && (!write || isWritable || !WP);
      if (!allowed) return fault(PF.P);
      flags.set(`${table} ${index}`, word | A | (write ? D : 0n));
      const size = 1n << BigInt(12 + 9 * level);
      const pfn = ((address & ~(size - 1n)) | ((BigInt(page) << 12n) & (size - 1n))) >> 12n;
      return { answer: { exception: null, pfn: Number(pfn), level }, flags };
    }
    flags.set(`${table} ${index}`, word | A);
    table = Number(address >> 12n);
  }
  throw new Error('a walk ends at level 0');
}

/** Pages that share tables at each level, and one that does not; both halves of the address space. */
const PAGES = [0, 1, 512, 513, 512 ** 2, 512 ** 3 + 1, 2 ** 52 - 1];
const boolean = fc.boolean();
const mostly = fc.integer({ min: 0, max: 7 }).map((n) => n > 0);
const seldom = mostly.map((yes) => !yes);
const entryBits = fc.record({
  P: mostly,
  RW: mostly,
  US: mostly,
  A: boolean,
  D: boolean,
  G: boolean,
  XD: seldom,
  PAT: boolean,
});
const change = fc.record({
  page: fc.constantFrom(...PAGES),
  level: fc.integer({ min: 0, max: TOP }),
  isPage: seldom,
  bits: entryBits,
  pfn: fc.integer({ min: 1, max: 2 ** 40 - 1 }),
  /** A reserved bit, or one above it all. */
  stray: fc.oneof(
    { weight: 6, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom(7, 13, 14, 20, 29, 45, 46, 51) },
  ),
});
const access: fc.Arbitrary<MemoryAccess> = fc.record({
  page: fc.constantFrom(...PAGES),
  write: boolean,
  user: boolean,
  AC: boolean,
});
const anyAccess = fc.oneof(
  access,
  fc.record({ page: fc.constantFrom(...PAGES), fetch: fc.constant(true), user: boolean }),
);
const features = fc.record({ MAXPHYADDR: fc.constantFrom(40, 46, 52), NXE: mostly, WP: boolean, Page1GB: mostly });
const controls = fc.record({ SMEP: boolean, SMAP: boolean });

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function word(tables: Tables, { bits, isPage, level, page, pfn, stray }: Change): bigint {
  const isLeaf = level === 0 || isPage;
  const target = isLeaf ? pfn - (pfn % 512 ** Math.min(level, 2)) : tables.tableFor(page, level - 1);
  let entry = BigInt(target) << 12n;
  if (bits.P) entry |= P;
  if (bits.RW) entry |= RW;
  if (bits.US) entry |= US;
  if (bits.A) entry |= A;
  if (bits.D) entry |= D;
  if (bits.G) entry |= 1n << 8n;
  if (bits.XD) entry |= XD;
  if (isPage && level > 0) entry |= PS | (bits.PAT ? 1n << 12n : 0n);
  // Bits below the page's own that a leaf has reserved; in a table's address they would lead astray.
  const isOffset = stray !== null && (isLeaf ? level === 0 && stray !== 7 : stray !== 7 || level < TOP);
  return stray === null || isOffset ? entry : entry | (1n << BigInt(stray));
}

function read(tables: Tables, table: number, index: number): bigint {
  return joinHalves(tables.memory.peekLo(table, index), tables.memory.peekHi(table, index));
}

describe('a walk', () => {
  it('answers as chapter 4 of the SDM read word by word, and leaves the same flags', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 12 }),
        anyAccess,
        features,
        controls,
        (changes, request, has, { SMAP, SMEP }) => {
          const cr4 = (SMEP ? CR4.SMEP : 0) | (SMAP ? CR4.SMAP : 0) | CR4.PGE;
          const { mmu, tables } = oneCpu({ ...has, cr4 });
          for (const page of PAGES) tables.set(page, leaf(1000 + (page % 1000)));
          for (const each of changes) {
            const at = tables.tableFor(each.page, each.level);
            const entry = word(tables, each);
            tables.memory.store(at, indexAt(each.page, each.level), lowHalf(entry), highHalf(entry));
          }
          const wanted = bruteForce((table, index) => read(tables, table, index), tables.root, request, has, cr4);
          expect(runAlone(accessMemory(mmu, request))).toEqual(wanted.answer);
          for (const [at, left] of wanted.flags) {
            const [table, index] = at.split(' ').map(Number) as [number, number];
            expect(read(tables, table, index)).toBe(left);
          }
        },
      ),
      runs(1500),
    );
  });

  const PAGE = 5;
  const cases: readonly (readonly [
    what: string,
    entry: bigint | null,
    access: Omit<MemoryAccess, 'page'>,
    code: number | null,
  ])[] = [
    ['a read of what is not mapped', null, {}, 0],
    ['a user write of what is not mapped', null, { write: true, user: true }, PF.W | PF.U],
    ['a user write of a read-only page', leaf(9, { RW: false }), { write: true, user: true }, PF.P | PF.W | PF.U],
    ["a kernel's write of a read-only page (WP)", leaf(9, { RW: false, US: false }), { write: true }, PF.P | PF.W],
    ["a user read of a kernel's page", leaf(9, { US: false }), { user: true }, PF.P | PF.U],
    ['a user fetch from a page with XD', leaf(9, { XD: true }), { fetch: true, user: true }, PF.P | PF.U | PF.I],
    ['a read through an entry with a reserved bit', leaf(9) | (1n << 51n), {}, PF.P | PF.RSVD],
    ['a fetch through an entry with a reserved bit', leaf(9) | (1n << 51n), { fetch: true }, PF.P | PF.RSVD | PF.I],
    ['a user read of a user page', leaf(9), { user: true }, null],
    ['a user write of a writable page', leaf(9), { user: true, write: true }, null],
  ];
  for (const [what, entry, request, code] of cases) {
    it(`of ${what} ${code === null ? 'succeeds' : `raises #PF with error code ${code}`}`, () => {
      const { mmu, tables } = oneCpu();
      tables.set(PAGE, entry ?? 0n);
      const answer = runAlone(accessMemory(mmu, { page: PAGE, ...request }));
      if (code === null) expect(answer).toEqual({ exception: null, pfn: 9, level: 0 });
      else expect(answer).toEqual({ exception: '#PF', errorCode: code });
    });
  }

  it('does not tell a fetch from a read where neither NXE nor SMEP is set', () => {
    const { mmu, tables } = oneCpu({ NXE: false });
    tables.set(PAGE, 0n);
    expect(runAlone(accessMemory(mmu, { page: PAGE, fetch: true }))).toEqual({ exception: '#PF', errorCode: 0 });
  });

  it('of an address that is not canonical raises #GP', () => {
    const { mmu } = oneCpu();
    for (const page of [2 ** 35, 2 ** 52 - 2 ** 35 - 1]) {
      expect(runAlone(accessMemory(mmu, { page }))).toEqual({ exception: '#GP', errorCode: 0 });
    }
  });

  it('of a refused write leaves the leaf neither accessed nor dirty', () => {
    const { mmu, tables } = oneCpu();
    const entry = leaf(9, { RW: false }) & ~A;
    tables.set(PAGE, entry);
    runAlone(accessMemory(mmu, { page: PAGE, write: true, user: true }));
    expect(read(tables, tables.tableFor(PAGE, 0), PAGE)).toBe(entry);
  });

  it('takes the frame behind a large page from the address', () => {
    const { mmu, tables } = oneCpu();
    tables.set(512, leaf(5 * 512, {}, 1), 1);
    expect(runAlone(accessMemory(mmu, { page: 512 + 7 }))).toEqual({ exception: null, pfn: 5 * 512 + 7, level: 1 });
  });

  it('reads one entry a step, and sets a flag in a step of its own', () => {
    const { mmu, tables } = oneCpu({ fills: 'does not' });
    tables.set(PAGE, leaf(9) & ~A);
    const steps = (): number => {
      let count = 0;
      for (const flow = accessMemory(mmu, { page: PAGE }); flow.next().done !== true; ) count++;
      return count;
    };
    // Lookup, four levels, the leaf's A, the access; then without A.
    expect([steps(), steps()]).toEqual([7, 6]);
  });
});
