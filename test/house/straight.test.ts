/**
 * The straight-line twins (docs/adr/0001): they are what the tool makes of the flows today, the tool refuses what it cannot
 * turn into the same thing, and a flow run alone and its twin do the same to two memories.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runAlone } from '../../src/base/flow.ts';
import {
  TABLE_RECLAIM as STRAIGHT_POSTED,
  TABLE_RECLAIM_REPAIRED as STRAIGHT_REPAIRED,
} from '../../src/designs/table-reclaim/index.straight.ts';
import { TABLE_RECLAIM as POSTED, TABLE_RECLAIM_REPAIRED } from '../../src/designs/table-reclaim/index.ts';
import { ArenaMemory } from '../../src/hw/memory/arena-memory.ts';
import { createCpu, DMA_PTE, GENERIC_PT, REPLAY } from '../../src/hw/pt/page-table.ts';
import * as straightWalk from '../../src/hw/pt/walk.straight.ts';
import * as walk from '../../src/hw/pt/walk.ts';
import * as straight from '../../src/kernel/iommu/domain.straight.ts';
import * as flows from '../../src/kernel/iommu/domain.ts';
import { runs, sequence } from '../support/domain-arbitraries.ts';
import type { Op } from '../support/domain-harness.ts';
import { FORMATS, type FormatWithLevels } from '../support/formats.ts';

interface StraightTool {
  allTwins(root: string): [path: string, text: string][];
  straighten(source: string, name: string, takesPart: (specifier: string) => boolean): string;
}

const ROOT = new URL('../..', import.meta.url).pathname;
const tool = (await import(new URL('../../tools/straight.mjs', import.meta.url).href)) as StraightTool;

function straighten(source: string): string {
  return tool.straighten(source, 'some.ts', (specifier) => specifier === './flows.ts');
}

describe('the twins', () => {
  for (const [path, text] of tool.allTwins(ROOT)) {
    it(`${path.slice(ROOT.length)} is what tools/straight.mjs makes of its source: run npm run straight`, () => {
      expect(readFileSync(path, 'utf8')).toBe(text);
    });
  }

  it('contain no generator', () => {
    for (const [path, text] of tool.allTwins(ROOT)) {
      expect(/\bfunction\s*\*|\byield\b/.test(withoutComments(text)), path).toBe(false);
    }
  });
});

describe('the transform', () => {
  it('leaves out schedule points and keeps the rest', () => {
    const twin = straighten(`import type { Flow } from '../base/flow.ts';
import { inner } from './flows.ts';
import { other } from './other.ts';
// @straight
export function* outer(n: number): Flow<number> {
  yield;
  let sum = yield* inner(n);
  if (sum > 1) {
    yield lock.acquire();
  }
  switch (n) {
    case 1:
      yield;
      sum++;
      break;
  }
  return (yield* inner(sum)) + other();
}
`);
    expect(twin.split('\n').slice(1)).toEqual([
      "import { inner } from './flows.straight.ts';",
      "import { other } from './other.ts';",
      'export function outer(n: number): number {',
      '  let sum = inner(n);',
      '  if (sum > 1) {',
      '  }',
      '  switch (n) {',
      '    case 1:',
      '      sum++;',
      '      break;',
      '  }',
      '  return (inner(sum)) + other();',
      '}',
      '',
    ]);
  });

  it('leaves out imports from flow.ts that only schedule points used', () => {
    const importing = (names: string, more = '') =>
      straighten(`import ${names} from '../base/flow.ts';\nfunction* f(): Flow<void> {\n  yield ATOMIC;\n}\n${more}`)
        .split('\n')
        .filter((line) => line.startsWith('import'));
    expect(importing('{ ATOMIC, type Flow }')).toEqual([]);
    expect(importing('{ ATOMIC, type Flow, runAlone }', 'runAlone(g);\n')).toEqual([
      "import { runAlone } from '../base/flow.ts';",
    ]);
  });

  it('refuses a yield whose value is used', () => {
    expect(() => straighten('function* f() { const x = yield; return x; }')).toThrow(/some.ts:1: the value of a yield/);
    expect(() => straighten('function* f() {\n  g(yield);\n}')).toThrow(/some.ts:2: the value of a yield/);
    expect(() => straighten('function* f() { return yield step; }')).toThrow(/value of a yield/);
    expect(() => straighten('function* f() { a && (yield step); }')).toThrow(/value of a yield/);
    expect(() => straighten('function* f() { for (yield; ; ) {} }')).toThrow(/value of a yield/);
  });

  it('refuses a yield that is the whole body of a statement: leaving it out would take the next one in', () => {
    for (const body of [
      'if (a) yield;',
      'if (a) b(); else yield;',
      'while (a) yield;',
      'for (;;) yield;',
      'x: yield;',
    ]) {
      expect(() => straighten(`function* f() { ${body} g(); }`), body).toThrow(/block of its own/);
    }
  });

  it('refuses generator methods and expressions; arrows cannot be generators', () => {
    expect(() => straighten('class C {\n  *m() {}\n}')).toThrow(/some.ts:2: only a function declaration/);
    expect(() => straighten('const o = { *m() {} };')).toThrow(/only a function declaration/);
    expect(() => straighten('const f = function* () {};')).toThrow(/only a function declaration/);
    expect(() => straighten('const f = *() => {};')).toThrow();
  });

  it('refuses what does not parse', () => {
    expect(() => straighten('function* {')).toThrow(/some.ts/);
  });
});

const TABLE_RECLAIM = [...POSTED, ...TABLE_RECLAIM_REPAIRED];
const STRAIGHT_RECLAIM = [...STRAIGHT_POSTED, ...STRAIGHT_REPAIRED];

describe('a flow run alone and its twin', () => {
  for (const { format, levels } of FORMATS) {
    for (const semantics of [GENERIC_PT, DMA_PTE, REPLAY]) {
      it(`do the same: ${format.name}, ${levels} levels, ${semantics.name}`, () => {
        for (const [i, design] of TABLE_RECLAIM.entries()) {
          for (const lazy of [false, true]) {
            fc.assert(
              fc.property(sequence({ levels, maxLeafLevel: 2 }, 15), (ops) => {
                const options = { format, levels, semantics, lazy };
                const left = runFlow(design, options, ops);
                const right = runTwin(STRAIGHT_RECLAIM[i] as (typeof STRAIGHT_RECLAIM)[number], options, ops);
                expect(right).toEqual(left);
              }),
              runs(1),
            );
          }
        }
      });
    }
  }
});

interface Options extends FormatWithLevels {
  readonly semantics: typeof GENERIC_PT;
  readonly lazy: boolean;
}

/** All that can be seen of a run: results, costs, and every word of every table. */
interface Seen {
  readonly results: number[];
  readonly entries: string[];
  readonly cost: object;
  readonly framesInUse: number;
  readonly unaccounted: number;
}

function runFlow(reclaim: (typeof TABLE_RECLAIM)[number], options: Options, ops: readonly Op[]): Seen {
  const memory = new ArenaMemory();
  const domain = runAlone(flows.createDomain({ memory, reclaim, ...options }));
  const cpu = createCpu();
  const results = ops.map((op) => {
    if (op.kind === 'map') return runAlone(flows.iommuMap(domain, cpu, op.iova, op.paddr, op.pages, op.prot));
    if (op.kind === 'unmap') return runAlone(flows.iommuUnmap(domain, cpu, op.iova, op.pages));
    runAlone(op.kind === 'timer' ? flows.flushQueueTimer(domain) : flows.settleDomain(domain, cpu));
    return 0;
  });
  for (const op of ops) if ('iova' in op) results.push(runAlone(flows.iommuIovaToPhys(domain, op.iova)));
  const entries: string[] = [];
  runAlone(walk.visitEntries(domain.pt, (...entry) => void entries.push(entry.join())));
  const cost = { ...domain.pt.cost };
  const unaccounted = runAlone(flows.destroyDomain(domain, cpu));
  return { results, entries, cost, framesInUse: memory.framesInUse, unaccounted };
}

function runTwin(reclaim: (typeof STRAIGHT_RECLAIM)[number], options: Options, ops: readonly Op[]): Seen {
  const memory = new ArenaMemory();
  const domain = straight.createDomain({ memory, reclaim, ...options });
  const cpu = createCpu();
  const results = ops.map((op) => {
    if (op.kind === 'map') return straight.iommuMap(domain, cpu, op.iova, op.paddr, op.pages, op.prot);
    if (op.kind === 'unmap') return straight.iommuUnmap(domain, cpu, op.iova, op.pages);
    if (op.kind === 'timer') straight.flushQueueTimer(domain);
    else straight.settleDomain(domain, cpu);
    return 0;
  });
  for (const op of ops) if ('iova' in op) results.push(straight.iommuIovaToPhys(domain, op.iova));
  const entries: string[] = [];
  straightWalk.visitEntries(domain.pt, (...entry) => void entries.push(entry.join()));
  const cost = { ...domain.pt.cost };
  const unaccounted = straight.destroyDomain(domain, cpu);
  return { results, entries, cost, framesInUse: memory.framesInUse, unaccounted };
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}
