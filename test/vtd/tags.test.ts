/** Tags: what is cached for one domain, PASID or device is not found for another with the same addresses. */
import { describe, it } from 'vitest';
import { Machine, request } from './support/machine.ts';
import { translates } from './support/recorded.ts';
import { Shape } from './support/shape.ts';
import { type Kind, legacyWay, scalableWay, WAY, type Way, type WayOptions } from './support/tables.ts';

const shape = new Shape('tags');
const OTHER_SID = WAY.sourceId + 0x300;
const OTHER_PASID = WAY.pasid ^ 5;

/** The page beside that of the way, in the same lowest table, is the frame behind its own. */
function widen(machine: Machine, way: Way): void {
  const leaf = way.steps[way.steps.length - 1]!;
  machine.put(leaf.address ^ 8n, machine.word(leaf.address) + 0x1000n);
}

/** The other way's root entry goes into the root table of the first. */
function joinRoots(machine: Machine, first: Way, other: Way): void {
  const from = other.steps[0]!.address;
  machine.put(first.root + (from - other.root), machine.word(from));
}

/** Its PASID table entry into the PASID table of the first. */
function joinPasids(machine: Machine, first: Way, other: Way): void {
  const [to, from] = [first, other].map(({ steps }) => steps.find((step) => step.structure === 'pasid')!.address) as [
    bigint,
    bigint,
  ];
  const place = (to & ~0xfffn) | (from & 0xfffn);
  for (let i = 0n; i < 64n; i += 8n) machine.put(place + i, machine.word(from + i));
}

function alternate(machine: Machine, ways: readonly Way[], what: string): void {
  machine.start(ways[0]!.root, ways[0]!.mode);
  for (let round = 0; round < 3; round++) {
    for (const beside of [0, 1]) {
      for (const { sourceId, pasid, page, gpa, pfn } of ways) {
        // Nested ways have one page only: the page beside it has another first-stage entry.
        if (beside === 1 && gpa !== -1) continue;
        const asked = request({ sourceId, pasid, page: page + beside });
        translates(shape, machine, asked, pfn + beside, () => `${what}, source ${sourceId}, PASID ${pasid}`);
      }
    }
  }
}

describe('tags', () => {
  it('domains: two devices with tables of their own', () => {
    for (const kind of ['legacy', 'first', 'second', 'nested'] as const) {
      const machine = new Machine();
      const build = (options: Partial<WayOptions>) =>
        kind === 'legacy' ? legacyWay(machine, options) : scalableWay(machine, { kind, ...options });
      const ways = [build({}), build({ sourceId: OTHER_SID, did: 8n })];
      for (const way of ways) widen(machine, way);
      joinRoots(machine, ways[0]!, ways[1]!);
      alternate(machine, ways, kind);
    }
  });

  it('PASIDs: two of one device and domain, with first stages of their own', () => {
    for (const kind of ['first', 'nested'] satisfies Kind[]) {
      const machine = new Machine();
      const first = scalableWay(machine, { kind });
      const other = scalableWay(machine, { kind, pasid: OTHER_PASID, did: kind === 'nested' ? 8n : 7n });
      for (const way of [first, other]) widen(machine, way);
      joinPasids(machine, first, other);
      alternate(machine, [first, other], kind);
    }
  });

  it('types: a first and a second stage of one domain', () => {
    const machine = new Machine();
    const first = scalableWay(machine, { kind: 'first' });
    const other = scalableWay(machine, { kind: 'second', pasid: OTHER_PASID });
    for (const way of [first, other]) widen(machine, way);
    joinPasids(machine, first, other);
    alternate(machine, [first, other], 'types');
  });
});
