/** The invalidation queue: every reserved bit of every descriptor, what else is no good, what stops it and how it goes on. */
import { afterAll, describe, expect, it } from 'vitest';
import { encode, getField, type Layout } from '../../src/base/layout.ts';
import {
  DESCRIPTORS,
  type DeviceTlbAnswer,
  type DeviceTlbInvalidation,
  FULL_UNIT,
  INV_WAIT_DSC,
  SparseMemory,
  VtdUnit,
} from '../../src/hw/index.ts';

const QUEUE = 0x8000n;
const STATUS = 0x20000n;
const FSTS = 0x34;
const IQE = 0x10n;
const ICE = 0x20n;
const ITE = 0x40n;

let checks = 0;
afterAll(() => console.info(`vt-d shapes: ${checks} descriptors`));

/** A good descriptor of each type. */
const GOOD: Readonly<Record<number, bigint>> = {
  1: 0x11n,
  2: 0x12n,
  3: 0x3n,
  5: 0x25n | (7n << 32n) | (STATUS << 64n),
  6: 0x26n,
  7: 0x37n,
  8: 0x8n,
  9: 0x9n,
};

class Queue {
  readonly memory = new SparseMemory([[0n, 0x100_0000n]]);
  readonly messages: string[] = [];
  readonly asked: DeviceTlbInvalidation[] = [];
  readonly unit: VtdUnit;
  tail = 0;
  private readonly width: number;

  constructor(isWide = false, answer: DeviceTlbAnswer = 'completed', ecap = FULL_UNIT.ecap, cap = FULL_UNIT.cap) {
    this.width = isWide ? 32 : 16;
    this.unit = new VtdUnit({
      cap,
      ecap,
      haw: 48,
      memory: this.memory,
      interrupts: { message: (address, data) => this.messages.push(`${address.toString(16)} ${data}`) },
      deviceTlbs: {
        invalidate: (invalidation) => {
          this.asked.push(invalidation);
          return answer;
        },
      },
    });
    this.unit.write(0x90, 8, QUEUE | (isWide ? 0x800n : 0n));
    this.unit.write(0x18, 4, 1n << 26n);
  }

  put(at: number, descriptor: bigint): void {
    for (let word = 0; word < this.width / 8; word++) {
      this.memory.write(QUEUE + BigInt(at + 8 * word), (descriptor >> BigInt(64 * word)) & (2n ** 64n - 1n));
    }
  }

  /** Adds descriptors, and sets the tail. */
  submit(...descriptors: readonly bigint[]): void {
    for (const descriptor of descriptors) {
      this.put(this.tail, descriptor);
      this.tail = (this.tail + this.width) % 4096;
    }
    this.ring();
  }

  ring(): void {
    this.unit.write(0x88, 8, BigInt(this.tail));
  }

  get head(): number {
    return Number(this.unit.read(0x80, 8));
  }

  get status(): bigint {
    return this.unit.read(FSTS, 4);
  }

  /** The status word, once written. */
  get written(): bigint {
    return this.memory.read(STATUS) & 0xffffffffn;
  }
}

const WAIT = GOOD[5]!;

function expectStopped(queue: Queue, at: number, what: string): void {
  checks++;
  expect({ what, head: queue.head, iqe: queue.status & IQE, written: queue.written }).toEqual({
    what,
    head: at,
    iqe: IQE,
    written: 0n,
  });
}

/** A wait in the place of what was no good: the queue goes on once IQE is cleared, and not before. */
function expectGoesOn(queue: Queue, at: number, what: string): void {
  queue.put(at, WAIT);
  queue.ring();
  expect(queue.head, what).toBe(at);
  queue.unit.write(FSTS, 4, IQE);
  expect({ what, head: queue.head, status: queue.status & 0x70n, written: queue.written }).toEqual({
    what,
    head: queue.tail,
    status: 0n,
    written: 7n,
  });
}

describe.each([false, true])('descriptors of 256 bits: %s', (isWide) => {
  const width = isWide ? 32 : 16;

  it('good ones are consumed, each type', () => {
    for (const [type, descriptor] of Object.entries(GOOD)) {
      const queue = new Queue(isWide);
      queue.submit(descriptor, WAIT);
      checks++;
      expect({ type, head: queue.head, status: queue.status, written: queue.written }).toEqual({
        type,
        head: 2 * width,
        status: 0n,
        written: 7n,
      });
    }
  });

  it('each reserved bit of each type stops the queue there', () => {
    for (const [type, descriptor] of Object.entries(GOOD)) {
      for (const bit of reservedBits(DESCRIPTORS[Number(type)]!, isWide)) {
        const queue = new Queue(isWide);
        queue.submit(GOOD[1]!, descriptor | (1n << BigInt(bit)), WAIT);
        const what = `type ${type}, bit ${bit}`;
        expectStopped(queue, width, what);
        expectGoesOn(queue, width, what);
      }
    }
  });

  it('what is no descriptor, or asks for nothing that there is, stops the queue', () => {
    const none: readonly (readonly [string, bigint])[] = [
      ...[0, 10, 11, 12, 13, 14, 15].map((type) => [`type ${type}`, BigInt(type)] as const),
      ['context cache, granularity 0', 0x01n],
      ['IOTLB, granularity 0', 0x02n],
      ['PASID cache, granularity 2', 0x27n],
      ['PASID-based IOTLB, granularity 0', 0x06n],
      ['PASID-based IOTLB, granularity 1', 0x16n],
      ['a wait for nothing', 0x05n],
      ['an address mask beyond MAMV', 0x32n | (19n << 64n)],
      ['interrupt entry cache without interrupt remapping', 0x04n],
    ];
    for (const [what, descriptor] of none) {
      const queue = new Queue(isWide);
      queue.submit(descriptor, WAIT);
      expectStopped(queue, 0, what);
      expectGoesOn(queue, 0, what);
    }
  });

  it('goes round', () => {
    const queue = new Queue(isWide);
    const all = 4096 / width;
    for (let i = 0; i < 2 * all + 3; i++) {
      queue.submit((WAIT & ~(0xffffffffn << 32n)) | (BigInt(i + 1) << 32n));
      checks++;
      expect(queue.written).toBe(BigInt(i + 1));
      expect(queue.head).toBe(queue.tail);
    }
  });
});

function reservedBits(table: Layout, isWide: boolean): number[] {
  const found: number[] = [];
  for (const field of Object.values(table.fields)) {
    if (field.kind !== 'reserved') continue;
    for (let bit = field.low; bit <= field.high; bit++) found.push(bit);
  }
  if (isWide) for (let bit = 128; bit < 256; bit++) found.push(bit);
  return found;
}

describe('what a unit has not', () => {
  it.each([
    [3, 1n << 2n],
    [6, 1n << 43n],
    [7, 1n << 43n],
    [8, 1n << 2n],
    [9, 1n << 29n],
  ] as const)('type %i needs its capability', (type, capability) => {
    const queue = new Queue(false, 'completed', FULL_UNIT.ecap & ~capability);
    queue.submit(GOOD[type]!, WAIT);
    expectStopped(queue, 0, `type ${type}`);
  });

  it('page-selective invalidation needs CAP.PSI', () => {
    const queue = new Queue(false, 'completed', FULL_UNIT.ecap, FULL_UNIT.cap & ~(1n << 39n));
    queue.submit(0x32n, WAIT);
    expectStopped(queue, 0, 'page-selective');
  });
});

describe('places', () => {
  it('a tail between descriptors of 256 bits, and a queue that nothing answers for, stop it', () => {
    const wide = new Queue(true);
    wide.unit.write(0x88, 8, 16n);
    expect(wide.status & IQE).toBe(IQE);
    const away = new Queue();
    away.unit.write(0x18, 4, 0n);
    away.unit.write(0x90, 8, 0x4000_0000n);
    away.unit.write(0x18, 4, 1n << 26n);
    away.unit.write(0x88, 8, 16n);
    expect(away.status & IQE).toBe(IQE);
    const beyond = new Queue();
    beyond.unit.write(0x88, 8, 4096n);
    expect(beyond.status & IQE).toBe(IQE);
  });
});

describe('waits', () => {
  const wait = (values: Readonly<Record<string, number>>) =>
    encode(INV_WAIT_DSC, { TYPE: 5, STATUS_ADDR: Number(STATUS / 4n), STATUS_DATA: 9, ...values });

  it('write, interrupt, or both; the upper half of a word too', () => {
    for (const [SW, IF] of [
      [1, 0],
      [0, 1],
      [1, 1],
    ] as const) {
      const queue = new Queue();
      queue.unit.write(0xa0, 4, 0n);
      queue.unit.write(0xa4, 4, 0x55n);
      queue.unit.write(0xa8, 4, 0xfee00000n);
      queue.submit(wait({ SW, IF }));
      expect(queue.written).toBe(SW === 1 ? 9n : 0n);
      expect(queue.unit.read(0x9c, 4)).toBe(BigInt(IF));
      expect(queue.messages).toEqual(IF === 1 ? ['fee00000 85'] : []);
      // IWC is set: no further message until it is cleared.
      queue.submit(wait({ SW, IF }));
      expect(queue.messages).toHaveLength(IF);
      queue.unit.write(0x9c, 4, 1n);
      expect(queue.unit.read(0x9c, 4)).toBe(0n);
    }
    const queue = new Queue();
    queue.memory.write(STATUS, 0x1111_1111_2222_2222n);
    queue.submit(wait({ SW: 1, STATUS_ADDR: Number(STATUS / 4n) + 1 }));
    expect(queue.memory.read(STATUS)).toBe(0x9_2222_2222n);
  });

  it('a masked event is pending, and sent when it is unmasked', () => {
    const queue = new Queue();
    queue.submit(wait({ IF: 1 }));
    expect(queue.messages).toEqual([]);
    expect(queue.unit.read(0xa0, 4) >> 30n).toBe(3n);
    queue.unit.write(0xa0, 4, 0n);
    expect(queue.messages).toHaveLength(1);
    expect(queue.unit.read(0xa0, 4)).toBe(0n);
  });
});

describe('device TLBs', () => {
  const invalidation = 3n | (0x10n << 32n) | (1n << 64n) | (0x3n << 76n);

  it('a wait is complete when the device has answered', () => {
    const queue = new Queue(false, 'later');
    queue.submit(invalidation, WAIT);
    expect(queue.asked).toEqual([{ sourceId: 0x10, pasid: -1, page: 0, pages: 8 }]);
    expect([queue.head, queue.written]).toEqual([16, 0n]);
    queue.unit.deviceTlbCompleted();
    expect([queue.head, queue.written, queue.status]).toEqual([32, 7n, 0n]);
  });

  it('a time-out sets ITE and aborts waits that are in the queue; later ones count', () => {
    const queue = new Queue(false, 'later');
    queue.submit(invalidation, WAIT, WAIT);
    queue.unit.deviceTlbTimedOut();
    expect([queue.head, queue.written, queue.status & ITE]).toEqual([16, 0n, ITE]);
    queue.unit.write(FSTS, 4, ITE);
    expect([queue.head, queue.written, queue.status]).toEqual([48, 0n, 0n]);
    queue.submit(WAIT);
    expect([queue.head, queue.written]).toEqual([64, 7n]);
  });

  it('an answer that nobody waits for sets ICE, which stops the queue', () => {
    const queue = new Queue();
    queue.unit.deviceTlbCompleted();
    expect(queue.status & ICE).toBe(ICE);
    queue.submit(WAIT);
    expect([queue.head, queue.written]).toEqual([0, 0n]);
    queue.unit.write(FSTS, 4, ICE);
    expect([queue.head, queue.written]).toEqual([16, 7n]);
  });

  it('PASID-based ones say of which PASID, and sizes are read from the address', () => {
    for (const [bits, pages] of [
      [0n, 2],
      [1n, 4],
      [3n, 8],
      [2n ** 51n - 1n, 2 ** 52],
    ] as const) {
      const queue = new Queue();
      queue.submit(8n | (0x10n << 16n) | (0x5n << 32n) | (1n << 75n) | (bits << 76n));
      checks++;
      expect(queue.asked[0]).toEqual({ sourceId: 0x10, pasid: 5, page: 0, pages });
    }
    expect(getField(invalidation, DESCRIPTORS[3]!.fields['SID']!)).toBe(0x10n);
  });
});
