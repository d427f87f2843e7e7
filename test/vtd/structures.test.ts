/**
 * Every entry on every way: absent, each reserved bit by itself, unreadable: one fault, the right one, recorded as it is to be; and
 * again with FPD in each entry that has it.
 */
import { describe, it } from 'vitest';
import { READ, WRITE } from '../../src/hw/vtd/caches.ts';
import { GCMD_OFFSET, RTADDR_OFFSET } from '../../src/hw/vtd/registers.ts';
import {
  beyondPointers,
  codesOf,
  type Features,
  ignoredOf,
  isQualified,
  presence,
  reservedOf,
} from './support/expected-faults.ts';
import { HOLE, Machine, type MachineOptions, type Request, request, SRTP, TE, UNCACHED } from './support/machine.ts';
import { faults, isBlocked, translates } from './support/recorded.ts';
import { bitsOf, Shape } from './support/shape.ts';
import { type Kind, legacyWay, type Step, scalableWay, type Way } from './support/tables.ts';

const shape = new Shape('structures');
const SPAN_51_12 = 0x000f_ffff_ffff_f000n;
const FPD = 2n;

class Sweep {
  private turn = 0;
  private readonly machine: Machine;
  private readonly way: Way;
  private readonly features: Features;
  /** Place of the entry with FPD; -1: none. */
  private fpd = -1;

  constructor(machine: Machine, way: Way, features: Features) {
    this.machine = machine;
    this.way = way;
    this.features = features;
  }

  /** All of it, with FPD nowhere and in each entry that has the bit. */
  run(withFpd: boolean): void {
    const { machine, way } = this;
    this.all();
    if (!withFpd) return;
    for (const [place, { structure, address }] of way.steps.entries()) {
      if (structure === 'root' || structure === 'second' || structure === 'first') continue;
      this.fpd = place;
      machine.put(address, machine.word(address) | FPD);
      this.all();
      machine.put(address, machine.word(address) & ~FPD);
    }
    this.fpd = -1;
  }

  private request(): Request {
    const { sourceId, pasid, page } = this.way;
    return request({ sourceId, pasid, page, access: this.turn++ % 2 === 0 ? READ : WRITE });
  }

  private all(): void {
    this.passes(() => 'as it is');
    for (const [place, step] of this.way.steps.entries()) {
      this.absent(step, place);
      this.reserved(step, place);
      this.ignored(step);
      this.unreadable(step, place);
    }
    this.passes(() => 'in the end');
  }

  private passes(what: () => string): void {
    translates(shape, this.machine, this.request(), this.way.pfn, what);
  }

  private fails(step: Step, place: number, what: 'absent' | 'reserved' | 'unreadable', detail: string): void {
    const asked = this.request();
    const code = codesOf(step, this.way.mode === 0, (asked.access & WRITE) !== 0)[what];
    // An entry that cannot be read has no FPD.
    const reached = this.fpd !== -1 && (this.fpd < place || (this.fpd === place && what !== 'unreadable'));
    const text = () => `${step.structure} level ${step.level} for ${step.purpose}, ${what} ${detail}, FPD ${this.fpd}`;
    if (reached && isQualified(code)) isBlocked(shape, this.machine, asked, code, text);
    else faults(shape, this.machine, asked, code, text);
  }

  private absent(step: Step, place: number): void {
    const { machine } = this;
    const kept = machine.word(step.address);
    machine.put(step.address, kept & ~presence(step));
    this.fails(step, place, 'absent', 'alone');
    // Nothing else is looked at in an entry that is absent.
    machine.put(step.address, (kept | 0xffffn) & ~presence(step) & ~(this.fpd === place ? 0n : FPD));
    this.fails(step, place, 'absent', 'with other bits');
    machine.put(step.address, kept);
  }

  private reserved(step: Step, place: number): void {
    const { machine } = this;
    const isLegacy = this.way.mode === 0;
    let mask = reservedOf(step, isLegacy, this.features);
    if (step.structure === 'pasid') {
      const hasFirst = this.way.steps.some(({ structure }) => structure === 'first');
      const hasSecond = this.way.steps.some(({ structure }) => structure === 'second');
      mask |= beyondPointers(hasSecond, hasFirst);
    }
    for (const bit of bitsOf(mask)) {
      this.flipped(step, bit, () => this.fails(step, place, 'reserved', `bit ${bit}`));
    }
    if (step.structure !== 'root' || isLegacy) return;
    // The other half of a root entry is for other devices.
    const other = step.address ^ 8n;
    const kept = machine.word(other);
    machine.put(other, 2n ** 64n - 1n);
    this.passes(() => 'other half of the root entry');
    machine.put(other, kept);
  }

  private ignored(step: Step): void {
    for (const bit of bitsOf(ignoredOf(step, this.way.mode === 0))) {
      this.flipped(step, bit, () => this.passes(() => `${step.structure} level ${step.level}, ignored bit ${bit}`));
    }
  }

  private flipped(step: Step, bit: number, then: () => void): void {
    const { machine } = this;
    const word = step.address + BigInt(8 * Math.floor(bit / 64));
    const kept = machine.word(word);
    machine.put(word, kept | (1n << BigInt(bit % 64)));
    then();
    machine.put(word, kept);
  }

  private unreadable(step: Step, place: number): void {
    const { machine, way } = this;
    if (step.pointer === null) {
      this.root(HOLE);
      this.fails(step, place, 'unreadable', '');
      this.root(way.root);
      return;
    }
    const kept = machine.word(step.pointer);
    machine.put(step.pointer, (kept & ~SPAN_51_12) | HOLE);
    this.fails(step, place, 'unreadable', '');
    machine.put(step.pointer, kept);
  }

  private root(address: bigint): void {
    const { unit } = this.machine;
    unit.write(RTADDR_OFFSET, 8, address | (BigInt(this.way.mode) << 10n));
    unit.write(GCMD_OFFSET, 4, SRTP | TE);
  }
}

const ALL: Features = { snoop: true, deviceTlb: true, nxe: false };

function sweep(build: (machine: Machine) => Way, options: MachineOptions, features: Features, withFpd: boolean): void {
  const machine = new Machine({ choices: UNCACHED, ...options });
  const way = build(machine);
  machine.start(way.root, way.mode);
  new Sweep(machine, way, features).run(withFpd);
}

const LEVELS = [3, 4, 5];
const SIZES = ['4 KiB', '2 MiB', '1 GiB'];

describe('an entry that is no good', () => {
  for (const secondLevels of LEVELS) {
    for (const [secondLeaf, size] of SIZES.entries()) {
      it(`legacy, ${secondLevels} levels, ${size}`, () => {
        sweep((machine) => legacyWay(machine, { secondLevels, secondLeaf }), {}, ALL, true);
      });
      it(`second stage, ${secondLevels} levels, ${size}`, () => {
        sweep((machine) => scalableWay(machine, { secondLevels, secondLeaf }), {}, ALL, true);
      });
    }
  }

  for (const firstLevels of [4, 5]) {
    for (const [firstLeaf, size] of SIZES.entries()) {
      it(`first stage, ${firstLevels} levels, ${size}`, () => {
        sweep((machine) => scalableWay(machine, { kind: 'first', firstLevels, firstLeaf }), {}, ALL, true);
      });
      for (const secondLevels of LEVELS) {
        for (const [secondLeaf, secondSize] of SIZES.entries()) {
          it(`nested, ${firstLevels} levels, ${size} on ${secondLevels} levels, ${secondSize}`, () => {
            const stages = { kind: 'nested', firstLevels, firstLeaf, secondLevels, secondLeaf } as const;
            sweep((machine) => scalableWay(machine, stages), {}, ALL, firstLeaf === secondLeaf && secondLevels === 4);
          });
        }
      }
    }
  }

  it('with other bits reserved: no snoop control, no device TLBs; no-execute', () => {
    const plain: Features = { snoop: false, deviceTlb: false, nxe: true };
    const options = { ecap: { SC: 0, DT: 0 } };
    const pasidBits = 1n << 133n;
    for (const secondLeaf of [0, 1, 2]) {
      sweep((machine) => legacyWay(machine, { secondLeaf }), options, plain, false);
      for (const kind of ['first', 'second', 'nested'] satisfies Kind[]) {
        sweep(
          (machine) => scalableWay(machine, { kind, secondLeaf, firstLeaf: secondLeaf, pasidBits }),
          options,
          plain,
          false,
        );
      }
    }
  });

  it('for devices of the upper half, and requests without PASID', () => {
    for (const pasid of [-1, 0, 0xfffff]) {
      for (const sourceId of [0, 0x7f, 0x80, 0xffff]) {
        sweep((machine) => scalableWay(machine, { sourceId, pasid }), {}, ALL, pasid === -1);
        sweep((machine) => legacyWay(machine, { sourceId }), {}, ALL, false);
      }
    }
  });
});
