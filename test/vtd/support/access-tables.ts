/** Tables for one access, with every entry on its way: what it is, which bits it has reserved, and which fault each defect of it is. */
import { reservedMask } from '../../../src/base/layout.ts';
import {
  type Capabilities,
  CONTEXT_ENTRY,
  NO_PASID,
  PASID_DIRECTORY_ENTRY,
  PASID_ENTRY,
  ROOT_ENTRY,
  SCALABLE_CONTEXT_ENTRY,
  SCALABLE_ROOT_ENTRY,
  SparseMemory,
  type VtdMemory,
  VtdUnit,
} from '../../../src/hw/index.ts';

export type Mode = 'legacy' | 'second' | 'first' | 'nested';

/** Fault codes of an entry: not present, a reserved bit, not to be read. */
type Codes = readonly [absent: number, reserved: number, unreadable: number];

export interface Entry {
  readonly name: string;
  readonly frame: number;
  /** First word, and how many words it has. */
  readonly index: number;
  readonly words: number;
  readonly present: bigint;
  readonly reserved: bigint;
  readonly codes: Codes;
  /** A bit that keeps faults from this entry on from being recorded. */
  readonly fpd: boolean;
}

export interface Options {
  readonly mode: Mode;
  /** Levels of the stage that is varied: first stage in `first` and `nested`, else second stage. */
  readonly levels: number;
  /** Level of the leaf: 0, 1, 2. */
  readonly size: number;
  readonly write: boolean;
  readonly sourceId?: number;
}

/** Memory in which one frame does not answer. */
export class HoleMemory implements VtdMemory {
  hole = -1;
  readonly base = new SparseMemory([[0n, 1n << 47n]]);

  locate(pfn: number, index: number): number {
    return pfn === this.hole ? -1 : this.base.locate(pfn, index);
  }

  lo(at: number): number {
    return this.base.lo(at);
  }

  hi(at: number): number {
    return this.base.hi(at);
  }

  store(pfn: number, index: number, lo: number, hi: number): void {
    this.base.store(pfn, index, lo, hi);
  }
}

/** Page of the access: another index in each table. */
export const PAGE = 1 + 2 * 512 + 3 * 512 ** 2 + 4 * 512 ** 3;
const PAGE_3_LEVELS = PAGE % 512 ** 3;
const TARGET = 0x400_0000;
const PASID = 0x4c5;
const DID = 9;

export class Tables {
  readonly memory = new HoleMemory();
  readonly entries: Entry[] = [];
  readonly page: number;
  readonly options: Options;
  private next = 0x100;
  /** Third-level table of the second stage below. */
  private below = 0;
  private readonly caps: Capabilities;
  private readonly root: number;
  private readonly sourceId: number;

  constructor(caps: Capabilities, options: Options) {
    this.caps = caps;
    this.options = options;
    this.sourceId = options.sourceId ?? 0x1283;
    this.page = options.levels === 3 ? PAGE_3_LEVELS : PAGE;
    this.root = this.next++;
    if (options.mode === 'legacy') this.legacy();
    else this.scalable();
  }

  unit(): VtdUnit {
    const { cap, ecap, haw } = this.caps;
    const unit = new VtdUnit({ cap, ecap, haw, memory: this.memory });
    unit.write(0x20, 8, (BigInt(this.root) << 12n) | (this.options.mode === 'legacy' ? 0n : 0x400n));
    unit.write(0x18, 4, 0xc0000000n);
    return unit;
  }

  access(unit: VtdUnit): string {
    return unit.access(this.sourceId, NO_PASID, this.page, this.options.write ? 2 : 1);
  }

  /** Frame that the page should come to. */
  get target(): number {
    return TARGET + (this.page % 512 ** this.options.size);
  }

  word(entry: Entry, word: number): bigint {
    return this.memory.base.read(BigInt(entry.frame) * 4096n + BigInt(8 * (entry.index + word)));
  }

  setWord(entry: Entry, word: number, value: bigint): void {
    this.memory.base.write(BigInt(entry.frame) * 4096n + BigInt(8 * (entry.index + word)), value);
  }

  private put(frame: number, index: number, value: bigint): void {
    this.memory.base.write(BigInt(frame) * 4096n + BigInt(8 * index), value);
  }

  private beyond(quadwords: readonly number[], top = 64): bigint {
    const mask = (2n ** BigInt(top) - 1n) ^ (2n ** BigInt(this.caps.haw) - 1n);
    return quadwords.reduce((all, quadword) => all | (mask << BigInt(64 * quadword)), 0n);
  }

  private legacy(): void {
    const { levels } = this.options;
    const context = this.next++;
    const top = this.next++;
    const bus = this.sourceId >> 8;
    const devfn = this.sourceId & 255;
    this.put(this.root, 2 * bus, (BigInt(context) << 12n) | 1n);
    this.put(context, 2 * devfn, (BigInt(top) << 12n) | 1n);
    this.put(context, 2 * devfn + 1, (BigInt(DID) << 8n) | BigInt(levels - 2));
    const root = reservedMask(ROOT_ENTRY) | this.beyond([0]);
    const entry = reservedMask(CONTEXT_ENTRY) | this.beyond([0]);
    this.add('root entry', this.root, 2 * bus, 2, root, [1, 0xa, 8]);
    this.add('context entry', context, 2 * devfn, 2, entry, [2, 0xb, 9], true);
    this.second(top, levels, [this.options.write ? 5 : 6, 0xc, 7], 3);
  }

  private scalable(): void {
    const { levels, mode } = this.options;
    const [context, directory, table, top] = [this.next++, this.next++, this.next++, this.next++];
    const bus = this.sourceId >> 8;
    const devfn = this.sourceId & 127;
    const isUpper = (this.sourceId & 128) !== 0;
    this.put(this.root, 2 * bus + (isUpper ? 1 : 0), (BigInt(context) << 12n) | 1n);
    this.put(context, 4 * devfn, (BigInt(directory) << 12n) | 1n);
    this.put(context, 4 * devfn + 1, BigInt(PASID));
    this.put(directory, PASID >> 6, (BigInt(table) << 12n) | 1n);
    const at = 8 * (PASID & 63);
    this.put(table, at + 1, BigInt(DID));
    const half = (reservedMask(SCALABLE_ROOT_ENTRY) >> (isUpper ? 64n : 0n)) & (2n ** 64n - 1n);
    const pasid = reservedMask(PASID_ENTRY);
    this.add('root entry', this.root, 2 * bus + (isUpper ? 1 : 0), 1, half | this.beyond([0]), [0x39, 0x3a, 0x38]);
    const entry = reservedMask(SCALABLE_CONTEXT_ENTRY) | this.beyond([0]);
    this.add('context entry', context, 4 * devfn, 4, entry, [0x41, 0x42, 0x40], true);
    const pde = reservedMask(PASID_DIRECTORY_ENTRY) | this.beyond([0]);
    this.add('PASID directory entry', directory, PASID >> 6, 1, pde, [0x51, 0x52, 0x50], true);
    const codes: Codes = [0x59, 0x5a, 0x58];
    if (mode === 'second') {
      this.put(table, at, (BigInt(top) << 12n) | 1n | (BigInt(levels - 2) << 2n) | (2n << 6n));
      this.add('PASID table entry', table, at, 8, pasid | this.beyond([0]), codes, true);
      this.second(top, levels, [0x79, 0x7a, 0x78], 0x7b);
      return;
    }
    const low = 1n | (BigInt(mode === 'nested' ? 3 : 1) << 6n);
    this.put(table, at + 2, (BigInt(top) << 12n) | (levels === 5 ? 4n : 0n));
    this.put(table, at, mode === 'nested' ? low | (2n << 2n) | (BigInt(this.identity()) << 12n) : low);
    const used = mode === 'nested' ? [0, 2] : [2];
    this.add('PASID table entry', table, at, 8, pasid | this.beyond(used), codes, true);
    this.first(top, levels);
  }

  /** The second stage below, nested: 2 MiB from `frame` on in pages of 4 KiB that stay where they are. */
  splitBelow(frame: number): void {
    const [second, leaf] = [this.next++, this.next++];
    const start = frame - (frame % 512);
    for (let i = 0; i < 512; i++) this.put(leaf, i, (BigInt(start + i) << 12n) | 3n);
    this.put(second, Math.floor(frame / 512) % 512, (BigInt(leaf) << 12n) | 3n);
    this.put(this.below, Math.floor(frame / 512 ** 2) % 512, (BigInt(second) << 12n) | 3n);
  }

  /** A second stage of four levels in 1 GiB pages that leaves every address as it is. */
  private identity(): number {
    const [top, middle] = [this.next++, this.next++];
    this.below = middle;
    for (let i = 0; i < 512; i++) this.put(middle, i, (BigInt(i) << 30n) | 0x83n);
    this.put(top, 0, (BigInt(middle) << 12n) | 3n);
    return top;
  }

  private second(top: number, levels: number, [absent, reserved, unreadable]: Codes, topUnreadable: number): void {
    const { size } = this.options;
    const { deviceTlb, snoopControl } = this.caps;
    this.path(top, levels, 3n, (name, frame, index, level) => {
      const isLeaf = level === size;
      let mask = this.beyond([0], 52);
      if (!isLeaf || !snoopControl) mask |= 1n << 11n;
      if (!isLeaf || !deviceTlb) mask |= 1n << 62n;
      if (level > 2) mask |= 1n << 7n;
      if (isLeaf && level > 0) mask |= (1n << BigInt(12 + 9 * level)) - (1n << 12n);
      const codes: Codes = [absent, reserved, level === levels - 1 ? topUnreadable : unreadable];
      this.add(`second-stage ${name}`, frame, index, 1, mask, codes, false, 3n);
    });
  }

  private first(top: number, levels: number): void {
    const { size } = this.options;
    this.path(top, levels, 0x67n, (name, frame, index, level) => {
      let mask = this.beyond([0], 52) | (1n << 63n);
      if (level > 2) mask |= 1n << 7n;
      if (level === size && level > 0) mask |= (1n << BigInt(12 + 9 * level)) - (1n << 13n);
      const codes: Codes = [0x71, 0x72, level === levels - 1 ? 0x73 : 0x70];
      this.add(`first-stage ${name}`, frame, index, 1, mask, codes);
    });
  }

  private path(
    top: number,
    levels: number,
    rights: bigint,
    each: (name: string, frame: number, index: number, level: number) => void,
  ): void {
    const { size } = this.options;
    let frame = top;
    for (let level = levels - 1; level >= size; level--) {
      const index = Math.floor(this.page / 512 ** level) % 512;
      const below = level === size ? TARGET : this.next++;
      const large = level === size && level > 0 ? 0x80n : 0n;
      this.put(frame, index, (BigInt(below) << 12n) | large | rights);
      each(`entry of level ${level}${level === size ? ', the leaf' : ''}`, frame, index, level);
      frame = below;
    }
  }

  private add(
    name: string,
    frame: number,
    index: number,
    words: number,
    reserved: bigint,
    codes: Codes,
    fpd = false,
    present = 1n,
  ): void {
    this.entries.push({ name, frame, index, words, present, reserved, codes, fpd });
  }
}
