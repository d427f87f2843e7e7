import { describe, expect, it } from 'vitest';
import { iovaStressSections, threadBase, threadPatched } from './iova-stress-sections.ts';
import { labPage } from './lab-page.ts';
import type { BarChart, Table } from './page.ts';
import { sampleClaims, sampleIovaStress, sampleReplay } from './sample.ts';

describe('iova-stress beside the thread', () => {
  const sections = iovaStressSections(sampleIovaStress());
  const bars = sections.filter((section): section is BarChart => section.kind === 'bar-chart');
  const tables = sections.filter((section): section is Table => section.kind === 'table');

  it('shows the figures of the thread as the thread gave them', () => {
    expect(tables[0]?.groups[0]?.rows.slice(0, 2).map((row) => row.slice(0, 5))).toEqual([
      [threadBase.label, '22.297 s', '1.000×', '~32,783 MiB', '–'],
      [threadPatched.label, '23.388 s', '1.049×', '~0 MiB', '–'],
    ]);
  });

  it('compares each design with the one that never frees, for the same size of DMA', () => {
    const [small, large] = tables[0]!.groups.map((group) => group.rows.find((row) => row[0] === 'lazy-prune'));
    expect([small?.[2], large?.[2]]).toEqual(['0.886×', '0.886×']);
    expect(bars[1]).toMatchObject({ marker: 1 });
    expect(bars[1]?.bars.map((bar) => bar.source).slice(0, 3)).toEqual(['reference', 'reference', 'ours']);
  });

  it('keeps the amounts of the thread out when the space is another one', () => {
    const other = iovaStressSections({ ...sampleIovaStress(), spaceTiB: 1 });
    expect(JSON.stringify(other)).toContain('ratios may be compared');
    expect(JSON.stringify(other)).not.toContain('~32,783 MiB');
  });

  it('has no ratio where nothing never frees, or where it took no time', () => {
    const result = sampleIovaStress();
    const without = { ...result, runs: result.runs.filter((run) => run.design !== 'never') };
    const instant = { ...result, runs: result.runs.map((run) => ({ ...run, seconds: 0 })) };
    for (const one of [without, instant]) {
      expect(iovaStressSections(one).filter((section) => section.kind === 'bar-chart')[1]).toMatchObject({ bars: [] });
      expect(JSON.stringify(iovaStressSections(one))).not.toMatch(/NaN|Infinity|null,/);
    }
  });

  it('says so when nothing was run', () => {
    const empty = iovaStressSections({ ...sampleIovaStress(), runs: [], lazyRuns: [] });
    expect(empty.filter((section) => section.kind === 'bar-chart')).toMatchObject([{ bars: [] }, { bars: [] }]);
  });
});

describe('the lab page', () => {
  it('tells the claims, the benchmark, what else there is, and the traces, in this order', () => {
    const more = [{ kind: 'heading', level: 2, text: 'Verdicts' }] as const;
    const page = labPage({ claims: sampleClaims(), iovaStress: sampleIovaStress(), replay: sampleReplay(), more });
    expect(
      page.sections.flatMap((section) => (section.kind === 'heading' && section.level === 2 ? [section.text] : [])),
    ).toEqual([
      'What the thread said, what we measured',
      'The thread’s benchmark: iova_stress',
      'Verdicts',
      'Real traces, replayed',
    ]);
    expect(page.lede).toHaveLength(2);
  });
});
