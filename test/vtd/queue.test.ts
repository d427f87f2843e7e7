/**
 * The invalidation queue: every reserved bit of every descriptor, and all else that is no good, stops it where it is; it goes on once the
 * descriptor is repaired and FSTS cleared. Waits, wrap-around.
 */
import { describe, it } from 'vitest';
import { ICS_OFFSET, IECTL_OFFSET, IQA_OFFSET, IQT_OFFSET } from '../../src/hw/vtd/registers.ts';
import { HOLE, QIE } from './support/machine.ts';
import { Bench, IQE, WIDTHS } from './support/queue-bench.ts';
import { bitsOf, Shape } from './support/shape.ts';

const shape = new Shape('queue');

function span(high: number, low: number): bigint {
  return (1n << BigInt(high + 1)) - (1n << BigInt(low));
}

interface Descriptor {
  readonly name: string;
  /** Bits 127:0 of a good one. */
  readonly good: bigint;
  /** Bits that must be zero. */
  readonly reserved: bigint;
}

/** By type (facts: Linux intel/iommu.h). */
const DESCRIPTORS: readonly Descriptor[] = [
  { name: 'cc_inv', good: 0x11n, reserved: span(15, 6) | span(127, 50) },
  { name: 'iotlb_inv', good: 0x12n, reserved: span(15, 8) | span(63, 32) | span(75, 71) },
  { name: 'dev_tlb_inv', good: 0x03n, reserved: span(11, 4) | span(31, 21) | span(51, 48) | span(75, 65) },
  { name: 'iec_inv', good: 0x04n, reserved: span(26, 5) | span(127, 48) },
  { name: 'inv_wait', good: 0x45n, reserved: span(31, 8) | span(65, 64) },
  { name: 'p_iotlb_inv', good: 0x26n, reserved: span(15, 6) | span(63, 52) | span(75, 71) },
  { name: 'pc_inv', good: 0x37n, reserved: span(15, 6) | span(127, 52) },
  { name: 'p_dev_tlb_inv', good: 0x08n, reserved: span(11, 9) | span(74, 65) },
  { name: 'page_grp_resp', good: 0x09n, reserved: span(11, 6) | span(63, 52) | span(65, 64) | span(127, 76) },
];

function words(low: bigint, upper = 0n): bigint[] {
  const mask = 2n ** 64n - 1n;
  return [low & mask, low >> 64n, upper & mask, upper >> 64n];
}

describe('a descriptor that is no good', () => {
  for (const width of WIDTHS) {
    it(`reserved bits, ${8 * width} bits`, () => {
      const bench = new Bench(shape, width);
      for (const { name, good, reserved } of DESCRIPTORS) {
        bench.passes(words(good), () => name);
        for (const bit of bitsOf(reserved)) {
          bench.stopsAt(words(good | (1n << BigInt(bit))), good, () => `${name}, bit ${bit}`);
        }
        if (width === 16) continue;
        for (let bit = 0; bit < 128; bit++) {
          bench.stopsAt(words(good, 1n << BigInt(bit)), good, () => `${name}, bit ${128 + bit}`);
        }
      }
      // Private data of a page group response.
      if (width === 32) bench.passes(words(0x29n, span(127, 0)), () => 'private data');
    });

    it(`all other bits, ${8 * width} bits`, () => {
      const bench = new Bench(shape, width);
      for (const { name, good, reserved } of DESCRIPTORS) {
        // The address and status words are not to lie in the queue; granularity is a case of its own.
        for (let bit = 8; bit < 128; bit++) {
          if (((reserved >> BigInt(bit)) & 1n) === 0n) {
            bench.passes(words(good | (1n << BigInt(bit))), () => `${name}, bit ${bit}`);
          }
        }
      }
    });

    it(`types and granularities, ${8 * width} bits`, () => {
      const bench = new Bench(shape, width);
      for (const type of [0, 10, 11, 12, 13, 14, 15]) {
        bench.stopsAt(words(BigInt(type)), 0x11n, () => `type ${type}`);
      }
      for (const [type, granularity] of [
        [1, 0],
        [2, 0],
        [6, 0],
        [6, 1],
        [7, 2],
      ] as const) {
        const bad = BigInt(type) | (BigInt(granularity) << 4n);
        bench.stopsAt(words(bad), 0x11n, () => `type ${type}, granularity ${granularity}`);
      }
      for (const [type, granularity] of [
        [1, 1],
        [1, 2],
        [1, 3],
        [2, 1],
        [2, 2],
        [2, 3],
        [6, 2],
        [6, 3],
        [7, 0],
        [7, 1],
        [7, 3],
      ] as const) {
        bench.passes(words(BigInt(type) | (BigInt(granularity) << 4n)), () => `type ${type}, ${granularity}`);
      }
      bench.stopsAt(words(5n), 0x45n, () => 'a wait for nothing');
    });

    it(`address masks, ${8 * width} bits`, () => {
      for (const [MAMV, PSI] of [
        [0, 1],
        [9, 1],
        [18, 1],
        [63, 1],
        [18, 0],
      ] as const) {
        const bench = new Bench(shape, width, { cap: { MAMV, PSI } });
        for (let mask = 0; mask < 64; mask++) {
          const what = () => `mask ${mask}, MAMV ${MAMV}, PSI ${PSI}`;
          const at = BigInt(mask) << 64n;
          if (PSI === 1 && mask <= MAMV) bench.passes(words(0x32n | at), what);
          else bench.stopsAt(words(0x32n | at), 0x32n & ~0x20n, what);
          // Another granularity has no mask; PASID-based ones take any.
          bench.passes(words(0x22n | at), what);
          bench.passes(words(0x36n | at), what);
        }
      }
    });
  }

  it('is one of a type that the unit has not', () => {
    const cases = [
      [3n, { DT: 0 }],
      [4n, { IR: 0 }],
      [0x26n, { SMTS: 0 }],
      [0x37n, { SMTS: 0 }],
      [8n, { SMTS: 0 }],
      [8n, { DT: 0 }],
      [9n, { PRS: 0 }],
    ] as const;
    for (const [bad, ecap] of cases)
      new Bench(shape, 16, { ecap }).stopsAt(words(bad), 0x11n, () => `${bad} ${JSON.stringify(ecap)}`);
  });
});

describe('the place of the queue', () => {
  it('wraps around, at each size', () => {
    for (const width of WIDTHS) {
      for (const size of [0, 1, 3]) {
        const bench = new Bench(shape, width, {}, size);
        const slots = bench.queue.bytes / width;
        for (let i = 0; i < 2 * slots + 3; i += 3) {
          bench.queue.add(0x11n);
          bench.queue.add(0x12n);
          bench.wait(i + 1);
          bench.queue.tell();
          bench.stands(bench.queue.tail, 0n, () => `turn ${i}`);
          shape.equal(bench.written(), i + 1, () => `turn ${i}`);
        }
      }
    }
  });

  it('has the tail in it, and at a multiple of the width', () => {
    for (const width of WIDTHS) {
      for (const tail of [0x1000, 0x1010, 0x7fff0, width === 32 ? 0x10 : 0x40000]) {
        const bench = new Bench(shape, width);
        // The first descriptor is good, and not looked at.
        bench.machine.put(bench.queue.address, 0x11n);
        bench.machine.unit.write(IQT_OFFSET, 8, BigInt(tail));
        shape.equal(bench.queue.head, 0, () => `tail ${tail}: head`);
        shape.equal(bench.tail, tail, () => `tail ${tail}: tail`);
        shape.equal(bench.fsts, IQE, () => `tail ${tail}: FSTS`);
        bench.wait(5);
        bench.queue.tell();
        bench.stands(0, IQE, () => `tail ${tail}, repaired`);
        bench.clear(IQE);
        bench.stands(bench.queue.tail, 0n, () => `tail ${tail}, cleared`);
        shape.equal(bench.written(), 5, () => `tail ${tail}`);
      }
    }
  });

  it('cannot be where nothing answers', () => {
    for (const width of WIDTHS) {
      const bench = new Bench(shape, width);
      const { unit } = bench.machine;
      const wide = width === 32 ? 0x800n : 0n;
      bench.machine.disable(QIE);
      unit.write(IQA_OFFSET, 8, HOLE | wide);
      bench.machine.enable(QIE);
      bench.queue.add(0x11n);
      bench.queue.tell();
      bench.stands(0, IQE, () => 'in the hole');
      unit.write(IQA_OFFSET, 8, bench.queue.address | wide);
      bench.clear(IQE);
      bench.stands(bench.queue.tail, 0n, () => 'in memory');
    }
  });

  it('is not looked at while the queue is disabled', () => {
    const bench = new Bench(shape, 16);
    bench.machine.disable(QIE);
    bench.wait(3);
    bench.queue.tell();
    bench.stands(0, 0n, () => 'disabled');
    bench.machine.enable(QIE);
    bench.stands(bench.queue.tail, 0n, () => 'enabled');
    bench.machine.disable(QIE);
    shape.equal(bench.queue.head, 0, () => 'head when disabled');
  });
});

describe('a wait', () => {
  const unmask = ({ machine }: Bench) => {
    machine.unit.write(IECTL_OFFSET + 4, 4, 0x1234n);
    machine.unit.write(IECTL_OFFSET + 8, 4, 0xfee01000n);
    machine.unit.write(IECTL_OFFSET, 4, 0n);
  };

  it('tells by status, by interrupt, by both, or by neither', () => {
    for (const width of WIDTHS) {
      for (let flags = 0; flags < 16; flags++) {
        if ((flags & 7) === 0) continue;
        for (let slot = 0; slot < 6; slot++) {
          const bench = new Bench(shape, width);
          unmask(bench);
          bench.wait(0x80000000 + flags, slot, BigInt(flags) << 4n);
          bench.queue.tell();
          const what = () => `flags ${flags}, slot ${slot}`;
          bench.stands(width, 0n, what);
          for (let other = 0; other < 6; other++) {
            const isWritten = other === slot && (flags & 2) !== 0;
            shape.equal(bench.written(other), isWritten ? 0x80000000 + flags : 0, what);
          }
          const interrupts = flags & 1;
          shape.equal(bench.machine.messages.length, interrupts, what);
          shape.equal(bench.machine.unit.read(ICS_OFFSET, 4), BigInt(interrupts), what);
        }
      }
    }
  });

  it('interrupts once until IWC is cleared, and not while it is masked', () => {
    const bench = new Bench(shape, 16);
    const { machine, queue } = bench;
    const waits = () => {
      bench.wait(0, 0, 0x10n);
      queue.tell();
    };
    const state = (messages: number, ics: bigint, control: bigint, what: string) => {
      shape.equal(machine.messages.length, messages, () => what);
      shape.equal(machine.unit.read(ICS_OFFSET, 4), ics, () => what);
      shape.equal(machine.unit.read(IECTL_OFFSET, 4), control, () => what);
    };
    state(0, 0n, 0x80000000n, 'in the beginning');
    waits();
    state(0, 1n, 0xc0000000n, 'masked: pending');
    machine.unit.write(ICS_OFFSET, 4, 1n);
    state(0, 0n, 0x80000000n, 'served while pending');
    waits();
    unmask(bench);
    state(1, 1n, 0n, 'unmasked');
    shape.equal(machine.messages[0]!.data, 0x1234, () => 'data');
    shape.equal(machine.messages[0]!.address, 0xfee01000n, () => 'address');
    waits();
    state(1, 1n, 0n, 'IWC is set already');
    machine.unit.write(ICS_OFFSET, 4, 1n);
    waits();
    state(2, 1n, 0n, 'again');
  });
});
