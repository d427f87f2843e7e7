import { describe, expect, it } from 'vitest';
import type { ReplayFile } from '../replay/result.ts';
import type { Section, Table, TimeChart } from './page.ts';
import { replayPage } from './replay-page.ts';
import { emptyFile, sampleDesigns, sampleFile, sampleReplay } from './sample.ts';

function flat(sections: readonly Section[]): readonly Section[] {
  return sections.flatMap((section) => (section.kind === 'columns' ? flat(section.sections) : [section]));
}

const pageOf = (file: ReplayFile): readonly Section[] =>
  flat(replayPage({ ...sampleReplay(), files: [file] }).sections);
const chartsOf = (file: ReplayFile): readonly TimeChart[] =>
  pageOf(file).filter((section) => section.kind === 'time-chart');
const tableOf = (file: ReplayFile, caption: string): Table | undefined =>
  pageOf(file).find((section): section is Table => section.kind === 'table' && section.caption === caption);

describe('the replay page', () => {
  it('has a line for each design and mode, coloured by design, on one scale', () => {
    const [strict, lazy] = chartsOf(sampleFile());
    expect(strict?.lines.map((line) => line.label)).toEqual(sampleDesigns);
    expect(lazy?.lines.map((line) => line.color)).toEqual(strict?.lines.map((line) => line.color));
    expect(lazy?.top).toBe(strict?.top);
    expect(strict?.wideSpread).toBe(true);
  });

  it('lists strict and lazy costs apart', () => {
    const table = tableOf(sampleFile(), 'What each design costs on this trace');
    expect(table?.groups.map((group) => group.rows.length)).toEqual([6, 6]);
    expect(table?.groups[0]?.rows[0]).toEqual([
      'never',
      '42.8 MiB',
      '42.8 MiB',
      '11,204',
      '0',
      '0',
      '0',
      '0',
      '233,950',
      '0',
    ]);
  });

  it('ends the last bucket one bucket after its start, or at the end of the trace if it is the only one', () => {
    expect(chartsOf(sampleFile())[0]?.end).toBeCloseTo(12.4);
    expect(chartsOf(sampleFile({ buckets: 1 }))[0]?.end).toBe(12.4);
  });

  it('names ties in the summary', () => {
    const file = sampleFile({ buckets: 1 });
    const same = file.series.tableBytes.map((one) => ({ ...one, bytes: [4096] }));
    const [strict] = chartsOf({ ...file, series: { ...file.series, tableBytes: same } });
    expect(strict?.summary).toBe('All designs alike reach 4 KiB at most within 12.4 s.');
    expect(strict?.wideSpread).toBe(false);
  });

  it('speaks of ticks and of positions where the clock has no seconds', () => {
    const ticks = chartsOf({ ...sampleFile(), timeUnit: 'ticks' });
    expect(ticks[2]?.summary).toMatch(/ticks with/);
    const figures = pageOf({ ...sampleFile(), timeUnit: 'none', mapsPerSecond: null }).find(
      (one) => one.kind === 'key-figures',
    );
    expect(JSON.stringify(figures)).toContain('not in the trace');
  });

  it('draws nothing for a trace without events, and says why', () => {
    const sections = pageOf(emptyFile());
    expect(sections.some((section) => section.kind === 'time-chart')).toBe(false);
    expect(JSON.stringify(sections)).toContain('there is nothing to draw');
  });

  it('cuts long tables and says how much is left', () => {
    const topTasks = Array.from({ length: 20 }, (_, i) => ({ task: `t${i}`, maps: i, unmaps: i }));
    const table = tableOf({ ...sampleFile(), topTasks }, 'Busiest tasks');
    expect(table?.groups[0]?.rows).toHaveLength(16);
    expect(table?.note).toBe('4 more rows in the JSON.');
  });

  it('begins with an overview when there are several files, and says when there is none', () => {
    const two = replayPage({ ...sampleReplay(), files: [sampleFile(), emptyFile()] });
    expect(two.title).toBe('2 traces');
    expect(two.sections[0]).toMatchObject({ kind: 'table', caption: 'The traces' });
    expect(replayPage({ ...sampleReplay(), files: [] }).sections).toEqual([
      { kind: 'prose', text: ['No trace was replayed.'] },
    ]);
  });
});
