/**
 * The shape of a test of every structure: each entry on an access's way, in every mode, depth and page size, is made absent, given each of
 * its reserved bits, and put where nothing answers; each defect is exactly one fault, recorded as it should be, or not recorded under FPD.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { type Capabilities, capabilities, FULL_UNIT, type VtdUnit } from '../../src/hw/index.ts';
import { type Entry, type Mode, type Options, Tables } from './support/tables.ts';

const FIVE = capabilities(FULL_UNIT.cap | (1n << 60n) | (0b01110n << 8n) | (56n << 16n), FULL_UNIT.ecap, 48);
/** Without snoop control and device TLBs: bits 11 and 62 of a leaf are reserved; 46 bits. */
const PLAIN = capabilities(FULL_UNIT.cap, FULL_UNIT.ecap & ~((1n << 7n) | (1n << 2n)), 46);
/** Faults that are recorded whatever FPD says: no entry that has it was reached. */
const UNQUALIFIED = new Set([1, 8, 9, 0xa, 0x38, 0x39, 0x3a, 0x40]);

let checks = 0;
afterAll(() => console.info(`vt-d shapes: ${checks} defects of entries`));

interface Shape {
  readonly caps: Capabilities;
  readonly options: Options;
}

function shapes(): Shape[] {
  const all: Shape[] = [];
  const levelsOf: Record<Mode, readonly number[]> = {
    legacy: [3, 4, 5],
    second: [3, 4, 5],
    first: [4, 5],
    nested: [4],
  };
  for (const mode of ['legacy', 'second', 'first', 'nested'] as const) {
    for (const levels of levelsOf[mode]) {
      for (const size of [0, 1, 2]) {
        for (const write of [false, true]) {
          for (const caps of levels === 5 ? [FIVE] : [FULL_UNIT, PLAIN])
            all.push({ caps, options: { mode, levels, size, write } });
        }
      }
    }
  }
  return all;
}

function nameOf({ caps, options: { levels, mode, size, write } }: Shape): string {
  const page = ['4 KiB', '2 MiB', '1 GiB'][size];
  return `${mode}, ${levels} levels, ${page}, ${write ? 'write' : 'read'}, ${caps.haw} bits${caps.snoopControl ? '' : ', plain'}`;
}

/** What the access comes to, and what is recorded of it. */
function outcome(tables: Tables): { end: string; code: number; recorded: string } {
  const unit = tables.unit();
  const end = tables.access(unit);
  return { end, code: unit.reason, recorded: recordOf(unit) };
}

function recordOf(unit: VtdUnit): string {
  const { faultOffset } = unit.caps;
  const low = unit.read(faultOffset, 8);
  const high = unit.read(faultOffset + 8, 8);
  if (high >> 63n === 0n) return 'none';
  const sid = (high & 0xffffn).toString(16);
  return `${((high >> 32n) & 0xffn).toString(16)} ${sid} ${low.toString(16)} ${(high >> 62n) & 1n} ${(high >> 31n) & 1n}`;
}

/** `code` of this access as FRCD has it. */
function expected(tables: Tables, code: number): string {
  const address = (BigInt(tables.page) << 12n).toString(16);
  return `${code.toString(16)} 1283 ${address} ${tables.options.write ? 0 : 1} 0`;
}

function expectFault(tables: Tables, code: number, what: string): void {
  checks++;
  const got = outcome(tables);
  expect({ what, ...got }).toEqual({ what, end: 'faulted', code, recorded: expected(tables, code) });
}

/** The same with FPD in an entry that is reached before, or with, the defect. */
function expectQuiet(tables: Tables, defect: Entry, code: number, what: string): void {
  for (const entry of tables.entries) {
    if (entry.fpd) {
      const was = tables.word(entry, 0);
      tables.setWord(entry, 0, was | 2n);
      checks++;
      const { code: got, end } = outcome(tables);
      // An entry that cannot be read has no FPD to be seen.
      const isSeen = entry !== defect || tables.memory.hole === -1;
      const isQuiet = !UNQUALIFIED.has(code) && isSeen;
      expect({ what, fpd: entry.name, end, code: got }).toEqual({
        what,
        fpd: entry.name,
        end: isQuiet ? 'blocked' : 'faulted',
        code,
      });
      tables.setWord(entry, 0, was);
    }
    if (entry === defect) return;
  }
}

function tryDefect(tables: Tables, entry: Entry, code: number, what: string): void {
  expectFault(tables, code, what);
  expectQuiet(tables, entry, code, what);
}

function tryEntry(tables: Tables, entry: Entry): void {
  const [absent, reserved, unreadable] = entry.codes;
  const first = tables.word(entry, 0);
  tables.setWord(entry, 0, first & ~entry.present);
  tryDefect(tables, entry, absent, `${entry.name} is absent`);
  tables.setWord(entry, 0, first);
  tables.memory.hole = entry.frame;
  tryDefect(tables, entry, unreadable, `${entry.name} cannot be read`);
  tables.memory.hole = -1;
  for (let bit = 0; bit < 64 * entry.words; bit++) {
    if (((entry.reserved >> BigInt(bit)) & 1n) === 0n) continue;
    const word = bit >> 6;
    const was = tables.word(entry, word);
    tables.setWord(entry, word, was | (1n << BigInt(bit & 63)));
    tryDefect(tables, entry, reserved, `${entry.name} has reserved bit ${bit}`);
    tables.setWord(entry, word, was);
  }
}

describe('every entry, absent, with each reserved bit, and unreadable', () => {
  for (const shape of shapes()) {
    it(nameOf(shape), () => {
      const tables = new Tables(shape.caps, shape.options);
      const good = outcome(tables);
      expect(good).toEqual({ end: 'translated', code: 0, recorded: 'none' });
      const unit = tables.unit();
      tables.access(unit);
      expect(unit.walk.pfn).toBe(tables.target);
      for (const entry of tables.entries) tryEntry(tables, entry);
    });
  }
});

describe('every bit that is not reserved', () => {
  it('of a paging entry but rights, pointer and size changes nothing', () => {
    for (const shape of shapes()) {
      const tables = new Tables(shape.caps, shape.options);
      for (const entry of tables.entries.filter(({ name }) => name.includes('stage'))) {
        for (let bit = 52; bit < 64; bit++) {
          if (((entry.reserved >> BigInt(bit)) & 1n) === 1n) continue;
          const was = tables.word(entry, 0);
          tables.setWord(entry, 0, was | (1n << BigInt(bit)));
          checks++;
          expect(outcome(tables).end, `${entry.name}, bit ${bit}`).toBe('translated');
          tables.setWord(entry, 0, was);
        }
      }
    }
  });
});
