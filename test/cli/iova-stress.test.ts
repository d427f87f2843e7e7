import { describe, expect, it } from 'vitest';
import { TABLE_RECLAIM } from '../../src/designs/index.ts';
import type { IovaStressResult, IovaStressRun } from '../../src/sim/index.ts';
import { iovaStressSchema } from '../schema/iova-stress.ts';
import { ended, lines, start, tablewalk } from './tablewalk.ts';

const PAIRS_A_TIB = 524_288;
/** A leaf table for each 2 MiB; the IOVA is advanced first, so that the last table of each level above begins a new one. */
const TABLES_OF_1_TIB = PAIRS_A_TIB + 1_025 + 3 + 1;
const names = TABLE_RECLAIM.map((design) => design.name);

async function stress(args: string): Promise<IovaStressResult> {
  const { code, stdout, stderr } = await tablewalk(['iova-stress', '--json', ...args.split(' ')]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(lines(stdout)).toHaveLength(1);
  return iovaStressSchema.parse(JSON.parse(stdout)) as IovaStressResult;
}

describe('iova-stress -s 1 --json', async () => {
  const result = await stress('-s 1');
  const run = (design: string, runs: readonly IovaStressRun[] = result.runs) =>
    runs.find((one) => one.design === design);

  it('begins with schema and command, and has what was promised of each run', async () => {
    expect(Object.keys(result)).toEqual(['schema', 'command', 'spaceTiB', 'runs', 'lazyRuns']);
    for (const one of [...result.runs, ...result.lazyRuns]) {
      expect(Object.keys(one)).toEqual(
        expect.arrayContaining([
          ...['design', 'dmaBytes', 'pairs', 'seconds', 'tableBytesPeak', 'tableBytesEnd', 'tablesAllocated'],
          ...['tablesFreed', 'readLocks', 'writeLocks', 'hostRssPeakBytes'],
        ]),
      );
    }
  });

  it('runs every design once in each mode', () => {
    expect(result.runs.map((one) => [one.design, one.mode])).toEqual(names.map((name) => [name, 'strict']));
    expect(result.lazyRuns.map((one) => [one.design, one.mode])).toEqual(names.map((name) => [name, 'lazy']));
  });

  it('maps 524,288 times 4 KiB', () => {
    for (const one of result.runs) expect(one).toMatchObject({ pairs: PAIRS_A_TIB, dmaBytes: 4096 });
  });

  it('leaves every table where none is freed', () => {
    const kept = { tableBytesPeak: TABLES_OF_1_TIB * 4096, tableBytesEnd: TABLES_OF_1_TIB * 4096 };
    const counts = { tablesAllocated: TABLES_OF_1_TIB, tablesFreed: 0, readLocks: 0, writeLocks: 0 };
    for (const name of ['never', 'covered-range']) {
      expect(run(name)).toMatchObject({ ...kept, ...counts });
      expect(run(name, result.lazyRuns)).toMatchObject({ ...kept, ...counts });
    }
  });

  it('leaves the root where emptied tables are freed', () => {
    for (const name of names.slice(2)) {
      expect(run(name)).toMatchObject({ tableBytesEnd: 4096 });
      expect(run(name)?.tableBytesPeak).toBeLessThan(64 * 1024);
    }
  });

  it('shows that the patches of the thread act in strict mode only', () => {
    for (const name of ['refcount-rwlock', 'mapcount-rwlock']) {
      expect(run(name, result.lazyRuns)).toMatchObject({ tableBytesEnd: TABLES_OF_1_TIB * 4096, tablesFreed: 0 });
    }
    expect(run('lazy-prune', result.lazyRuns)).toMatchObject({ tableBytesEnd: 4096 });
  });

  it('keeps the books: what was allocated and not freed is what is left', () => {
    for (const one of [...result.runs, ...result.lazyRuns]) {
      expect((one.tablesAllocated - one.tablesFreed) * 4096).toBe(one.tableBytesEnd);
      expect(one.tableBytesEnd).toBeLessThanOrEqual(one.tableBytesPeak);
    }
  });

  it('needs little host memory, since an emptied table needs none', () => {
    for (const one of [...result.runs, ...result.lazyRuns]) {
      expect(one.hostRssPeakBytes).toBeGreaterThan(20 * 2 ** 20);
      expect(one.hostRssPeakBytes).toBeLessThan(300 * 2 ** 20);
    }
  });
});

describe('iova-stress -S 2', () => {
  it('runs a second time with that buffer, in the tables of the first run', async () => {
    const { runs, lazyRuns } = await stress('-s 1 -S 2 --design never,lazy-prune --mode strict');
    expect(lazyRuns).toEqual([]);
    expect(runs.map((run) => [run.design, run.dmaBytes, run.pairs])).toEqual([
      ['never', 4096, PAIRS_A_TIB],
      ['never', 2 ** 21, PAIRS_A_TIB],
      ['lazy-prune', 4096, PAIRS_A_TIB],
      ['lazy-prune', 2 ** 21, PAIRS_A_TIB],
    ]);
    // A large page takes the place of each leaf table; those above stay.
    expect(runs[1]).toMatchObject({ tablesAllocated: 0, tablesFreed: PAIRS_A_TIB });
    expect(runs[1]).toMatchObject({ tableBytesPeak: TABLES_OF_1_TIB * 4096, tableBytesEnd: (1_025 + 3 + 1) * 4096 });
    expect(runs[3]).toMatchObject({ tableBytesEnd: 4096 });
  });

  it('takes a buffer that is no power of two, which advances by its own size', async () => {
    const { runs } = await stress('-s 1 -S 1000 --design lazy-prune --mode lazy').then((all) => ({
      runs: all.lazyRuns,
    }));
    expect(runs[1]).toMatchObject({ pairs: Math.ceil(2 ** 20 / 1000), tableBytesEnd: 4096 });
  });
});

describe('iova-stress for people', () => {
  it('prints a line a run in the shape of the original, and the thread’s two', async () => {
    const { code, stdout } = await tablewalk(['iova-stress', '-s', '1', '--design', 'never', '--mode', 'strict']);
    const shape = /^.{29,} {2}dma_size: {7}4K iova space: \d+T iommu: ~ *\d+M time: +\d+\.\d{3}s$/;
    expect(code).toBe(0);
    expect(lines(stdout).filter((line) => shape.test(line))).toEqual([
      expect.stringContaining('dma_size:       4K iova space: 16T iommu: ~  32783M time:   22.297s'),
      expect.stringContaining('dma_size:       4K iova space: 16T iommu: ~      0M time:   23.388s'),
      expect.stringMatching(/^never .* iova space: 1T iommu: ~ {3}2052M time: /),
    ]);
    expect(stdout).toContain('525,317');
  });

  it('prints a line a TiB with -v, and not on stdout when that is JSON', async () => {
    const args = ['iova-stress', '-s', '2', '-v', '--design', 'never', '--mode', 'strict'];
    const perTib = [
      expect.stringMatching(/space: {5}1T\ttable memory: {4}2052M$/),
      expect.stringMatching(/ 2T\t.* 4104M$/),
    ];
    const { stdout } = await tablewalk(args);
    expect(lines(stdout).filter((line) => line.includes('\t'))).toEqual(perTib);
    const json = await tablewalk([...args, '--json']);
    expect(lines(json.stderr)).toEqual(perTib);
    expect(lines(json.stdout)).toHaveLength(1);
  });
});

describe('iova-stress, interrupted', () => {
  it('keeps what is known, says so, and ends with 130', async () => {
    const child = start(['iova-stress', '-s', '255', '-v', '--json', '--design', 'never', '--mode', 'strict']);
    const end = ended(child);
    child.stderr?.once('data', () => child.kill('SIGINT'));
    const { code, stdout, stderr } = await end;
    expect(code).toBe(130);
    expect(lines(stderr).at(-1)).toMatch(/^tablewalk: interrupted/);
    const result = iovaStressSchema.parse(JSON.parse(stdout));
    expect(result).toMatchObject({ interrupted: true, runs: [{ design: 'never' }] });
    expect(result.runs[0]?.pairs).toBeLessThan(255 * PAIRS_A_TIB);
  });
});
