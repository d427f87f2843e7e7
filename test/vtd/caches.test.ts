/**
 * Caches: what is found is used until it is invalidated, by each command that must, and by none that must not. Each case fills, changes
 * memory, sees the old answer, sends what is for others, sees the old answer still, and sends what is for it.
 */
import { describe, it } from 'vitest';
import { GCMD_OFFSET } from '../../src/hw/vtd/registers.ts';
import { CARRIERS, type Carrier, DOMAIN, GLOBAL, Invalidator, SELECTIVE } from './support/invalidations.ts';
import { Machine, type MachineOptions, request, SRTP, TE } from './support/machine.ts';
import { Shape } from './support/shape.ts';
import {
  type Kind,
  legacyWay,
  PRESENT,
  PS,
  RW,
  scalableWay,
  WAY,
  type Way,
  type WayOptions,
} from './support/tables.ts';

const shape = new Shape('caches');
const DID = 7;
const OTHER = 8;
const { sourceId: SID, pasid: PASID } = WAY;

type Command = (send: Invalidator) => boolean;
type Named = readonly [string, Command];

interface Filled {
  readonly machine: Machine;
  readonly way: Way;
  /** Word that is changed, and to what. */
  readonly address: bigint;
  readonly value: bigint;
  /** Frame after the change, or minus the reason of the fault. */
  readonly fresh: number;
}

function asks({ machine, way }: Filled, expected: number, what: () => string): void {
  const { sourceId, pasid, page } = way;
  machine.access(request({ sourceId, pasid, page }));
  const { reason, walk } = machine.unit;
  shape.equal(reason === 0 ? walk.pfn : -reason, expected, what);
}

/** Each of `drops` after a fill of its own; before the first of them all `keeps`. */
function sweep(
  name: string,
  carrier: Carrier,
  fill: () => Filled,
  keeps: readonly Named[],
  drops: readonly Named[],
): void {
  const filled = fill();
  const { address, machine, value, way } = filled;
  const old = way.pfn;
  const before = machine.word(address);
  const send = new Invalidator(machine, carrier);
  for (const [turn, [dropName, drop]] of drops.entries()) {
    machine.put(address, before);
    machine.unit.state.caches.dropAll();
    asks(filled, old, () => `${name}: first`);
    machine.put(address, value);
    asks(filled, old, () => `${name}: after the change`);
    for (const [keepName, keep] of turn === 0 ? keeps : []) {
      if (keep(send)) asks(filled, old, () => `${name}, ${carrier}: after ${keepName}`);
    }
    if (drop(send)) asks(filled, filled.fresh, () => `${name}, ${carrier}: after ${dropName}`);
  }
}

function started(way: Partial<WayOptions> | null, options: MachineOptions = {}): { machine: Machine; way: Way } {
  const machine = new Machine(options);
  const made = way === null ? legacyWay(machine) : scalableWay(machine, way);
  machine.start(made.root, made.mode);
  return { machine, way: made };
}

/** The entry of a structure is made not present. */
function removing(way: Partial<WayOptions> | null, structure: string, reason: number): () => Filled {
  return () => {
    const made = started(way);
    const { address } = made.way.steps.find((step) => step.structure === structure)!;
    return { ...made, address, value: 0n, fresh: -reason };
  };
}

/** The leaf of a stage of the request's way is made to point to another frame of its size. */
function moving(way: Partial<WayOptions> | null, stage: 'first' | 'second'): () => Filled {
  return () => {
    const made = started(way);
    const { machine } = made;
    const leaf = made.way.steps.find((s) => s.structure === stage && s.isLeaf && s.purpose === 'request')!;
    const pages = 512 ** leaf.level;
    const ps = leaf.level > 0 ? PS : 0n;
    const offset = (page: number) => page % pages;
    if (stage === 'second') {
      const to = machine.frames(pages, pages);
      const page = made.way.gpa === -1 ? made.way.page : made.way.gpa;
      const value = to | RW | ps;
      return { ...made, address: leaf.address, value, fresh: Number(to >> 12n) + offset(page) };
    }
    if (made.way.gpa === -1) {
      const to = machine.frames(pages, pages);
      const value = to | PRESENT | ps;
      return { ...made, address: leaf.address, value, fresh: Number(to >> 12n) + offset(made.way.page) };
    }
    // Nested: to a page that the second stage has not.
    const value = (1n << 40n) | PRESENT | ps;
    return { ...made, address: leaf.address, value, fresh: -0x79 };
  };
}

const contextsOfOthers: readonly Named[] = [
  ['contexts of another domain', (send) => send.contexts(DOMAIN, OTHER)],
  ['contexts of another domain, device', (send) => send.contexts(SELECTIVE, OTHER, SID)],
];
const anyIotlb: readonly Named[] = [
  ['IOTLB, all', (send) => send.iotlb(GLOBAL, 0)],
  ['IOTLB, domain', (send) => send.iotlb(DOMAIN, DID)],
  ['IOTLB, PASID', (send) => send.pasidIotlb(2, DID, PASID)],
];
const anyPasids: readonly Named[] = [
  ['PASIDs, all', (send) => send.pasids(3, 0)],
  ['PASIDs, domain', (send) => send.pasids(0, DID)],
  ['PASID', (send) => send.pasids(1, DID, PASID)],
];
const anyContexts: readonly Named[] = [
  ['contexts, all', (send) => send.contexts(GLOBAL, 0)],
  ['contexts, domain', (send) => send.contexts(DOMAIN, DID)],
  ['contexts, device', (send) => send.contexts(SELECTIVE, DID, SID)],
];

/** Devices by function mask: those that the mask makes ours, and those that it does not. */
function devices(isOurs: boolean): Named[] {
  const named: Named[] = [];
  const masks = [0, 4, 6, 7];
  for (const [functionMask, mask] of masks.entries()) {
    for (const other of [0, 1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0x100, 0x8000]) {
      if (((other & ~mask) === 0) !== isOurs) continue;
      named.push([
        `device ^ ${other}, function mask ${functionMask}`,
        (send) => send.contexts(SELECTIVE, DID, SID ^ other, functionMask),
      ]);
    }
  }
  return named;
}

for (const carrier of CARRIERS) {
  describe(carrier, () => {
    it('context cache', () => {
      const others = [...anyIotlb, ...devices(false)];
      const own = [...anyContexts, ...devices(true)];
      const legacyOthers = [...others, ...contextsOfOthers];
      sweep('legacy context', carrier, removing(null, 'context', 0x02), legacyOthers, own);
      sweep('root', carrier, removing(null, 'root', 0x01), legacyOthers, own);
      // The DID is not looked at.
      const scalable = removing({}, 'context', 0x41);
      sweep('scalable context', carrier, scalable, [...others, ...anyPasids], [...own, ...contextsOfOthers]);
    });

    it('PASID cache', () => {
      const others: readonly Named[] = [
        ...anyIotlb,
        ...anyContexts,
        ['PASIDs of another domain', (send) => send.pasids(0, OTHER)],
        ['PASID of another domain', (send) => send.pasids(1, OTHER, PASID)],
        ['another PASID', (send) => send.pasids(1, DID, PASID ^ 1)],
        ['a PASID 64 further', (send) => send.pasids(1, DID, PASID ^ 64)],
      ];
      for (const kind of ['first', 'second', 'nested', 'pass-through'] satisfies Kind[]) {
        sweep('PASID entry', carrier, removing({ kind }, 'pasid', 0x59), others, anyPasids);
        sweep('directory entry', carrier, removing({ kind }, 'directory', 0x51), others, anyPasids);
      }
    });

    it('IOTLB, second stage', () => {
      for (const way of [null, ...[0, 1, 2].map((secondLeaf) => ({ kind: 'second', secondLeaf }) as const)]) {
        const leaf = way === null ? 0 : way.secondLeaf;
        const { page } = started(way).way;
        sweep(`second ${leaf}`, carrier, moving(way, 'second'), secondOthers(page, leaf), secondOwn(page, leaf));
      }
    });

    it('IOTLB, first stage', () => {
      for (const firstLeaf of [0, 1, 2]) {
        const way = { kind: 'first', firstLeaf } as const;
        const { page } = started(way).way;
        const others: readonly Named[] = [
          ...firstOthers(page, firstLeaf),
          ['IOTLB, domain', (send) => send.iotlb(DOMAIN, DID)],
          ['IOTLB, page', (send) => send.iotlb(SELECTIVE, DID, { page })],
        ];
        sweep(`first ${firstLeaf}`, carrier, moving(way, 'first'), others, firstOwn(page, firstLeaf));
      }
    });

    it('IOTLB, nested, sizes mixed in both directions', () => {
      for (const firstLeaf of [0, 1, 2]) {
        for (const secondLeaf of [0, 1, 2]) {
          const way = { kind: 'nested', firstLeaf, secondLeaf } as const;
          const { page, gpa } = started(way).way;
          const name = `nested ${firstLeaf} on ${secondLeaf}`;
          // What the first stage has changed: found by its page, or with the whole domain.
          const domain: Named = ['IOTLB, domain', (send) => send.iotlb(DOMAIN, DID)];
          const own = [...firstOwn(page, firstLeaf), domain];
          sweep(`${name}, first`, carrier, moving(way, 'first'), firstOthers(page, firstLeaf), own);
          // What the second stage has changed: found by its page.
          const others = [...secondOthers(gpa, secondLeaf), ...firstOthers(page, firstLeaf)];
          sweep(`${name}, second`, carrier, moving(way, 'second'), others, secondOwn(gpa, secondLeaf));
        }
      }
    });
  });
}

/** All that MAMV allows; PASID-based ones go beyond it. */
const SECOND_MASKS = Array.from({ length: 19 }, (_, mask) => mask);
const FIRST_MASKS = [...SECOND_MASKS, 19, 26, 27, 28, 30, 33];

/** Page numbers have up to 52 bits. */
function flip(page: number, bit: number): number {
  return page + (Math.floor(page / 2 ** bit) % 2 === 0 ? 1 : -1) * 2 ** bit;
}

function secondOthers(page: number, leaf: number): Named[] {
  const named: Named[] = [
    ...anyContexts,
    ...anyPasids,
    ['IOTLB, another domain', (send) => send.iotlb(DOMAIN, OTHER)],
    ['IOTLB, page of another domain', (send) => send.iotlb(SELECTIVE, OTHER, { page })],
    ['IOTLB, page of another domain, large', (send) => send.iotlb(SELECTIVE, OTHER, { page, mask: 18 })],
  ];
  for (const mask of SECOND_MASKS) {
    const other = { page: flip(page, Math.max(mask, 9 * leaf)), mask };
    named.push([`IOTLB, another page, mask ${mask}`, (send) => send.iotlb(SELECTIVE, DID, other)]);
  }
  return named;
}

function secondOwn(page: number, leaf: number): Named[] {
  const named: Named[] = [
    ['IOTLB, all', (send) => send.iotlb(GLOBAL, OTHER)],
    ['IOTLB, domain', (send) => send.iotlb(DOMAIN, DID)],
  ];
  for (const leafOnly of [false, true]) {
    for (const mask of SECOND_MASKS) {
      named.push([`IOTLB, mask ${mask}`, (send) => send.iotlb(SELECTIVE, DID, { page, mask, leafOnly })]);
      const bit = Math.max(mask, 9 * leaf) - 1;
      if (bit < 0) continue;
      const inside = { page: flip(page, bit), mask, leafOnly };
      named.push([`IOTLB, beside it, mask ${mask}`, (send) => send.iotlb(SELECTIVE, DID, inside)]);
    }
  }
  return named;
}

function firstOthers(page: number, leaf: number): Named[] {
  const named: Named[] = [
    ...anyContexts,
    ...anyPasids,
    ['IOTLB, another domain', (send) => send.iotlb(DOMAIN, OTHER)],
    ['IOTLB, PASID of another domain', (send) => send.pasidIotlb(2, OTHER, PASID)],
    ['IOTLB, another PASID', (send) => send.pasidIotlb(2, DID, PASID ^ 1)],
    ['IOTLB, page of another domain', (send) => send.pasidIotlb(3, OTHER, PASID, { page })],
    ['IOTLB, page of another PASID', (send) => send.pasidIotlb(3, DID, PASID ^ 64, { page })],
  ];
  for (const mask of FIRST_MASKS) {
    const other = {
      page: flip(page, Math.max(mask, 9 * leaf)),
      mask,
    };
    named.push([`IOTLB, another page of the PASID, mask ${mask}`, (send) => send.pasidIotlb(3, DID, PASID, other)]);
  }
  return named;
}

function firstOwn(page: number, leaf: number): Named[] {
  const named: Named[] = [
    ['IOTLB, all', (send) => send.iotlb(GLOBAL, OTHER)],
    ['IOTLB, PASID', (send) => send.pasidIotlb(2, DID, PASID)],
  ];
  for (const leafOnly of [false, true]) {
    for (const mask of FIRST_MASKS) {
      named.push([`IOTLB, mask ${mask}`, (send) => send.pasidIotlb(3, DID, PASID, { page, mask, leafOnly })]);
      const bit = Math.max(mask, 9 * leaf) - 1;
      if (bit < 0) continue;
      const inside = { page: flip(page, bit), mask, leafOnly };
      named.push([`IOTLB, beside it, mask ${mask}`, (send) => send.pasidIotlb(3, DID, PASID, inside)]);
    }
  }
  return named;
}

describe('setting the root table pointer', () => {
  it('invalidates everything in a unit with ESRTPS, and nothing in others', () => {
    for (const ESRTPS of [0, 1]) {
      const made = started(null, { cap: { ESRTPS } });
      const filled = { ...made, address: 0n, value: 0n, fresh: 0 };
      asks(filled, made.way.pfn, () => 'first');
      made.machine.put(made.way.steps[1]!.address, 0n);
      asks(filled, made.way.pfn, () => 'after the change');
      made.machine.unit.write(GCMD_OFFSET, 4, SRTP | TE);
      asks(filled, ESRTPS === 1 ? -0x02 : made.way.pfn, () => `after SRTP, ESRTPS ${ESRTPS}`);
    }
  });
});
