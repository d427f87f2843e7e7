/** Registers: every offset, both sizes, what a write may change; fault records, their overflow and their interrupt. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { FULL_UNIT, NO_PASID, READ, SparseMemory, VtdUnit, WRITE } from '../../src/hw/index.ts';

const ALL = 0xffffffffn;
let checks = 0;
afterAll(() => console.info(`vt-d shapes: ${checks} accesses to registers`));

function unitOf(messages: string[] = [], nfr = FULL_UNIT.cap): VtdUnit {
  return new VtdUnit({
    cap: nfr,
    ecap: FULL_UNIT.ecap,
    haw: 48,
    memory: new SparseMemory([[0n, 0x1000_0000n]]),
    interrupts: { message: (address, data) => messages.push(`${address.toString(16)} ${data.toString(16)}`) },
  });
}

/** Bits of each 32-bit word that stay as they are written, by offset, from the specification; words that are not here are read-only. */
const WRITABLE: Readonly<Record<number, bigint>> = {
  32: 0xfffffc00n,
  36: ALL,
  56: 1n << 31n,
  60: ALL,
  64: 0xfffffffcn,
  68: ALL,
  136: 0x7fff0n,
  144: 0xfffff807n,
  148: ALL,
  160: 1n << 31n,
  164: ALL,
  168: 0xfffffffcn,
  172: ALL,
  // ECAP.IRO: IVA and IOTLB.
  768: 0xfffff07fn,
  772: ALL,
};
/** Words whose write sets something off: looked at by themselves. */
const COMMANDS = new Set([0x18, 0x1c, 0x28, 0x2c, 0x308, 0x30c]);

describe('every offset and size', () => {
  it('a write changes the bits that are writable, and no others', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: ALL }), fc.bigInt({ min: 0n, max: ALL }), (first, second) => {
        for (let offset = 0; offset < 0x1000; offset += 4) {
          if (COMMANDS.has(offset)) continue;
          const unit = unitOf();
          const mask = WRITABLE[offset] ?? 0n;
          const before = unit.read(offset, 4);
          for (const value of [first, second, ALL, 0n]) {
            unit.write(offset, 4, value);
            checks++;
            expect(unit.read(offset, 4), `offset 0x${offset.toString(16)}`).toBe((before & ~mask) | (value & mask));
          }
        }
      }),
      { numRuns: 3 },
    );
  });

  it('8 bytes are two words', () => {
    for (let offset = 0; offset < 0x1000; offset += 8) {
      if (COMMANDS.has(offset) || COMMANDS.has(offset + 4)) continue;
      const value = 0x1234_5678_9abc_def0n;
      const [one, two] = [unitOf(), unitOf()];
      one.write(offset, 8, value);
      two.write(offset, 4, value & ALL);
      two.write(offset + 4, 4, value >> 32n);
      checks++;
      expect(one.read(offset, 8)).toBe(two.read(offset, 8));
      expect(one.read(offset, 8)).toBe(one.read(offset, 4) | (one.read(offset + 4, 4) << 32n));
    }
  });

  it('other sizes, and what is not aligned or outside, read as zero and change nothing', () => {
    const unit = unitOf();
    for (const [offset, size] of [
      [0x8, 1],
      [0x8, 2],
      [0x9, 4],
      [0xc, 8],
      [-4, 4],
      [0x1000, 4],
      [0xffc, 8],
      [0x8, 16],
    ] as const) {
      checks++;
      expect(unit.read(offset, size)).toBe(0n);
      unit.write(offset, size, ALL);
    }
    expect(unit.read(0x8, 8)).toBe(FULL_UNIT.cap);
    expect(unit.read(0x10, 8)).toBe(FULL_UNIT.ecap);
  });
});

describe('commands', () => {
  it('GCMD cannot be read; GSTS follows TE, QIE and SRTP', () => {
    const unit = unitOf();
    unit.write(0x18, 4, 1n << 31n);
    expect([unit.read(0x18, 4), unit.read(0x1c, 4) >> 31n]).toEqual([0n, 1n]);
    unit.write(0x18, 4, (1n << 31n) | (1n << 26n) | (1n << 30n));
    expect(unit.read(0x1c, 4)).toBe((1n << 31n) | (1n << 26n) | (1n << 30n));
    unit.write(0x18, 4, 0n);
    expect(unit.read(0x1c, 4)).toBe(1n << 30n);
  });

  it('ICC and IVT are clear when the write returns, and the granularity that was done stands beside them', () => {
    for (const granularity of [0n, 1n, 2n, 3n]) {
      const unit = unitOf();
      unit.write(0x28, 8, (1n << 63n) | (granularity << 61n) | (3n << 32n) | (0x1234n << 16n) | 5n);
      expect(unit.read(0x28, 8)).toBe((granularity << 61n) | (granularity << 59n) | 5n);
      unit.write(0x308, 8, (1n << 63n) | (granularity << 60n) | (5n << 32n) | (3n << 48n));
      expect(unit.read(0x308, 8)).toBe((granularity << 60n) | (granularity << 57n) | (5n << 32n) | (3n << 48n));
      checks += 2;
    }
  });

  it('nothing is done until the half with ICC or IVT is written', () => {
    const unit = unitOf();
    unit.write(0x28, 4, 5n);
    expect(unit.read(0x2c, 4)).toBe(0n);
    unit.write(0x2c, 4, (1n << 31n) | (1n << 29n));
    expect(unit.read(0x2c, 4)).toBe((1n << 29n) | (1n << 27n));
  });
});

/** Records in this unit: CAP.NFR + 1, from CAP.FRO on. */
const RECORDS = 8;
const FIRST = 0x220;

describe('fault records', () => {
  /** A root table of zeros: every access faults, with reason 1 in legacy mode. */
  const faulting = (messages: string[] = [], cap = FULL_UNIT.cap): VtdUnit => {
    const unit = unitOf(messages, cap);
    unit.write(0x20, 8, 0x1000n);
    unit.write(0x18, 4, 0xc0000000n);
    return unit;
  };
  const fault = (unit: VtdUnit, sourceId: number) =>
    unit.access(sourceId, NO_PASID, 0x77, sourceId % 2 === 0 ? READ : WRITE);
  const records = (unit: VtdUnit, count = RECORDS) =>
    Array.from({ length: count }, (_, i) => unit.read(FIRST + 16 * i + 8, 8)).map((high) =>
      high >> 63n === 0n ? null : Number(high & 0xffffn),
    );

  it('take sources by turns, one record each; FRI tells the first', () => {
    const unit = faulting();
    for (const sourceId of [1, 2, 1, 3]) fault(unit, sourceId);
    expect(records(unit)).toEqual([1, 2, 3, null, null, null, null, null]);
    expect(unit.read(0x34, 4)).toBe(2n);
    expect(unit.read(FIRST, 8)).toBe(0x77000n);
    expect((unit.read(FIRST + 8, 8) >> 62n) & 1n).toBe(0n);
    expect((unit.read(FIRST + 24, 8) >> 62n) & 1n).toBe(1n);
  });

  it('overflow: PFO, and nothing more until it is cleared', () => {
    const unit = faulting();
    for (let sourceId = 1; sourceId <= RECORDS + 1; sourceId++) fault(unit, sourceId);
    expect(unit.read(0x34, 4)).toBe(3n);
    unit.write(FIRST + 8, 8, 1n << 63n);
    fault(unit, 100);
    expect(records(unit)[0]).toBeNull();
    unit.write(0x34, 4, 1n);
    fault(unit, 101);
    expect(records(unit)[0]).toBe(101);
  });

  it('PPF is there as long as a record is', () => {
    const unit = faulting();
    fault(unit, 1);
    fault(unit, 2);
    unit.write(FIRST + 8, 8, 1n << 63n);
    expect(unit.read(0x34, 4) & 2n).toBe(2n);
    unit.write(FIRST + 24, 8, 1n << 63n);
    expect(unit.read(0x34, 4) & 2n).toBe(0n);
  });

  it('one interrupt for the first; masked ones wait', () => {
    const messages: string[] = [];
    const unit = faulting(messages);
    unit.write(0x3c, 4, 0xabcn);
    unit.write(0x40, 4, 0xfee01000n);
    unit.write(0x44, 4, 0x2n);
    fault(unit, 1);
    expect([messages.length, unit.read(0x38, 4) >> 30n]).toEqual([0, 3n]);
    unit.write(0x38, 4, 0n);
    expect(messages).toEqual(['2fee01000 abc']);
    fault(unit, 2);
    expect(messages).toHaveLength(1);
    unit.write(FIRST + 8, 8, 1n << 63n);
    unit.write(FIRST + 24, 8, 1n << 63n);
    fault(unit, 3);
    expect(messages).toHaveLength(2);
  });

  it('one record is enough for a unit that has one', () => {
    const unit = faulting([], FULL_UNIT.cap & ~(0xffn << 40n));
    fault(unit, 1);
    fault(unit, 1);
    expect(unit.read(0x34, 4)).toBe(2n);
    fault(unit, 2);
    expect(unit.read(0x34, 4)).toBe(3n);
    expect(records(unit, 1)).toEqual([1]);
  });
});
