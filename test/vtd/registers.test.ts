/**
 * Registers: every offset with every size; bits that software reads, writes, clears or sets off, after what VT-d 11.4 says of each
 * register, written out here.
 */
import { describe, it } from 'vitest';
import { FSTS_OFFSET, GCMD_OFFSET, GSTS_OFFSET, ICS_OFFSET } from '../../src/hw/vtd/registers.ts';
import { Queue } from './support/invalidations.ts';
import { FAULTS, IOTLB, IVA, Machine, type MachineOptions, QIE, request, SRTP, TE } from './support/machine.ts';
import { Shape } from './support/shape.ts';

const shape = new Shape('registers');

interface Expected {
  readonly offset: number;
  readonly size: 4 | 8;
  readonly writable: bigint;
  /** Read as zero. */
  readonly hidden?: bigint;
  /** What it reads as in the beginning. */
  readonly reset?: bigint;
}

function span(high: number, low: number): bigint {
  return (1n << BigInt(high + 1)) - (1n << BigInt(low));
}

const ALL_32 = span(31, 0);

function event(offset: number): Expected[] {
  return [
    { offset, size: 4, writable: 1n << 31n, reset: 1n << 31n },
    { offset: offset + 4, size: 4, writable: ALL_32 },
    { offset: offset + 8, size: 4, writable: span(31, 2) },
    { offset: offset + 12, size: 4, writable: ALL_32 },
  ];
}

function registers(isScalable: boolean, isQueued: boolean, machine: Machine): Expected[] {
  const { cap, ecap } = machine.unit.caps;
  const queue: Expected[] = [
    { offset: 0x80, size: 8, writable: 0n },
    { offset: 0x88, size: 8, writable: span(18, 4) },
    { offset: 0x90, size: 8, writable: span(63, 12) | 7n | (isScalable ? 0x800n : 0n) },
    { offset: 0x9c, size: 4, writable: 0n },
    ...event(0xa0),
  ];
  return [
    { offset: 0x00, size: 4, writable: 0n, reset: 0x60n },
    { offset: 0x08, size: 8, writable: 0n, reset: cap },
    { offset: 0x10, size: 8, writable: 0n, reset: ecap },
    { offset: 0x18, size: 4, writable: 0n },
    { offset: 0x1c, size: 4, writable: 0n },
    { offset: 0x20, size: 8, writable: span(63, isScalable ? 10 : 12) },
    { offset: 0x28, size: 8, writable: span(62, 61) | span(33, 0), hidden: span(33, 16) },
    { offset: 0x34, size: 4, writable: 0n },
    ...event(0x38),
    ...(isQueued ? queue : []),
    { offset: IVA, size: 8, writable: span(63, 12) | span(6, 0) },
    { offset: IOTLB, size: 8, writable: span(61, 60) | span(49, 32) },
    { offset: FAULTS, size: 8, writable: 0n },
    { offset: FAULTS + 8, size: 8, writable: 0n },
  ];
}

/** Numbers that look random, the same each time. */
function numbers(seed: number): () => bigint {
  let state = seed;
  const word = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return BigInt((state ^ (state >>> 15)) >>> 0);
  };
  return () => (word() << 32n) | word();
}

/** All words as software reads them. */
function contents({ unit }: Machine): bigint[] {
  return Array.from({ length: 512 }, (_, i) => unit.read(8 * i, 8));
}

function same(a: readonly bigint[], b: readonly bigint[], what: () => string): void {
  for (const [i, word] of a.entries()) shape.equal(word, b[i]!, () => `${what()}: offset ${8 * i}`);
}

function isSame(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const UNITS: readonly (readonly [string, boolean, boolean, MachineOptions])[] = [
  ['scalable', true, true, {}],
  ['legacy', false, true, { ecap: { SMTS: 0 } }],
  ['without a queue', false, false, { ecap: { SMTS: 0, QI: 0 } }],
];

for (const [name, isScalable, isQueued, options] of UNITS) {
  describe(name, () => {
    it('reads as it does after reset, and as zero where there is nothing', () => {
      const machine = new Machine(options);
      const { unit } = machine;
      const known = registers(isScalable, isQueued, machine);
      for (let offset = 0; offset < 0x1000; offset += 4) {
        const at = known.find((r) => offset >= r.offset && offset < r.offset + r.size);
        const word = at === undefined ? 0n : ((at.reset ?? 0n) >> BigInt(8 * (offset - at.offset))) & ALL_32;
        shape.equal(unit.read(offset, 4), word, () => `offset ${offset}`);
        if (offset % 8 !== 4) continue;
        const both = unit.read(offset - 4, 4) | (unit.read(offset, 4) << 32n);
        shape.equal(unit.read(offset - 4, 8), both, () => `offset ${offset - 4}, 8 bytes`);
      }
    });

    it('takes accesses of 4 and 8 bytes at multiples of that, and no others', () => {
      const machine = new Machine(options);
      const { unit } = machine;
      const known = registers(isScalable, isQueued, machine);
      const before = Int32Array.from(unit.registers.words);
      const isKnown = (offset: number, size: number) =>
        known.some((r) => offset < r.offset + r.size && r.offset < offset + size);
      for (let offset = -8; offset < 0x1010; offset++) {
        for (const size of [0, 1, 2, 3, 4, 5, 6, 7, 8, 16]) {
          const isAccess = (size === 4 || size === 8) && offset >= 0 && offset % size === 0 && offset + size <= 0x1000;
          if (isAccess && isKnown(offset, size)) continue;
          shape.equal(unit.read(offset, size), 0n, () => `offset ${offset}, size ${size}`);
          unit.write(offset, size, 2n ** 64n - 1n);
          shape.holds(isSame(unit.registers.words, before), () => `write of ${size} bytes at ${offset}`);
        }
      }
    });

    it('changes the bits that software may write, and no others', () => {
      const machine = new Machine(options);
      const { unit } = machine;
      const next = numbers(1);
      for (const { offset, size, writable, hidden = 0n, reset = 0n } of registers(isScalable, isQueued, machine)) {
        if (offset === GCMD_OFFSET) continue;
        let value = reset;
        for (let round = 0; round < 200; round++) {
          // One-shot bits are a case of their own.
          const isOneShot = offset === 0x28 || offset === IOTLB;
          const written = next() & (isOneShot ? span(62, 32) | span(30, 0) : span(63, 0));
          const half = size === 8 && round % 3 !== 0 ? round % 2 : -1;
          if (half === -1) unit.write(offset, size, written);
          else unit.write(offset + 4 * half, 4, written & ALL_32);
          const [bits, mask] =
            half === -1
              ? [written, writable]
              : [(written & ALL_32) << BigInt(32 * half), writable & (ALL_32 << BigInt(32 * half))];
          value = (value & ~mask) | (bits & mask);
          const others = contents(machine);
          shape.equal(unit.read(offset, size), value & ~hidden & span(8 * size - 1, 0), () => `offset ${offset}`);
          unit.read(offset, size);
          if (round % 20 === 0) same(contents(machine), others, () => 'reading');
        }
      }
    });

    it('takes a write of 8 bytes as two of 4', () => {
      const [a, b] = [new Machine(options), new Machine(options)];
      const next = numbers(2);
      for (let round = 0; round < 40; round++) {
        for (let offset = 0; offset < 0x1000; offset += 8) {
          let value = next();
          if (offset === GCMD_OFFSET) value &= ~QIE;
          if (offset === 0x28 || offset === IOTLB) value &= span(62, 0);
          a.unit.write(offset, 8, value);
          b.unit.write(offset, 4, value & ALL_32);
          b.unit.write(offset + 4, 4, value >> 32n);
        }
        same(contents(a), contents(b), () => `round ${round}`);
        shape.equal(a.unit.state.root, b.unit.state.root, () => 'root');
        shape.equal(a.unit.state.ttm, b.unit.state.ttm, () => 'mode');
      }
    });
  });
}

describe('one-shot bits', () => {
  it('of CCMD: ICC is clear when it is read, CAIG says what was done', () => {
    for (const [domainContextIsGlobal, options] of [
      [false, {}],
      [true, { choices: { domainContextIsGlobal: true } }],
    ] as const) {
      const { unit } = new Machine(options);
      for (let granularity = 0; granularity < 4; granularity++) {
        for (const did of [0n, 7n, 0xffffn]) {
          const command = (1n << 63n) | (BigInt(granularity) << 61n) | did | (0x1234n << 16n) | (3n << 32n);
          const done = granularity === 2 && domainContextIsGlobal ? 1 : granularity;
          const expected = (BigInt(granularity) << 61n) | (BigInt(done) << 59n) | did;
          unit.write(0x28, 8, command);
          shape.equal(unit.read(0x28, 8), expected, () => `CCMD, ${granularity}`);
          unit.write(0x28, 4, command & ALL_32);
          unit.write(0x2c, 4, command >> 32n);
          shape.equal(unit.read(0x28, 8), expected, () => `CCMD in halves, ${granularity}`);
        }
      }
    }
  });

  it('of IOTLB: IVT is clear when it is read, IAIG says what was done', () => {
    for (const [MAMV, PSI] of [
      [0, 1],
      [18, 1],
      [18, 0],
    ] as const) {
      const { unit } = new Machine({ cap: { MAMV, PSI } });
      for (let granularity = 0; granularity < 4; granularity++) {
        for (let mask = 0; mask < 64; mask++) {
          const command = (1n << 63n) | (BigInt(granularity) << 60n) | (0x7n << 32n) | (3n << 48n);
          unit.write(IVA, 8, BigInt(mask));
          unit.write(IOTLB, 8, command);
          const done = granularity === 3 && (PSI === 0 || mask > MAMV) ? 2 : granularity;
          const expected = (command & ~(1n << 63n)) | (BigInt(done) << 57n);
          shape.equal(unit.read(IOTLB, 8), expected, () => `IOTLB, ${granularity}, mask ${mask}, MAMV ${MAMV}`);
        }
      }
    }
  });

  it('of GCMD: GSTS says what is set and enabled', () => {
    const bits = [31n, 30n, 29n, 28n, 27n, 26n, 25n, 24n, 23n, 22n, 0n];
    for (const QI of [0, 1]) {
      for (const IR of [0, 1]) {
        const machine = new Machine({ ecap: { QI, IR } });
        const { unit } = machine;
        let pointers = 0n;
        const check = (command: bigint) => {
          unit.write(GCMD_OFFSET, 4, command);
          const enables = TE | (QI === 1 ? QIE : 0n) | (IR === 1 ? 1n << 25n : 0n);
          pointers |= command & (SRTP | (IR === 1 ? 1n << 24n : 0n));
          shape.equal(unit.read(GSTS_OFFSET, 4), (command & enables) | pointers, () => `GSTS after ${command}`);
          shape.equal(unit.read(GCMD_OFFSET, 4), 0n, () => 'GCMD');
        };
        for (const bit of bits) {
          check(1n << bit);
          check(0n);
          check(TE | (1n << bit));
          check(TE);
        }
      }
    }
  });
});

describe('bits that a one clears', () => {
  it('of FSTS: each by itself, and PPF and FRI by none', () => {
    for (let written = 0; written < 512; written++) {
      const machine = new Machine();
      const { unit } = machine;
      machine.start(machine.frames(), 0);
      machine.access(request({ sourceId: 1 }));
      machine.access(request({ sourceId: 2 }));
      const queue = new Queue(machine, 16);
      queue.add(0n);
      queue.tell();
      unit.deviceTlbCompleted();
      unit.deviceTlbTimedOut();
      shape.equal(unit.read(FSTS_OFFSET, 4), 0x73n, () => 'all set');
      // The bad descriptor is one no more.
      machine.put(queue.address, 0x11n);
      const value = BigInt((written & 0xff) | (written & 0x100 ? 0xffffff00 : 0)) & ALL_32;
      unit.write(FSTS_OFFSET, 4, value);
      shape.equal(unit.read(FSTS_OFFSET, 4), 0x73n & ~(value & 0x71n), () => `FSTS after ${written}`);
      const stands = (value & 0x70n) !== 0x70n;
      shape.equal(queue.head, stands ? 0 : 16, () => `head after ${written}`);
    }
  });

  it('of ICS: IWC', () => {
    const machine = new Machine();
    const queue = new Queue(machine, 16);
    queue.add(0x15n);
    queue.tell();
    shape.equal(machine.unit.read(ICS_OFFSET, 4), 1n, () => 'IWC');
    machine.unit.write(ICS_OFFSET, 4, ALL_32 - 1n);
    shape.equal(machine.unit.read(ICS_OFFSET, 4), 1n, () => 'IWC after other bits');
    machine.unit.write(ICS_OFFSET, 4, 1n);
    shape.equal(machine.unit.read(ICS_OFFSET, 4), 0n, () => 'IWC after a one');
  });
});
