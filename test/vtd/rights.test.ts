/**
 * Rights: every combination over the levels of each stage, against a few lines that say what they come to. Each set of tables is asked
 * all accesses one after the other, without caches, with them, and in caching mode: what is cached changes no answer.
 */
import { describe, it } from 'vitest';
import { EXECUTE, READ, WRITE } from '../../src/hw/vtd/caches.ts';
import { Machine, type MachineOptions, request, UNCACHED } from './support/machine.ts';
import { Shape } from './support/shape.ts';
import { legacyWay, scalableWay, type Way, type WayOptions } from './support/tables.ts';

const shape = new Shape('rights');

const CACHES: readonly (readonly [string, MachineOptions])[] = [
  ['without caches', { choices: UNCACHED }],
  ['with caches', {}],
  ['in caching mode', { cap: { CM: 1 } }],
];

const WPE = 1n << 132n;
const NXE = 1n << 133n;
const SMEP = 1n << 134n;

class Tables {
  readonly machine: Machine;
  readonly way: Way;

  constructor(options: MachineOptions, way: Partial<WayOptions> | null) {
    this.machine = new Machine(options);
    this.way = way === null ? legacyWay(this.machine) : scalableWay(this.machine, way);
    this.machine.start(this.way.root, this.way.mode);
  }

  /** Entries of the request's way through one stage, from the top. */
  entries(structure: 'first' | 'second', purpose = 'request'): bigint[] {
    return this.way.steps.filter((s) => s.structure === structure && s.purpose === purpose).map((s) => s.address);
  }

  /** Sets the bits of an entry among `mask`. */
  set(address: bigint, mask: bigint, value: bigint): void {
    this.machine.put(address, (this.machine.word(address) & ~mask) | value);
  }

  /** PASID table entry, bits 255:128. */
  pasid(mask: bigint, value: bigint): void {
    const { address } = this.way.steps.find((step) => step.structure === 'pasid')!;
    this.set(address + 16n, mask >> 128n, value >> 128n);
  }

  forget(): void {
    this.machine.unit.state.caches.dropAll();
  }

  /** The answer is `code`, 0: translated. The first record is left: later faults of the source are one with it. */
  asks(access: number, privileged: boolean, code: number, what: () => string): void {
    const { sourceId, pasid, page, pfn } = this.way;
    this.machine.access(request({ sourceId, pasid, page, access, privileged }));
    const { unit } = this.machine;
    shape.equal(unit.reason, code, () => `${what()}, access ${access}, ${privileged ? 'supervisor' : 'user'}`);
    if (code === 0) shape.equal(unit.walk.pfn, pfn, what);
  }
}

/** Second stage: all entries allow it. */
function secondOracle(entries: readonly number[], access: number): boolean {
  return entries.every((entry) => entry !== 0 && (entry & access & 3) === (access & 3));
}

interface Bits {
  readonly write: boolean;
  readonly user: boolean;
  readonly noExecute: boolean;
}

interface Modes {
  readonly wpe: boolean;
  readonly nxe: boolean;
  readonly smep: boolean;
}

/** First stage (the CPU's rules), from the entries of all levels to a reason, or 0. */
function firstOracle(entries: readonly Bits[], { wpe, nxe, smep }: Modes, access: number, privileged: boolean): number {
  if (!nxe && entries.some(({ noExecute }) => noExecute)) return 0x72;
  const user = entries.every((entry) => entry.user);
  if (!privileged && !user) return 0x81;
  if ((access & WRITE) !== 0 && !entries.every(({ write }) => write) && !(privileged && !wpe)) return 0x85;
  const cannotExecute = entries.some(({ noExecute }) => noExecute) || (privileged && smep && user);
  return (access & EXECUTE) !== 0 && cannotExecute ? 0x82 : 0;
}

function firstBits(value: number): Bits {
  return { write: (value & 1) !== 0, user: (value & 2) !== 0, noExecute: (value & 4) !== 0 };
}

const FIRST_MASK = (1n << 63n) | 6n;

function firstWord({ write, user, noExecute }: Bits): bigint {
  return (write ? 2n : 0n) | (user ? 4n : 0n) | (noExecute ? 1n << 63n : 0n);
}

const digits = (value: number, base: number, count: number) =>
  Array.from({ length: count }, (_, i) => Math.floor(value / base ** i) % base);

for (const [how, options] of CACHES) {
  describe(how, () => {
    it('second stage: R and W of four levels', () => {
      for (const way of [null, { kind: 'second' as const }]) {
        const tables = new Tables(options, way);
        const addresses = tables.entries('second');
        for (let all = 0; all < 256; all++) {
          const rights = digits(all, 4, 4);
          for (const [i, address] of addresses.entries()) tables.set(address, 3n, BigInt(rights[i]!));
          tables.forget();
          for (const access of [READ, WRITE, READ | WRITE, WRITE, READ]) {
            const denied = way === null ? (access & WRITE ? 0x05 : 0x06) : 0x79;
            const code = secondOracle(rights, access) ? 0 : denied;
            tables.asks(access, false, code, () => `${rights}`);
          }
        }
      }
    });

    it('first stage: R/W, U/S and XD of four levels, by WPE, NXE and SMEP', () => {
      const tables = new Tables(options, { kind: 'first' });
      const addresses = tables.entries('first');
      for (let mode = 0; mode < 8; mode++) {
        const modes = { wpe: (mode & 1) !== 0, nxe: (mode & 2) !== 0, smep: (mode & 4) !== 0 };
        tables.pasid(WPE | NXE | SMEP, (modes.wpe ? WPE : 0n) | (modes.nxe ? NXE : 0n) | (modes.smep ? SMEP : 0n));
        // All of them without caches, else each fifth.
        for (let all = 0; all < 4096; all += how === 'without caches' ? 1 : 5) {
          const entries = digits(all, 8, 4).map(firstBits);
          for (const [i, address] of addresses.entries()) tables.set(address, FIRST_MASK, firstWord(entries[i]!));
          tables.forget();
          for (const privileged of [false, true]) {
            for (const access of [READ, WRITE, READ | EXECUTE]) {
              const code = firstOracle(entries, modes, access, privileged);
              tables.asks(access, privileged, code, () => `${all.toString(8)}, modes ${mode}`);
            }
          }
        }
      }
    });

    it('nested: both stages', () => {
      const tables = new Tables(options, { kind: 'nested' });
      const first = tables.entries('first');
      const second = tables.entries('second');
      for (let mode = 0; mode < 8; mode++) {
        const modes = { wpe: (mode & 1) !== 0, nxe: (mode & 2) !== 0, smep: (mode & 4) !== 0 };
        tables.pasid(WPE | NXE | SMEP, (modes.wpe ? WPE : 0n) | (modes.nxe ? NXE : 0n) | (modes.smep ? SMEP : 0n));
        for (let all = 0; all < 64 * 16; all++) {
          const [top, leaf, below, last] = [all % 8, (all >> 3) % 8, (all >> 6) % 4, all >> 8] as const;
          const entries = [firstBits(top), firstBits(leaf)];
          tables.set(first[0]!, FIRST_MASK, firstWord(entries[0]!));
          tables.set(first[3]!, FIRST_MASK, firstWord(entries[1]!));
          tables.set(second[0]!, 3n, BigInt(below));
          tables.set(second[second.length - 1]!, 3n, BigInt(last));
          tables.forget();
          for (const privileged of [false, true]) {
            for (const access of [READ, WRITE, READ | EXECUTE]) {
              const refused = firstOracle(entries, modes, access, privileged);
              const code = refused !== 0 || secondOracle([below, last], access) ? refused : 0x79;
              tables.asks(access, privileged, code, () => `${all.toString(8)}, modes ${mode}`);
            }
          }
        }
      }
    });

    it('nested: what the second stage allows of first-stage tables, which are written to set flags', () => {
      for (let level = 0; level < 4; level++) {
        for (let bits = 0; bits < 16; bits++) {
          const [rights, isAccessed, isDirty] = [bits & 3, (bits & 4) !== 0, (bits & 8) !== 0];
          for (const access of [READ, WRITE]) {
            const tables = new Tables(options, { kind: 'nested' });
            const step = tables.way.steps.filter(({ structure }) => structure === 'first')[level]!;
            tables.set(step.address, 0x60n, (isAccessed ? 0x20n : 0n) | (isDirty ? 0x40n : 0n));
            tables.set(step.pointer!, 3n, BigInt(rights));
            const mustWrite = !isAccessed || (step.isLeaf && access === WRITE && !isDirty);
            const cannotRead = step.isTop ? 0x75 : 0x76;
            const code = (rights & 1) === 0 ? cannotRead : mustWrite && (rights & 2) === 0 ? 0x77 : 0;
            for (let again = 0; again < 2; again++)
              tables.asks(access, false, code, () => `level ${step.level}, ${bits}`);
          }
        }
      }
    });
  });
}

describe('SRE and ERE', () => {
  it('let supervisor requests and requests to execute through', () => {
    for (const kind of ['first', 'nested', 'pass-through'] as const) {
      for (let bits = 0; bits < 4; bits++) {
        const tables = new Tables({}, { kind });
        tables.pasid(3n << 128n, BigInt(bits) << 128n);
        for (const privileged of [false, true, false]) {
          for (const access of [READ, READ | EXECUTE, WRITE]) {
            const noSupervisor = privileged && (bits & 1) === 0;
            const noExecute = (access & EXECUTE) !== 0 && (bits & 2) === 0;
            tables.asks(access, privileged, noSupervisor ? 0x5d : noExecute ? 0x5c : 0, () => `${kind}, ${bits}`);
          }
        }
      }
    }
  });

  it('RID_PRIV makes requests without PASID supervisor requests', () => {
    for (const ridPriv of [0n, 1n << 84n]) {
      const tables = new Tables({}, { kind: 'first', pasid: -1, contextBits: ridPriv });
      const [top] = tables.entries('first');
      tables.set(top!, 4n, 0n);
      tables.asks(READ, false, ridPriv === 0n ? 0x81 : 0, () => `RID_PRIV ${ridPriv}`);
    }
  });
});

describe('accessed and dirty flags', () => {
  const EAFE = 1n << 135n;
  const SSADE = 1n << 9n;

  it('of the first stage: A at each level, D in the leaf of a write, EA with EAFE', () => {
    for (const kind of ['first', 'nested'] as const) {
      for (const firstLeaf of [0, 1, 2]) {
        for (const extended of [0n, EAFE]) {
          const tables = new Tables({}, { kind, firstLeaf, pasidBits: extended });
          const entries = tables.entries('first');
          for (const [access, dirty] of [
            [READ, 0n],
            [WRITE, 0x40n],
            [READ, 0x40n],
          ] as const) {
            tables.asks(access, false, 0, () => kind);
            for (const [i, address] of entries.entries()) {
              const isLeaf = i === entries.length - 1;
              const expected = 0x20n | (isLeaf ? dirty : 0n) | (extended === 0n ? 0n : 0x400n);
              shape.equal(tables.machine.word(address) & 0x460n, expected, () => `${kind} ${firstLeaf} entry ${i}`);
            }
          }
        }
      }
    }
  });

  it('of the second stage, with SSADE: of the page, and of first-stage tables that are written', () => {
    for (const kind of ['second', 'nested'] as const) {
      for (const pasidBits of [0n, SSADE]) {
        for (const secondLeaf of [0, 1, 2]) {
          const tables = new Tables({}, { kind, secondLeaf, pasidBits });
          const steps = tables.way.steps.filter(({ structure }) => structure === 'second');
          for (const [access, dirty] of [
            [READ, 0n],
            [WRITE, 0x200n],
          ] as const) {
            tables.asks(access, false, 0, () => kind);
            for (const { address, isLeaf, purpose, level } of steps) {
              // First-stage tables are written at once: their entries have no A yet.
              const leaf = isLeaf ? (purpose === 'request' ? dirty : 0x200n) : 0n;
              const expected = pasidBits === 0n ? 0n : 0x100n | leaf;
              shape.equal(tables.machine.word(address) & 0x300n, expected, () => `${kind} ${purpose} level ${level}`);
            }
          }
        }
      }
    }
  });

  it('cannot be set by walks that do not snoop', () => {
    for (const [kind, code, bits] of [
      ['first', 0x90, 0n],
      ['second', 0x7c, SSADE],
      ['nested', 0x7c, SSADE],
    ] as const) {
      for (const SMPWCS of [0, 1]) {
        const tables = new Tables({ ecap: { SMPWCS } }, { kind, pasidBits: bits });
        const { address } = tables.way.steps.find(({ structure }) => structure === 'pasid')!;
        tables.set(address + 8n, 1n << 23n, 0n);
        tables.asks(READ, false, SMPWCS === 1 ? code : 0, () => kind);
      }
    }
  });
});
