import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { outputPfn } from '../../hw/pt/format.ts';
import { visitEntries } from '../../hw/pt/walk.straight.ts';
import { TraceTextParser } from '../../trace/index.ts';
import { ReplayEngine } from './engine.ts';
import { replayFile } from './file.ts';
import type { FlushMode } from './result.ts';

/** fixtures/replay/README.md. */
interface Truth {
  readonly maps: number;
  readonly unmaps: number;
  readonly leaves4K: number;
  readonly leaves2M: number;
  readonly livePages: number;
  readonly tablesNamed: number;
  readonly nrIommuPagesMapped: number;
  readonly nrIommuPagesAfter: number;
}

const FOLDER = new URL('../../../fixtures/replay/', import.meta.url);
const unzipped = (name: string): Uint8Array => new Uint8Array(gunzipSync(readFileSync(new URL(name, FOLDER))));
const TRUTH: Truth = JSON.parse(readFileSync(new URL('vfio-mix.truth.json', FOLDER), 'utf8'));

/** Each leaf row of the kernel's page table: page, frame, level. */
function kernelLeaves(): string[] {
  const lines = new TextDecoder().decode(unzipped('vfio-mix.leaves.txt.gz')).trimEnd().split('\n');
  return lines.flatMap((line) => {
    const [page, frame, rows, level] = line.split(' ');
    const span = 512 ** Number(level);
    const at = (i: number): string => `${parseInt(page!, 16) + i * span} ${parseInt(frame!, 16) + i * span} ${level}`;
    return Array.from({ length: Number(rows) }, (_, i) => at(i));
  });
}

function replayed(): { engine: ReplayEngine; file: ReturnType<typeof replayFile> } {
  const engine = new ReplayEngine();
  const parser = new TraceTextParser(engine);
  parser.push(unzipped('vfio-mix.trace.txt.gz'));
  const summary = parser.end();
  if (!summary.ok) throw new Error(summary.error.message);
  engine.settle(summary.value.lastTimestamp);
  return { engine, file: replayFile('vfio-mix.trace.txt', engine, summary.value) };
}

const { engine, file } = replayed();

function cost(design: string, mode: FlushMode): (typeof file.designs)[number] {
  return file.designs.find((entry) => entry.design === design && entry.mode === mode)!;
}

test('every simulated page table holds the leaves of the kernel, row by row: page, frame and size', () => {
  const expected = kernelLeaves();
  expect(expected).toHaveLength(TRUTH.leaves4K + TRUTH.leaves2M);
  for (const { domains } of engine.simulations) {
    const rows: string[] = [];
    visitEntries(domains[0]!.pt, (level, _index, isLeaf, lo, hi, page) => {
      if (isLeaf) rows.push(`${page} ${outputPfn(lo, hi)} ${level}`);
    });
    expect(rows).toEqual(expected);
  }
});

test('the live mappings are the pages that the kernel had mapped', () => {
  expect(file.livePagesEnd).toBe(TRUTH.livePages);
  expect(file.events).toEqual({ 'iommu:map': TRUTH.maps, 'iommu:unmap': TRUTH.unmaps });
  expect(file.domainInference).toMatchObject({ inferred: 1, atLeast: 1, certainty: 1, ambiguousUnmaps: 0 });
});

test('covered-range keeps as many tables as the kernel did: what nr_iommu_pages fell by when the domain died', () => {
  const kept = (TRUTH.nrIommuPagesMapped - TRUTH.nrIommuPagesAfter) * 4096;
  expect(cost('covered-range', 'strict').tableBytesEnd).toBe(kept);
  expect(cost('covered-range', 'lazy').tableBytesEnd).toBe(kept);
});

test.each(['refcount-rwlock', 'mapcount-rwlock', 'per-table-lock', 'lazy-prune'])(
  '%s in strict mode keeps the tables that lead to a leaf in the dump, and the root',
  (design) => {
    expect(cost(design, 'strict').tableBytesEnd).toBe((TRUTH.tablesNamed + 1) * 4096);
  },
);

test('no design leaves a table behind when its domains die', () => {
  expect(() => engine.destroy()).not.toThrow();
});
