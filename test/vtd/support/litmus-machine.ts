/**
 * A device, software and a VT-d unit as threads of the checker. Pages 0 and 1 lead to frames 0x100 and 0x101; what software changes
 * makes them lead to 0x200 and 0x201. Then it invalidates, waits for the status, and says so.
 */
import { ATOMIC, Cell, type CheckTest, type Flow, LOCKED, until, type World } from '../../../src/check/index.ts';
import {
  type Choices,
  capabilities,
  eviction,
  invalidationThread,
  NO_PASID,
  READ,
  RecordedMemory,
  type RecordedUnit,
  recordedUnit,
  translate,
  Walk,
} from '../../../src/hw/index.ts';

/** QI, PT, NEST, PASID, SMTS, SSTS, FSTS; no flags in the second stage. */
const ECAP_BITS = [1, 6, 26, 40, 43, 46, 47] as const;
const CAPS = capabilities(
  0x1d2008c222f0606n,
  ECAP_BITS.reduce((word, bit) => word | (1n << BigInt(bit)), 0xf00n),
  48,
);
const RID = 0x10;
export const DID = 5;
export const PASID = 3;
const STATUS = 7;
const NEW = 0x200;
/** Guest frames of pages 0 and 1, before and after a change of the first stage. */
const GUEST = 0x40;
const GUEST_NEW = 0x50;
/** P, R/W, U/S, A. */
const USER = 0x27;

export type Type = 'legacy' | 'second' | 'first' | 'nested';

/** What software changes: a leaf or the entry above it (of the first stage, if there is one), a leaf of the second stage below, ... */
export type Change = 'leaf' | 'upper' | 'second-leaf' | 'context' | 'pasid-entry';

/** Four int32 halves. */
export type Descriptor = readonly [number, number, number, number];

export interface Scenario {
  readonly type: Type;
  readonly change: Change;
  readonly invalidation: readonly Descriptor[];
  /** The pages of the device's two accesses. */
  readonly pages?: readonly number[];
  readonly choices?: Choices;
  /** A planted bug. */
  readonly plant?: (unit: RecordedUnit) => void;
  /** A cache that drops what it has, once, at some point. */
  readonly evicts?: 'contexts' | 'pasids' | 'iotlb' | 'structures';
  readonly memory?: 'sc' | 'tso';
}

interface Store {
  readonly frame: number;
  readonly index: number;
  readonly lo: number;
}

class Machine {
  readonly memory: RecordedMemory;
  readonly unit: RecordedUnit;
  private readonly world: World;
  private readonly done: Cell<number>;
  private readonly queue: number;
  private readonly status: number;
  private readonly changes: Store[] = [];

  constructor(world: World, { change, choices, plant, type }: Scenario) {
    this.world = world;
    this.memory = new RecordedMemory(world);
    this.done = new Cell(world, 'invalidated', 0);
    const root = this.table();
    const context = this.table();
    this.queue = this.table();
    this.status = this.table();
    this.put(root, 0, context, 1);
    if (type === 'legacy') this.legacy(context, change);
    else this.scalable(context, type, change);
    this.unit = recordedUnit(world, CAPS, this.memory, { frame: root, ttm: type === 'legacy' ? 0 : 1 }, choices);
    this.unit.queue.place(this.queue, 0, false);
    this.unit.queue.enable(true);
    plant?.(this.unit);
  }

  private table(): number {
    return this.memory.allocFrame();
  }

  private put(frame: number, index: number, pointer: number, low: number): void {
    this.memory.store(frame, index, (pointer << 12) | low, 0);
  }

  private willPut(frame: number, index: number, pointer: number, low: number): void {
    this.changes.push({ frame, index, lo: (pointer << 12) | low });
  }

  /** Three levels; `from` and the page after it lead to `to` and the frame after it, and `same` to themselves. Returns the top. */
  private secondStage(from: number, to: number, change: Change | null, same: readonly number[] = []): number {
    const [top, middle, leaf, other] = [this.table(), this.table(), this.table(), this.table()];
    this.put(top, 0, middle, 3);
    this.put(middle, 0, leaf, 3);
    for (const frame of same) this.put(leaf, frame, frame, 3);
    for (const page of [0, 1]) {
      this.put(leaf, from + page, to + page, 3);
      this.put(other, from + page, NEW + page, 3);
    }
    if (same.length > 0) for (const page of [0, 1]) this.put(leaf, GUEST_NEW + page, NEW + page, 3);
    if (change === 'leaf') this.willPut(leaf, from, NEW, 3);
    if (change === 'upper') this.willPut(middle, 0, other, 3);
    return top;
  }

  private legacy(context: number, change: Change): void {
    this.put(context, 2 * RID, this.secondStage(0, 0x100, change), 1);
    this.put(context, 2 * RID + 1, 0, (DID << 8) | 1);
    if (change === 'context') this.willPut(context, 2 * RID, this.secondStage(0, NEW, null), 1);
  }

  private scalable(context: number, type: Type, change: Change): void {
    const directory = this.table();
    this.put(context, 4 * RID, directory, 1);
    this.put(context, 4 * RID + 1, 0, PASID);
    this.put(directory, 0, this.pasidTable(type, change), 1);
    if (change === 'context') {
      const other = this.table();
      this.put(other, 0, this.pasidTable('second', null, NEW), 1);
      this.willPut(context, 4 * RID, other, 1);
    }
  }

  private pasidTable(type: Type, change: Change | null, to = 0x100): number {
    const table = this.table();
    const entry = 8 * PASID;
    const second = 1 | (1 << 2) | (2 << 6);
    this.put(table, entry + 1, 0, DID);
    if (type === 'second') {
      this.put(table, entry, this.secondStage(0, to, change), second);
      if (change === 'pasid-entry') this.willPut(table, entry, this.secondStage(0, NEW, null), second);
      return table;
    }
    const isNested = type === 'nested';
    const { frames, top } = this.firstStage(isNested, change);
    this.put(table, entry + 2, top, 0);
    if (!isNested) this.put(table, entry, 0, 1 | (1 << 6));
    else {
      const below = this.secondStage(GUEST, to, change === 'second-leaf' ? 'leaf' : null, frames);
      this.put(table, entry, below, 1 | (1 << 2) | (3 << 6));
    }
    return table;
  }

  private firstStage(isNested: boolean, change: Change | null): { frames: readonly number[]; top: number } {
    const frames = [this.table(), this.table(), this.table(), this.table(), this.table()];
    const [top, third, second, leaf, other] = frames as [number, number, number, number, number];
    const now = isNested ? GUEST : 0x100;
    const later = isNested ? GUEST_NEW : NEW;
    this.put(top, 0, third, USER);
    this.put(third, 0, second, USER);
    this.put(second, 0, leaf, USER);
    for (const page of [0, 1]) {
      this.put(leaf, page, now + page, USER);
      this.put(other, page, later + page, USER);
    }
    if (change === 'leaf') this.willPut(leaf, 0, later, USER);
    if (change === 'upper') this.willPut(second, 0, other, USER);
    return { frames, top };
  }

  *software(invalidation: readonly Descriptor[]): Flow<void> {
    const { memory, unit, world } = this;
    for (const { frame, index, lo } of this.changes) {
      yield;
      memory.store(frame, index, lo, 0);
    }
    if (invalidation.length > 0) {
      const all = [...invalidation, [0x25, STATUS, this.status << 12, 0] as const];
      yield ATOMIC;
      for (const [i, [a, b, c, d]] of all.entries()) {
        memory.store(this.queue, 2 * i, a, b);
        memory.store(this.queue, 2 * i + 1, c, d);
      }
      yield LOCKED;
      unit.queue.setTail(16 * all.length);
      yield until(
        world,
        'status',
        () => memory.peekHi(this.status, 0) === 0 && memory.peekLo(this.status, 0) === STATUS,
      );
    }
    yield;
    this.done.store(1);
  }

  /** An access that is an old one fails if it begins, or is still under way, after software has seen the invalidation complete. */
  *device(pages: readonly number[]): Flow<void> {
    for (const page of pages) {
      const walk = new Walk();
      walk.sourceId = RID;
      walk.pasid = NO_PASID;
      walk.page = page;
      walk.access = READ;
      yield;
      const isLate = this.done.load() === 1;
      const fault = yield* translate(this.unit.state, walk);
      // In one step with the end of the walk.
      const isLater = this.done.load() === 1;
      if (fault !== 0) throw new Error(`fault 0x${fault.toString(16)}`);
      if (walk.pfn >= NEW) continue;
      if (isLate) throw new Error(`page ${page}: a translation that begins after the invalidation is old`);
      if (isLater) throw new Error(`page ${page}: a walk that began before the invalidation outlives it`);
    }
  }
}

/** `unit`: the thread of the queue. */
export function staleHit(scenario: Scenario, unit = invalidations): CheckTest {
  return {
    name: 'stale hit',
    expect: 'holds',
    ...(scenario.memory === undefined ? {} : { memory: scenario.memory }),
    program: (world) => {
      const machine = new Machine(world, scenario);
      return {
        threads: {
          device: machine.device(scenario.pages ?? [0, 0]),
          software: machine.software(scenario.invalidation),
          unit: { daemon: unit(world, machine.unit) },
          ...(scenario.evicts === undefined ? {} : { hardware: eviction(machine.unit, scenario.evicts) }),
        },
      };
    },
  };
}

function invalidations(_world: World, unit: RecordedUnit): Flow<void> {
  return invalidationThread(unit);
}
