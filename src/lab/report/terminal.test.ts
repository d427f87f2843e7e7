import { describe, expect, it } from 'vitest';
import { labPage } from './lab-page.ts';
import type { ReportPage, Section, TimeChart } from './page.ts';
import { replayPage } from './replay-page.ts';
import { emptyFile, sampleClaims, sampleFile, sampleIovaStress, sampleReplay } from './sample.ts';
import { type Colors, plainColors, renderTerminal } from './terminal.ts';
import { textWidth } from './terminal-text.ts';

const wrapIn =
  (code: number) =>
  (text: string): string =>
    `\u001b[${code}m${text}\u001b[0m`;
const ansi: Colors = {
  bold: wrapIn(1),
  dim: wrapIn(2),
  green: wrapIn(32),
  red: wrapIn(31),
  yellow: wrapIn(33),
  cyan: wrapIn(36),
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the marks that `ansi` makes
const marks = /\u001b\[\d+m/g;

const page = (...sections: Section[]): ReportPage => ({
  kicker: 'k',
  title: 'Title',
  lede: [],
  sections,
  footer: ['Made by tablewalk.'],
});

const lab = (hostile = ''): ReportPage =>
  labPage({
    claims: sampleClaims(),
    iovaStress: sampleIovaStress(),
    replay: { ...sampleReplay(), files: [sampleFile({ hostile }), emptyFile()] },
  });

const chart = (values: readonly number[], time: readonly number[]): TimeChart => ({
  kind: 'time-chart',
  title: 'Live',
  summary: 'A line.',
  unit: 'bytes',
  timeUnit: 'seconds',
  time,
  end: 8,
  lines: [{ label: 'mapped', color: 0, values }],
  top: Math.max(0, ...values),
  wideSpread: false,
  empty: 'Nothing to draw.',
});

describe('a terminal report', () => {
  const long = `x${'long-task-name-'.repeat(20)}漢字漢字👩‍👩‍👧é${'\u0301'.repeat(30)}`;

  it.each([20, 33, 40, 60, 80, 100, 132, 200])('is never wider than %d columns', (width) => {
    for (const unicode of [true, false]) {
      for (const line of renderTerminal(lab(long), { width, color: plainColors, unicode }).split('\n')) {
        expect(textWidth(line)).toBeLessThanOrEqual(width);
      }
    }
  });

  it('says the same with and without colour', () => {
    const colored = renderTerminal(lab(), { width: 80, color: ansi, unicode: true });
    expect(colored).toContain('\u001b[32m');
    expect(colored.replace(marks, '')).toBe(renderTerminal(lab(), { width: 80, color: plainColors, unicode: true }));
  });

  it('lets nothing from a trace drive the terminal', () => {
    const text = renderTerminal(lab('\u001b]0;owned\u0007\r\n\u009b31m\u202e\u200f'), {
      width: 100,
      color: plainColors,
      unicode: true,
    });
    expect(text).toContain('\\x1b]0;owned\\x07');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u200b-\u200f]/);
  });

  it('keeps to ASCII where the terminal has no more', () => {
    const text = renderTerminal(lab('漢µ…'), { width: 80, color: plainColors, unicode: false });
    expect(text).toMatch(/^[\n\x20-\x7e]*$/);
  });

  it('has no number that is not one', () => {
    expect(renderTerminal(lab(), { width: 80, color: plainColors, unicode: true })).not.toMatch(
      /NaN|Infinity|undefined|\[object/,
    );
  });

  it('shows every design whole at 80 columns', () => {
    const text = renderTerminal(replayPage(sampleReplay()), { width: 80, color: plainColors, unicode: true });
    for (const design of ['refcount-rwlock ', 'mapcount-rwlock ', 'per-table-lock ']) expect(text).toContain(design);
  });

  it('names lines that coincide in one row', () => {
    const text = renderTerminal(replayPage(sampleReplay()), { width: 120, color: plainColors, unicode: true });
    expect(text).toMatch(/per-table-lock, lazy-prune +[▁-█]/);
  });

  it('says so where there is nothing', () => {
    const text = renderTerminal(replayPage({ ...sampleReplay(), files: [emptyFile()] }), {
      width: 80,
      color: plainColors,
      unicode: true,
    });
    expect(text).toContain('No lines were skipped.');
    const bare = renderTerminal(
      page(
        chart([], []),
        { kind: 'claims', caption: 'C', claims: [], empty: 'No claim.' },
        { kind: 'bar-chart', caption: 'B', summary: '', bars: [], empty: 'No bar.' },
      ),
      { width: 80, color: plainColors, unicode: true },
    );
    for (const words of ['Nothing to draw.', 'No claim.', 'No bar.']) expect(bare).toContain(words);
  });

  it('draws one bucket, and zeros, without falling over', () => {
    for (const values of [[4096], [0], [0, 0, 0]]) {
      const text = renderTerminal(
        page(
          chart(
            values,
            values.map((_, i) => i),
          ),
        ),
        { width: 60, color: plainColors, unicode: true },
      );
      expect(text).not.toMatch(/NaN|undefined/);
    }
  });
});

it('renders a small page as it did', () => {
  const small = page(
    { kind: 'heading', level: 2, text: 'a.txt' },
    { kind: 'key-figures', label: 'Key', figures: [{ label: 'Events', value: '2', note: 'in 3 lines' }] },
    chart([0, 1024, 4096, 8192, 8192, 2048, 1024, 1], [0, 1, 2, 3, 4, 5, 6, 7]),
    {
      kind: 'table',
      caption: 'Designs',
      columns: [
        { label: 'Design', align: 'name' },
        { label: 'Tables freed', align: 'number' },
      ],
      groups: [
        {
          label: 'Strict',
          rows: [
            ['never', '0'],
            ['lazy-prune', '47,912'],
          ],
        },
      ],
      empty: 'None.',
    },
    {
      kind: 'bar-chart',
      caption: 'Time',
      summary: 'Shorter is better.',
      bars: [
        { label: 'thread', value: 1.049, text: '1.049×', source: 'reference' },
        { label: 'lazy-prune', value: 0.886, text: '0.886×', source: 'ours' },
      ],
      empty: '',
    },
    {
      kind: 'claims',
      caption: 'Claims',
      claims: [{ claim: 'It is cheap', thread: '1.049×', measured: '0.886×', holds: 'yes', note: '' }],
      empty: '',
    },
  );
  expect(renderTerminal(small, { width: 44, color: plainColors, unicode: true })).toMatchInlineSnapshot(`
    "Title

    a.txt
    ════════════════════════════════════════════

    Events  2 (in 3 lines)

    Live
    A line.
    8 KiB │              ██████████
          │              ██████████
          │              ██████████
    4 KiB │          ██████████████
          │          ██████████████▄▄▄▄
      0 B │     ▆▆▆▆▆██████████████████▆▆▆▆▆▁▁▁▁
          └─────────────────────────────────────
           0 s                               8 s

    Designs
                Tables
    Design       freed
    ──────────  ──────
    Strict
    never            0
    lazy-prune  47,912

    Time
    Shorter is better.
    thread      ░░░░░░░░░░░░░░░░░░░░░░░░  1.049×
    lazy-prune  ████████████████████▎     0.886×

    Claims

    It is cheap
      thread    1.049×
      measured  0.886×
      holds?    ✓ yes

    Made by tablewalk.
    "
  `);
});
