/** Ranges that are none, ranges beyond the table, permissions that are none, and memory that runs out. */
import { describe, expect, it } from 'vitest';
import { DESIGNS, designNamed } from '../../../test/support/designs.ts';
import { DomainHarness, type Op } from '../../../test/support/domain-harness.ts';
import { FORMATS } from '../../../test/support/formats.ts';
import { ArenaMemory } from '../../hw/memory/arena-memory.ts';
import { VTD_SECOND_STAGE } from '../../hw/pt/formats/vtd-second-stage.ts';
import { createCpu, EINVAL, ENOMEM, ERANGE, GENERIC_PT } from '../../hw/pt/page-table.straight.ts';
import { visitEntries } from '../../hw/pt/walk.straight.ts';
import { createDomain, destroyDomain, iommuIovaToPhys, iommuMap, iommuUnmap } from './domain.straight.ts';

const RW = 3;
const T = 512;

for (const { format, levels } of FORMATS) {
  describe(`${format.name}, ${levels} levels`, () => {
    const make = () => {
      const memory = new ArenaMemory();
      const domain = createDomain({ memory, format, levels, reclaim: designNamed('never') });
      return { memory, domain, cpu: createCpu(), limit: 512 ** levels };
    };

    it('refuses to map no pages, or fewer, and makes no table for them', () => {
      const { memory, domain, cpu } = make();
      for (const pages of [0, -1, -512]) expect(iommuMap(domain, cpu, 0, 0, pages, RW), `${pages} pages`).toBe(EINVAL);
      expect(memory.framesInUse).toBe(1);
    });

    it('unmaps nothing where there are no pages, and flushes nothing', () => {
      const { domain, cpu } = make();
      iommuMap(domain, cpu, 0, 0, 4, RW);
      for (const pages of [0, -1]) expect(iommuUnmap(domain, cpu, 2, pages), `${pages} pages`).toBe(0);
      expect(domain.pt.cost.flushes).toBe(0);
    });

    it('refuses what begins below or ends above the address space, on either side of the table', () => {
      const { memory, domain, cpu, limit } = make();
      expect(iommuMap(domain, cpu, -1, 0, 1, RW)).toBe(EINVAL);
      expect(iommuMap(domain, cpu, 0, -1, 1, RW)).toBe(EINVAL);
      for (const [page, pages] of [
        [limit, 1],
        [limit - 1, 2],
        [0, limit + 1],
        [2 ** 45, 1],
        [2 ** 52, 1],
      ] as const) {
        expect(iommuMap(domain, cpu, page, 0, pages, RW)).toBe(ERANGE);
        expect(iommuUnmap(domain, cpu, page, pages)).toBe(0);
        if (page >= limit) expect(iommuIovaToPhys(domain, page)).toBe(-1);
      }
      expect(iommuMap(domain, cpu, 0, 2 ** 40 - 1, 2, RW)).toBe(ERANGE);
      expect(iommuUnmap(domain, cpu, -1, 1)).toBe(0);
      expect(iommuIovaToPhys(domain, -1)).toBe(-1);
      expect(memory.framesInUse).toBe(1);
    });
  });
}

describe('a map without permission', () => {
  for (const design of DESIGNS) {
    for (const pages of [1, T]) {
      it(`of ${pages} pages is refused and leaves nothing to flush: ${design.name}`, () => {
        const options = { format: VTD_SECOND_STAGE, levels: 4, design, semantics: GENERIC_PT, maxLeafLevel: 2 };
        const harness = new DomainHarness({ ...options, lazy: false });
        const page = (iova: number): Op => ({ kind: 'map', iova, paddr: T * T + iova, pages: 1, prot: RW });
        // With lazy-prune the table of page 0 is pending when the map comes.
        for (const op of [page(0), page(T), { kind: 'unmap', iova: 0, pages: 1 } as const]) harness.run(op);
        harness.run({ kind: 'map', iova: 0, paddr: T * T, pages, prot: 0 });
        harness.finish();
      });
    }
  }
});

describe('memory that runs out', () => {
  for (const design of DESIGNS) {
    it(`fails a map with ENOMEM at whatever table, leaves translations alone, and nothing is lost: ${design.name}`, () => {
      for (const levels of [3, 4, 5]) {
        for (let frames = 1; frames < 2 * levels + 2; frames++) {
          const memory = new ArenaMemory({ maxFrames: frames });
          const domain = createDomain({ memory, format: VTD_SECOND_STAGE, levels, reclaim: design });
          const cpu = createCpu();
          // Two pages at the border of two leaf tables, on two paths that part at the root.
          const page = 512 ** (levels - 1) - 1;
          const enough = frames >= 2 * levels - 1;
          expect(iommuMap(domain, cpu, page, 77, 2, RW)).toBe(enough ? 0 : ENOMEM);
          expect(iommuIovaToPhys(domain, page)).toBe(enough ? 77 : -1);
          expect(iommuIovaToPhys(domain, page + 1)).toBe(enough ? 78 : -1);
          let leaves = 0;
          visitEntries(domain.pt, (_level, _index, isLeaf) => {
            if (isLeaf) leaves++;
          });
          expect(leaves).toBe(enough ? 2 : 0);
          expect(destroyDomain(domain, cpu)).toBe(0);
          expect(memory.framesInUse).toBe(0);
        }
      }
    });
  }
});
