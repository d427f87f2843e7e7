/** Fault recording: one and several records, collapse by source, overflow, FRI, PPF, and the fault event. */
import { describe, it } from 'vitest';
import { READ, WRITE } from '../../src/hw/vtd/caches.ts';
import { FECTL_OFFSET, FSTS_OFFSET, IQT_OFFSET } from '../../src/hw/vtd/registers.ts';
import { TRANSLATION_REQUEST } from '../../src/hw/vtd/walk.ts';
import { Queue } from './support/invalidations.ts';
import { FAULTS, Machine, type MachineOptions, request } from './support/machine.ts';
import { faults, isBlocked, record, translates } from './support/recorded.ts';
import { Shape } from './support/shape.ts';
import { legacyWay, scalableWay } from './support/tables.ts';

const shape = new Shape('faults');
const PFO = 1n;
const PPF = 2n;
const IQE = 0x10n;
const IM = 0x80000000n;
const IP = 0x40000000n;

/** A unit whose root table is empty: each source's request is a fault of its own. */
class Bench {
  readonly machine: Machine;

  constructor(records: number, options: MachineOptions = {}) {
    this.machine = new Machine({ ...options, cap: { NFR: records - 1, ...options.cap } });
    this.machine.start(this.machine.frames(), 0);
  }

  fault(sourceId: number): void {
    this.machine.access(request({ sourceId, page: 0x1000 + sourceId }));
  }

  fsts(expected: bigint, what: () => string): void {
    shape.equal(this.machine.unit.read(FSTS_OFFSET, 4), expected, () => `${what()}: FSTS`);
  }

  clearOverflow(): void {
    this.machine.unit.write(FSTS_OFFSET, 4, PFO);
  }

  /** Record `index` holds the fault of a source; 0: it is free. */
  holds(index: number, sourceId: number, what: () => string): void {
    const { unit } = this.machine;
    const high = unit.read(FAULTS + 16 * index + 8, 8);
    if (sourceId === 0) {
      shape.equal(high >> 63n, 0n, () => `${what()}: record ${index}`);
      return;
    }
    const [low, expected] = record(request({ sourceId, page: 0x1000 + sourceId }), 0x01);
    shape.equal(high, expected, () => `${what()}: record ${index}`);
    shape.equal(unit.read(FAULTS + 16 * index, 8), low, () => `${what()}: record ${index}`);
  }
}

const fri = (index: number) => BigInt(index) << 8n;

describe('records', () => {
  it('are filled in turn, and one more fault is an overflow until software has cleared it', () => {
    for (const records of [1, 2, 3, 8]) {
      const bench = new Bench(records);
      let next = 0;
      for (let round = 0; round < 5; round++) {
        const first = next;
        const what = () => `${records} records, round ${round}`;
        for (let i = 0; i < records; i++) {
          bench.fault(i + 1);
          bench.fsts(PPF | fri(first), what);
          bench.holds((first + i) % records, i + 1, what);
        }
        bench.fault(100);
        bench.fsts(PFO | PPF | fri(first), what);
        for (let i = 0; i < records; i++) bench.holds((first + i) % records, i + 1, what);
        // One record is free again, but nothing is recorded while PFO is set.
        bench.machine.clearRecord(first);
        if (records > 1) bench.fsts(PFO | PPF | fri(first), what);
        bench.fault(101);
        bench.holds(first, 0, what);
        bench.clearOverflow();
        bench.fault(102);
        bench.holds(first, 102, what);
        for (let i = 0; i < records; i++) {
          const isLast = i === records - 1;
          bench.machine.clearRecord((first + i) % records);
          shape.equal(bench.machine.unit.read(FSTS_OFFSET, 4) & ~0xff00n, isLast ? 0n : PPF, what);
        }
        next = (first + 1) % records;
      }
    }
  });

  it('take a source once', () => {
    for (const records of [1, 4]) {
      const bench = new Bench(records);
      for (let again = 0; again < 3; again++) bench.fault(5);
      bench.fsts(PPF, () => 'once');
      bench.holds(0, 5, () => 'once');
      for (let index = 1; index < records; index++) bench.holds(index, 0, () => 'once');
      bench.machine.clearRecord();
      bench.fsts(0n, () => 'cleared');
      bench.fault(5);
      bench.holds(1 % records, 5, () => 'again');
      bench.fsts(PPF | fri(1 % records), () => 'again');
    }
  });

  it('keep PPF until the last is cleared, in whatever order, and FRI what it was', () => {
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 3, 0, 2],
    ]) {
      const bench = new Bench(4);
      for (let sourceId = 1; sourceId <= 4; sourceId++) bench.fault(sourceId);
      for (const [i, index] of order.entries()) {
        bench.fsts(PPF, () => `${order}`);
        // Writing zeros, or other bits, clears nothing.
        bench.machine.unit.write(FAULTS + 16 * index + 8, 8, (1n << 63n) - 1n);
        bench.machine.unit.write(FAULTS + 16 * index, 8, 2n ** 64n - 1n);
        bench.holds(index, index + 1, () => `${order}`);
        bench.machine.unit.write(FAULTS + 16 * index + 12, 4, IM);
        bench.holds(index, 0, () => `${order}`);
        shape.equal(bench.machine.unit.read(FSTS_OFFSET, 4) & PPF, i === 3 ? 0n : PPF, () => `${order}`);
      }
    }
  });

  it('hold PASIDs of 20 bits, pages of 52, and the kind of the request', () => {
    for (const pasid of [-1, 0, 1, 0x80000, 0xfffff]) {
      for (const page of [0, 1, 0xfffff, 0x100000, 2 ** 51, 2 ** 52 - 1]) {
        for (const access of [READ, WRITE, READ | 4]) {
          for (const privileged of [false, true]) {
            const machine = new Machine();
            machine.start(machine.frames(), 1);
            for (const sourceId of [0, 0xffff]) {
              const asked = request({ sourceId, pasid, page, access, privileged });
              faults(shape, machine, asked, 0x39, () => `PASID ${pasid}, page ${page}`);
            }
          }
        }
      }
    }
  });
});

describe('the fault event', () => {
  const state = ({ machine }: Bench, messages: number, control: bigint, what: string) => {
    shape.equal(machine.messages.length, messages, () => `${what}: messages`);
    shape.equal(machine.unit.read(FECTL_OFFSET, 4), control, () => `${what}: FECTL`);
  };
  const unmask = ({ machine }: Bench) => {
    machine.unit.write(FECTL_OFFSET + 4, 4, 0x4321n);
    machine.unit.write(FECTL_OFFSET + 8, 4, 0xfee02004n);
    machine.unit.write(FECTL_OFFSET + 12, 4, 0x1n);
    machine.unit.write(FECTL_OFFSET, 4, 0n);
  };

  it('is sent at once, or kept while it is masked', () => {
    const bench = new Bench(2);
    state(bench, 0, IM, 'in the beginning');
    bench.fault(1);
    state(bench, 0, IM | IP, 'masked');
    unmask(bench);
    state(bench, 1, 0n, 'unmasked');
    const [message] = bench.machine.messages;
    shape.equal(message!.address, 0x1fee02004n, () => 'address');
    shape.equal(message!.data, 0x4321, () => 'data');
    bench.machine.clearRecord(0);
    bench.fault(2);
    state(bench, 2, 0n, 'again');
  });

  it('is forgotten if software sees to the fault before it unmasks', () => {
    const bench = new Bench(1);
    bench.fault(1);
    state(bench, 0, IM | IP, 'masked');
    bench.machine.clearRecord(0);
    state(bench, 0, IM, 'seen to');
    unmask(bench);
    state(bench, 0, 0n, 'unmasked');
    bench.fault(2);
    bench.fault(3);
    state(bench, 1, 0n, 'an overflow is no event');
    bench.machine.unit.write(FECTL_OFFSET, 4, IM);
    state(bench, 1, IM, 'masked again');
  });

  it('is none while another bit of FSTS is set', () => {
    for (const records of [1, 4]) {
      const bench = new Bench(records);
      unmask(bench);
      for (let sourceId = 1; sourceId < 10; sourceId++) bench.fault(sourceId);
      state(bench, 1, 0n, 'several faults');
      const queue = new Queue(bench.machine, 16);
      queue.add(0n);
      queue.tell();
      shape.equal(bench.machine.unit.read(FSTS_OFFSET, 4) & IQE, IQE, () => 'IQE');
      state(bench, 1, 0n, 'IQE while faults are there');
      bench.clearOverflow();
      for (let index = 0; index < records; index++) bench.machine.clearRecord(index);
      bench.fault(20);
      state(bench, 1, 0n, 'a fault while IQE is there');
      for (let index = 0; index < records; index++) bench.machine.clearRecord(index);
      bench.machine.unit.write(IQT_OFFSET, 8, 0n);
      bench.machine.unit.write(FSTS_OFFSET, 4, IQE);
      bench.fault(21);
      state(bench, 2, 0n, 'all seen to');
    }
  });

  it('is sent for the queue too', () => {
    const bench = new Bench(1);
    unmask(bench);
    const queue = new Queue(bench.machine, 32);
    queue.add(0n);
    queue.tell();
    state(bench, 1, 0n, 'IQE');
  });
});

describe('the interrupt range', () => {
  it('is no memory for requests without PASID, and faults as a result', () => {
    for (const isLegacy of [true, false]) {
      const machine = new Machine();
      const way = isLegacy ? legacyWay(machine) : scalableWay(machine, { pasid: -1 });
      machine.start(way.root, way.mode);
      const { sourceId } = way;
      for (const page of [0xfee00, 0xfee80, 0xfeeff]) {
        shape.equal(machine.access(request({ sourceId, page, access: WRITE })), 'interrupt', () => 'message');
      }
      for (const [frame, isInRange] of [
        [0xfedff, false],
        [0xfee00, true],
        [0xfeeff, true],
        [0xfef00, false],
      ] as const) {
        for (const iotlbBySource of [false, true]) {
          const choices = { iotlbBySource };
          const other = new Machine({ choices });
          const made = isLegacy ? legacyWay(other) : scalableWay(other, { pasid: -1 });
          other.put(made.steps[made.steps.length - 1]!.address, (BigInt(frame) << 12n) | 3n);
          other.start(made.root, made.mode);
          const asked = request({ sourceId, page: made.page });
          // The second time from the IOTLB.
          for (let again = 0; again < 2; again++) {
            if (isInRange) faults(shape, other, asked, isLegacy ? 0x0e : 0x87, () => `${frame}, ${again}`);
            else translates(shape, other, asked, frame, () => `${frame}, ${again}`);
          }
        }
      }
    }
  });

  it('is memory for requests with PASID', () => {
    for (const kind of ['first', 'second', 'nested'] as const) {
      const machine = new Machine();
      const way = scalableWay(machine, { kind, page: 0xfee12 });
      machine.start(way.root, way.mode);
      const { sourceId, pasid, page } = way;
      translates(shape, machine, request({ sourceId, pasid, page }), way.pfn, () => kind);
    }
    const machine = new Machine();
    const way = scalableWay(machine, { kind: 'pass-through' });
    machine.start(way.root, way.mode);
    const { sourceId, pasid } = way;
    faults(shape, machine, request({ sourceId, pasid, page: 0xfee12 }), 0x87, () => 'pass-through');
  });
});

describe('a translation request', () => {
  const rightsOf = (machine: Machine) => machine.unit.walk.rights & 3;

  it('is answered without rights where a page is not present, and a fault where tables are no good', () => {
    for (const kind of ['legacy', 'first', 'second', 'nested'] as const) {
      const machine = new Machine({ choices: { iotlb: 0, structures: 0 } });
      const way = kind === 'legacy' ? legacyWay(machine) : scalableWay(machine, { kind });
      if (kind === 'legacy') machine.put(way.steps[1]!.address, machine.word(way.steps[1]!.address) | 4n);
      machine.start(way.root, way.mode);
      const { sourceId, pasid, page } = way;
      for (const access of [READ, WRITE]) {
        const asked = request({ sourceId, pasid, page, access, addressType: TRANSLATION_REQUEST });
        for (const { address, structure, purpose, level } of way.steps) {
          if (purpose !== 'request' || (structure !== 'first' && structure !== 'second')) continue;
          const good = machine.word(address);
          const what = () => `${kind}, ${structure} ${level}`;
          machine.put(address, good & ~3n);
          shape.equal(machine.access(asked), 'translated', what);
          shape.equal(rightsOf(machine), 0, what);
          shape.equal(machine.unit.read(FSTS_OFFSET, 4), 0n, what);
          machine.put(address, good | (1n << 50n));
          faults(shape, machine, asked, kind === 'legacy' ? 0x0c : structure === 'first' ? 0x72 : 0x7a, what);
          machine.put(address, good);
        }
        translates(shape, machine, asked, way.pfn, () => kind);
      }
    }
  });

  it('for reading and writing is answered with what of it there is', () => {
    for (const kind of ['legacy', 'first', 'second', 'nested'] as const) {
      for (const rights of [1, 2, 3]) {
        if (kind === 'first' && rights === 2) continue;
        const machine = new Machine();
        const way = kind === 'legacy' ? legacyWay(machine) : scalableWay(machine, { kind });
        if (kind === 'legacy') machine.put(way.steps[1]!.address, machine.word(way.steps[1]!.address) | 4n);
        machine.start(way.root, way.mode);
        const leaf = way.steps[way.steps.length - 1]!.address;
        machine.put(leaf, (machine.word(leaf) & ~3n) | BigInt(rights));
        const { sourceId, pasid, page } = way;
        const asked = request({ sourceId, pasid, page, access: READ | WRITE, addressType: TRANSLATION_REQUEST });
        for (let again = 0; again < 2; again++) {
          translates(shape, machine, asked, way.pfn, () => `${kind}, ${rights}`);
          shape.equal(rightsOf(machine), rights, () => `${kind}, ${rights}: rights`);
        }
      }
    }
  });

  it('is blocked where FPD is set and the fault is one that is recorded', () => {
    const machine = new Machine();
    const way = scalableWay(machine, { contextBits: 2n });
    machine.start(way.root, way.mode);
    const { address } = way.steps[3]!;
    machine.put(address, 0n);
    const { sourceId, pasid, page } = way;
    const asked = request({ sourceId, pasid, page, addressType: TRANSLATION_REQUEST });
    isBlocked(shape, machine, asked, 0x59, () => 'FPD');
  });
});
