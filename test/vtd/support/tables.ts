/**
 * Tables in the memory of a machine, and the way of a request through them: each entry that is read, in order, with where the pointer
 * to its table is kept. Bits are written out here, and not taken from the model.
 */
import type { Machine } from './machine.ts';

export type Structure = 'root' | 'context' | 'directory' | 'pasid' | 'second' | 'first';

/** What a second-stage walk is for: the request itself, or, nested, a first-stage table (`top`: the first one). */
export type Purpose = 'request' | 'top' | 'table';

export interface Step {
  readonly structure: Structure;
  readonly address: bigint;
  readonly bits: number;
  /** Address of the word with the pointer to the entry's table; null: RTADDR. */
  readonly pointer: bigint | null;
  /** Paging entries. Level 0 is the lowest. */
  readonly level: number;
  readonly isTop: boolean;
  readonly isLeaf: boolean;
  readonly purpose: Purpose;
}

export interface Way {
  readonly steps: Step[];
  readonly sourceId: number;
  readonly pasid: number;
  readonly page: number;
  /** Frame that the page is translated to. */
  readonly pfn: number;
  /** Nested: page of the second stage that it comes through; else -1. */
  readonly gpa: number;
  readonly root: bigint;
  readonly mode: number;
}

export type Kind = 'first' | 'second' | 'nested' | 'pass-through';
export const PGTT: Readonly<Record<Kind, bigint>> = { first: 1n, second: 2n, nested: 3n, 'pass-through': 4n };

/** R and W of the second stage; P, R/W and U/S of the first; PS. */
export const RW = 3n;
export const PRESENT = 7n;
export const PS = 0x80n;
const FRAME = 0x000f_ffff_ffff_f000n;

export const frameOf = (word: bigint): bigint => word & FRAME;

export function indexOf(page: number, level: number): bigint {
  return (BigInt(page) >> BigInt(9 * level)) & 511n;
}

const NO_LEVEL = { level: 0, isTop: false, isLeaf: false, purpose: 'request' } as const;

export class Tables {
  readonly machine: Machine;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /** Second stage: maps `page` at `leaf` in the tables from `table` on. `pointer`: where `table` is kept. */
  second(
    pointer: bigint,
    table: bigint,
    levels: number,
    page: number,
    leaf: number,
    to: bigint,
    purpose: Purpose,
  ): Step[] {
    const { machine } = this;
    const steps: Step[] = [];
    let from = pointer;
    let at = table;
    for (let level = levels - 1; level >= leaf; level--) {
      const address = at + 8n * indexOf(page, level);
      const isLeaf = level === leaf;
      steps.push({
        structure: 'second',
        address,
        bits: 64,
        pointer: from,
        level,
        isTop: level === levels - 1,
        isLeaf,
        purpose,
      });
      if (isLeaf) machine.put(address, to | RW | (level > 0 ? PS : 0n));
      else if (machine.word(address) === 0n) machine.put(address, machine.frames() | RW);
      from = address;
      at = frameOf(machine.word(address));
    }
    return steps;
  }

  /** A page of the second stage and the frame behind it, for a page whose index is `number` at each level up to the fourth. */
  guest(
    pointer: bigint,
    table: bigint,
    levels: number,
    leaf: number,
    number: number,
    purpose: Purpose,
  ): { gpa: bigint; hpa: bigint; steps: Step[] } {
    let page = 0;
    for (let level = 0; level < Math.min(levels, 4); level++) page += number * 512 ** level;
    const pages = 512 ** leaf;
    const base = this.machine.frames(pages, pages);
    const steps = this.second(pointer, table, levels, page, leaf, base, purpose);
    return { gpa: BigInt(page) << 12n, hpa: base + (BigInt(page % pages) << 12n), steps };
  }
}

export interface WayOptions {
  readonly sourceId: number;
  readonly pasid: number;
  readonly page: number;
  readonly did: bigint;
  readonly kind: Kind;
  readonly secondLevels: number;
  readonly secondLeaf: number;
  readonly firstLevels: number;
  readonly firstLeaf: number;
  /** Bits of the PASID table entry beside those that the tables need. */
  readonly pasidBits: bigint;
  /** Bits of the scalable context entry. */
  readonly contextBits: bigint;
}

export const WAY: WayOptions = {
  sourceId: 0x1a9,
  pasid: 0x12345,
  page: 0x2_3456_789a,
  did: 7n,
  kind: 'second',
  secondLevels: 4,
  secondLeaf: 0,
  firstLevels: 4,
  firstLeaf: 0,
  pasidBits: 0n,
  contextBits: 0n,
};

/** Root and context entry of legacy mode, and a second stage. */
export function legacyWay(machine: Machine, options: Partial<WayOptions> = {}): Way {
  const { sourceId, page, did, secondLevels, secondLeaf } = { ...WAY, ...options };
  const root = machine.frames();
  const contexts = machine.frames();
  const table = machine.frames();
  const rootEntry = root + 16n * BigInt(sourceId >> 8);
  const context = contexts + 16n * BigInt(sourceId & 255);
  machine.put(rootEntry, contexts | 1n);
  machine.putEntry(context, 128, table | 1n | (BigInt(secondLevels - 2) << 64n) | (did << 72n));
  const pages = 512 ** secondLeaf;
  const to = machine.frames(pages, pages);
  const inTables = page % 512 ** secondLevels;
  const steps = new Tables(machine).second(context, table, secondLevels, inTables, secondLeaf, to, 'request');
  return {
    steps: [
      { structure: 'root', address: rootEntry, bits: 128, pointer: null, ...NO_LEVEL },
      { structure: 'context', address: context, bits: 128, pointer: rootEntry, ...NO_LEVEL },
      ...steps,
    ],
    sourceId,
    pasid: -1,
    page: inTables,
    pfn: Number(to >> 12n) + (page % pages),
    gpa: -1,
    root,
    mode: 0,
  };
}

/** Bits 63:0 of a scalable context entry: present, DTE, PASIDE, a directory of the largest size. */
export const CONTEXT_BITS = 0xe0dn;

/** Root to PASID table entry of scalable mode, and the stages that its type needs. A `pasid` of -1 is RID_PASID 0x54321. */
export function scalableWay(machine: Machine, options: Partial<WayOptions> = {}): Way {
  const all = { ...WAY, ...options };
  const { sourceId, pasid, did, kind, secondLevels } = all;
  const root = machine.frames();
  const contexts = machine.frames();
  const directory = machine.frames(32);
  const pasids = machine.frames();
  const used = pasid === -1 ? 0x54321 : pasid;
  const rootEntry = root + 16n * BigInt(sourceId >> 8) + ((sourceId & 0x80) === 0 ? 0n : 8n);
  const context = contexts + 32n * BigInt(sourceId & 127);
  const directoryEntry = directory + 8n * BigInt(used >> 6);
  const entry = pasids + 64n * BigInt(used & 63);
  machine.put(rootEntry, contexts | 1n);
  machine.putEntry(context, 256, directory | CONTEXT_BITS | all.contextBits | (0x54321n << 64n));
  machine.put(directoryEntry, pasids | 1n);
  const second = kind === 'second' || kind === 'nested' ? machine.frames() : 0n;
  const word = second | (BigInt(secondLevels - 2) << 2n) | (PGTT[kind] << 6n) | 1n;
  // PWSNP, ERE and SRE: accessed flags can be set, requests of all kinds pass.
  machine.putEntry(entry, 512, word | (did << 64n) | (1n << 87n) | (3n << 128n) | all.pasidBits);
  const stages = buildStages(machine, all, entry, second);
  return {
    steps: [
      { structure: 'root', address: rootEntry, bits: 64, pointer: null, ...NO_LEVEL },
      { structure: 'context', address: context, bits: 256, pointer: rootEntry, ...NO_LEVEL },
      { structure: 'directory', address: directoryEntry, bits: 64, pointer: context, ...NO_LEVEL },
      { structure: 'pasid', address: entry, bits: 512, pointer: directoryEntry, ...NO_LEVEL },
      ...stages.steps,
    ],
    sourceId,
    pasid,
    page: stages.page,
    pfn: stages.pfn,
    gpa: stages.gpa,
    root,
    mode: 1,
  };
}

interface Stages {
  readonly steps: Step[];
  readonly page: number;
  readonly pfn: number;
  readonly gpa: number;
}

function buildStages(machine: Machine, options: WayOptions, entry: bigint, second: bigint): Stages {
  const { kind, page, secondLevels, secondLeaf, firstLevels, firstLeaf } = options;
  const tables = new Tables(machine);
  if (kind === 'pass-through') return { steps: [], page, pfn: page, gpa: -1 };
  if (kind === 'second') {
    const pages = 512 ** secondLeaf;
    const to = machine.frames(pages, pages);
    const inTables = page % 512 ** secondLevels;
    const steps = tables.second(entry, second, secondLevels, inTables, secondLeaf, to, 'request');
    return { steps, page: inTables, pfn: Number(to >> 12n) + (page % pages), gpa: -1 };
  }
  // The lower half: canonical.
  const inTables = page % (512 ** firstLevels / 2);
  const steps: Step[] = [];
  const seen = new Set<bigint>();
  const isNested = kind === 'nested';
  let number = 0;
  const guest = (purpose: Purpose) => {
    number += 3;
    const made = tables.guest(entry, second, secondLevels, secondLeaf, number, purpose);
    for (const step of made.steps) if (!seen.has(step.address)) steps.push(step);
    for (const step of made.steps) seen.add(step.address);
    return { ...made, leaf: made.steps[made.steps.length - 1]!.address };
  };
  const host = () => {
    const at = machine.frames();
    return { gpa: at, hpa: at };
  };
  let from = entry + 16n;
  const fivePaging = firstLevels === 5 ? 4n : 0n;
  for (let level = firstLevels - 1; level >= firstLeaf; level--) {
    const isTop = level === firstLevels - 1;
    const made = isNested ? guest(isTop ? 'top' : 'table') : { ...host(), leaf: from };
    if (isTop) machine.put(from, machine.word(from) | made.gpa | fivePaging);
    else machine.put(from, made.gpa | PRESENT);
    const address = made.hpa + 8n * indexOf(inTables, level);
    const isLeaf = level === firstLeaf;
    const pointer = made.leaf;
    steps.push({ structure: 'first', address, bits: 64, pointer, level, isTop, isLeaf, purpose: 'request' });
    from = address;
  }
  const pages = 512 ** firstLeaf;
  const ps = firstLeaf > 0 ? PS : 0n;
  if (!isNested) {
    const to = machine.frames(pages, pages);
    machine.put(from, to | PRESENT | ps);
    return { steps, page: inTables, pfn: Number(to >> 12n) + (inTables % pages), gpa: -1 };
  }
  // The page's part of the first-stage page is one page of the second stage.
  const large = inTables % pages;
  const base = 64 * 512 ** 2;
  machine.put(from, (BigInt(base) << 12n) | PRESENT | ps);
  const gpa = base + large;
  const secondPages = 512 ** secondLeaf;
  const to = machine.frames(secondPages, secondPages);
  steps.push(
    ...tables.second(entry, second, secondLevels, gpa, secondLeaf, to, 'request').filter((s) => !seen.has(s.address)),
  );
  return { steps, page: inTables, pfn: Number(to >> 12n) + (gpa % secondPages), gpa };
}
