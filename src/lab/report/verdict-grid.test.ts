import { describe, expect, it } from 'vitest';
import { linesOf } from '../litmus/rows.ts';
import { sectionHtml } from './html-sections.ts';
import { gridLines } from './terminal-grid.ts';
import { plainColors } from './terminal-text.ts';
import { familyGrid, pairColumns, pairsGrid, type VerdictCell } from './verdict-grid.ts';

const FAMILY = 'pasid-lifetime x pasid-msr';
const MSRS = Array.from({ length: 14 }, (_, i) => `a-design-with-a-name-${i + 1}`);
const LIVES = ['never', 'free-in-mmput'];

function cell(scenario: string, design: string, family: string, more: Partial<VerdictCell> = {}): VerdictCell {
  const entry = { name: `${scenario} / ${design}`, family, scenario, design, designs: design.split(' x ') };
  return { entry, verdict: 'holds', executions: 1000, seconds: 0.5, isStored: false, isExpected: true, ...more };
}

const pairs = LIVES.flatMap((life) => MSRS.map((msr) => cell('S1', `${life} x ${msr}`, FAMILY)));
const options = { width: 98, color: plainColors, unicode: true };

describe('a grid of pairs', () => {
  it('has a row a design of the one family, a column one of the other, and fits 100 columns with sums and code', () => {
    const columns = pairColumns(pairs.map(({ entry }) => entry));
    expect(columns).toEqual(MSRS);
    const lines = gridLines(pairsGrid('S1', pairs, columns), options);
    expect(lines.every((line) => line.length <= 98)).toBe(true);
    expect(lines.map((line) => line.trim().split(/\s+/))).toEqual([
      ['pasid-lifetime', ...MSRS.map((_, i) => String(i + 1)), 'lines', 'executions', 'seconds'],
      ['never', ...MSRS.map(() => 'H'), String(linesOf(['never'])), '14,000', '7.00'],
      ['free-in-mmput', ...MSRS.map(() => 'H'), expect.stringMatching(/^\d+$/), '14,000', '7.00'],
    ]);
  });

  it('tells what is stored, not known and not expected', () => {
    const cells = [
      cell('S1', 'never x a', FAMILY, { verdict: 'violated', isStored: true }),
      cell('S1', 'never x b', FAMILY, { verdict: null }),
      cell('S1', 'never x c', FAMILY, { verdict: 'unreachable', isExpected: false }),
    ];
    const [row] = pairsGrid('S1', cells, ['a', 'b', 'c', 'd']).rows;
    expect(row?.marks.map((mark) => mark?.text)).toEqual(['v', '?', 'U!', undefined]);
  });
});

describe('a grid of a family', () => {
  const cells = [
    cell('L01', 'as it was', 'catalogue', { verdict: 'violated' }),
    cell('L01', 'wrong fix: one', 'catalogue', { verdict: 'violated' }),
    cell('L01', 'wrong fix: <other>', 'catalogue'),
    cell('L02', 'fixed', 'catalogue'),
  ];
  const grid = familyGrid('Catalogue', cells);

  it('has a row a scenario and a column a kind of case', () => {
    expect(gridLines(grid, options)).toEqual([
      'scenario  as it was  wrong fix  fixed',
      'L01               V         VH',
      'L02                                 H',
    ]);
  });

  it('says in HTML what each letter means, and escapes it', () => {
    const context = { newId: () => 'g1', addChart: () => {}, addHeading: () => {} };
    const html = sectionHtml(grid, context);
    expect(html).toContain(
      '<td class="letter bad"><abbr title="wrong fix: one: violated; wrong fix: &lt;other&gt;: holds">VH</abbr></td>',
    );
    expect(html).toContain('<th scope="col" class="letter">wrong fix</th>');
  });
});
