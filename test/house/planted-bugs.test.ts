/**
 * The property test is itself tested: each bug that is planted here, by wrapping one function of a design, must be found
 * within a few random sequences; and the designs without it must pass the same ones.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VTD_SECOND_STAGE } from '../../src/hw/pt/formats/vtd-second-stage.ts';
import { type Cpu, GENERIC_PT, type PageTable, type ReclaimHooks } from '../../src/hw/pt/page-table.straight.ts';
import type { TableReclaim } from '../../src/kernel/iommu/table-reclaim.straight.ts';
import { designNamed } from '../support/designs.ts';
import { sequence } from '../support/domain-arbitraries.ts';
import { checkSequence, knownFaults, type Setup } from '../support/domain-harness.ts';

const sequencesFor = (levels: number) =>
  fc.sample(sequence({ levels, maxLeafLevel: 2 }, 25), { numRuns: 40, seed: 2014 });
const SEQUENCES = new Map([3, 4].map((levels) => [levels, sequencesFor(levels)]));

function setupFor(design: TableReclaim, levels: number): Setup {
  const setup: Setup = {
    format: VTD_SECOND_STAGE,
    levels,
    design,
    lazy: false,
    semantics: GENERIC_PT,
    maxLeafLevel: 2,
  };
  return { ...setup, tolerated: knownFaults(setup) };
}

/** What the first sequence that fails says; undefined when all pass. */
function firstComplaint(design: TableReclaim, levels: number): string | undefined {
  for (const ops of SEQUENCES.get(levels) ?? []) {
    try {
      checkSequence(setupFor(design, levels), ops);
    } catch (error) {
      return String(error);
    }
  }
  return undefined;
}

function withHooks(name: string, change: (hooks: ReclaimHooks) => Partial<ReclaimHooks>): TableReclaim {
  const design = designNamed(name);
  return { ...design, hooks: { ...design.hooks, ...change(design.hooks) } };
}

function afterUnmap(name: string, spoil: (pt: PageTable, cpu: Cpu, done: number) => number): TableReclaim {
  const design = designNamed(name);
  return {
    ...design,
    unmapPages: (pt, cpu, page, pages) => spoil(pt, cpu, design.unmapPages(pt, cpu, page, pages)),
  };
}

interface Planted {
  readonly bug: string;
  readonly design: TableReclaim;
  /** What the complaint must be about. */
  readonly about: RegExp;
  /** The fast paths of 4 levels do not ask the design for much; what is planted in a design shows with 3, unless said. */
  readonly levels?: number;
}

const PLANTED: readonly Planted[] = [
  {
    bug: 'frees tables before the flush',
    design: afterUnmap('covered-range', (pt, cpu, done) => {
      for (let i = 0; i < cpu.gather.tableCount; i++) {
        pt.memory.freeFrame(cpu.gather.tables[i] as number);
        pt.cost.tablesFreed++;
      }
      cpu.gather.tableCount = 0;
      return done;
    }),
    about: /freed without a flush/,
  },
  {
    bug: 'flushes one page less',
    design: afterUnmap('never', (_pt, cpu, done) => {
      if (cpu.gather.end > cpu.gather.start + 1) cpu.gather.end--;
      return done;
    }),
    about: /were unmapped; flushed since/,
  },
  {
    bug: 'flushes the range that was asked for, not the span of the table that it frees',
    design: {
      ...designNamed('per-table-lock'),
      unmapPages: (pt, cpu, page, pages) => {
        const done = designNamed('per-table-lock').unmapPages(pt, cpu, page, pages);
        if (done > 0) [cpu.gather.start, cpu.gather.end] = [page, page + Math.max(done, pages)];
        return done;
      },
    },
    about: /was freed; of its span/,
  },
  {
    bug: 'does not flush at all',
    design: afterUnmap('never', (_pt, cpu, done) => {
      cpu.gather.end = 0;
      return done;
    }),
    about: /flushed since: nothing/,
  },
  {
    bug: 'returns one page less than it unmapped',
    design: afterUnmap('never', (_pt, _cpu, done) => (done > 1 ? done - 1 : done)),
    about: /unmap .* returns/,
  },
  {
    bug: 'does not collect a table that an unmap covers',
    design: withHooks('covered-range', () => ({ collectCovered: false })),
    about: /not needed and alive/,
  },
  {
    bug: 'collects a table although it never should',
    design: withHooks('never', () => ({ collectCovered: true })),
    about: /table of page .* is gone/,
  },
  {
    bug: 'forgets to count entries that it clears',
    design: withHooks('per-table-lock', () => ({ runCleared: () => {} })),
    about: /not needed and alive/,
  },
  {
    bug: 'unlinks a table that still has one entry',
    design: withHooks('refcount-rwlock', (hooks) => ({
      childLeft: (pt, cpu, page, level) => {
        const child = cpu.path[level] as number;
        if (pt.memory.addRefcount(child, 0) === 2) pt.memory.addRefcount(child, -1);
        return hooks.childLeft(pt, cpu, page, level);
      },
    })),
    about: /translates to -1|is gone/,
  },
  {
    bug: 'frees a table twice',
    design: withHooks('refcount-rwlock', () => ({
      tableFreed: (pt, table) => {
        pt.memory.freeFrame(table);
        return true;
      },
    })),
    about: /freed twice/,
  },
  {
    bug: 'never prunes what it left pending',
    design: { ...designNamed('lazy-prune'), settle: () => {} },
    about: /not needed and alive/,
    levels: 4,
  },
  {
    bug: 'says that nothing was entered when a map fails halfway',
    design: {
      ...designNamed('never'),
      mapPages: (pt, cpu, ...rest) => {
        const status = designNamed('never').mapPages(pt, cpu, ...rest);
        if (status !== 0) cpu.mapped = 0;
        return status;
      },
    },
    about: /translates to|a leaf of level/,
  },
  {
    bug: 'maps everything writable',
    design: {
      ...designNamed('never'),
      mapPages: (pt, cpu, page, frame, level, count, prot) =>
        designNamed('never').mapPages(pt, cpu, page, frame, level, count, prot === 0 ? 0 : 3),
    },
    about: /entry of level/,
  },
  {
    bug: 'translates every page of a large page to its first',
    design: {
      ...designNamed('never'),
      iovaToPhys: (pt, page) => {
        const frame = designNamed('never').iovaToPhys(pt, page);
        return frame % 512 === page % 512 ? frame - (frame % 512) : frame;
      },
    },
    about: /translates to/,
  },
];

describe('the property test finds a design that', () => {
  for (const { bug, design, about, levels } of PLANTED) {
    it(bug, () => {
      expect(firstComplaint(design, levels ?? 3)).toMatch(about);
    });
  }
});

describe('the property test passes', () => {
  for (const name of new Set(PLANTED.map(({ design }) => design.name))) {
    for (const levels of [3, 4]) {
      it(`${name} as it is, ${levels} levels`, () => {
        expect(firstComplaint(designNamed(name), levels)).toBeUndefined();
      });
    }
  }
});
