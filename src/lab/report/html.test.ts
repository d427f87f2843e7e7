import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { renderHtml } from './html.ts';
import type { ChartData } from './html-chart.ts';
import { escapeHtml, escapeJson, escapeRawText, safeLink } from './html-escape.ts';
import { numberScript, pageScript } from './html-script.ts';
import { pageStyle } from './html-style.ts';
import { labPage } from './lab-page.ts';
import type { ReportPage, Section, TimeChart } from './page.ts';
import { replayPage } from './replay-page.ts';
import { emptyFile, sampleClaims, sampleFile, sampleIovaStress, sampleReplay } from './sample.ts';
import { formatBytes } from './units.ts';

const dist = new URL('../../../node_modules/uplot/dist/', import.meta.url);
const uplot = {
  uplotJs: readFileSync(new URL('uPlot.iife.min.js', dist), 'utf8'),
  uplotCss: readFileSync(new URL('uPlot.min.css', dist), 'utf8'),
};
const none = { uplotJs: '', uplotCss: '' };

const attacks = [
  '</script><img src=x onerror=alert(1)>',
  '<!--<script>alert(1)</script>',
  '" onmouseover="alert(1)" x="',
  "' autofocus onfocus='alert(1)",
  '&lt;b&gt;</style><svg/onload=alert(1)>',
  '</title><base href=https://evil.example>',
  '\u2028\u2029\u202e\u0000\u001b[31m',
  '`+alert(1)+`',
];

const allowed = new Set(
  `html head meta title link style body a header p h1 h2 h3 h4 code main footer script nav ul li dl div dt dd table caption thead
   tbody tr th td span i aside strong figure figcaption button noscript`.split(/\s+/),
);

/** Elements and attributes of the page, scripts and styles left out as a browser would. */
function tagsOf(html: string): readonly { name: string; attributes: string }[] {
  const markup = html.replace(/<(script|style)\b([^>]*)>[\s\S]*?<\/\1>/g, '<$1$2></$1>');
  return [...markup.matchAll(/<([a-z][a-z0-9]*)((?:[^"'>]|"[^"]*"|'[^']*')*)>/gi)].map((match) => ({
    name: match[1]!.toLowerCase(),
    attributes: match[2]!,
  }));
}

function dataOf(html: string): { charts: readonly ChartData[] } {
  const json = /<script type="application\/json" id="report-data">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? '';
  return JSON.parse(json) as { charts: readonly ChartData[] };
}

const page = (...sections: Section[]): ReportPage => ({ kicker: 'k', title: 't', lede: [], sections, footer: [] });

const chart = (values: readonly number[], time: readonly number[]): TimeChart => ({
  kind: 'time-chart',
  title: 'c',
  summary: 's',
  unit: 'bytes',
  timeUnit: 'seconds',
  time,
  end: 1,
  lines: [{ label: 'one', color: 0, values }],
  top: Math.max(0, ...values),
  wideSpread: false,
  empty: 'Nothing to draw.',
});

describe('a hostile trace', () => {
  it.each(attacks)('injects no markup by %j', (hostile) => {
    const claims = [{ claim: hostile, thread: hostile, measured: hostile, holds: 'no' as const, note: hostile }];
    const html = renderHtml(
      labPage(
        { claims, iovaStress: sampleIovaStress(), replay: sampleReplay({ hostile, buckets: 3 }) },
        { footer: hostile },
      ),
      none,
    );
    const plain = renderHtml(
      labPage(
        {
          claims: [{ ...claims[0]!, claim: 'c', thread: 't', measured: 'm', note: 'n' }],
          iovaStress: sampleIovaStress(),
          replay: sampleReplay({ buckets: 3 }),
        },
        { footer: 'f' },
      ),
      none,
    );
    expect(tagsOf(html).map((tag) => tag.name)).toEqual(tagsOf(plain).map((tag) => tag.name));
    for (const { name, attributes } of tagsOf(html)) {
      expect(allowed).toContain(name);
      expect(attributes.replace(/"[^"]*"/g, '""')).not.toMatch(/\son|src|'/i);
    }
  });

  it('cannot close the script element through a chart', () => {
    const hostile = { ...chart([1], [0]), lines: [{ label: attacks[0]!, color: 0, values: [1] }] };
    const html = renderHtml(page(hostile), none);
    expect(html.match(/<\/script>/g)).toHaveLength(3);
    expect(html).not.toContain('<img');
  });
});

describe('escaping', () => {
  it('leaves no character with a meaning in HTML', () => {
    expect(escapeHtml(`<a href="x" id='y'>&`)).toBe('&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;');
    expect(escapeHtml('a\u202eb\u0007')).toBe('a\\x202eb\\x07');
  });

  it('keeps JSON the same value without a < or a line separator', () => {
    const value = { text: attacks.join(''), nested: [1.5, null, '</script>'] };
    const json = escapeJson(value);
    expect(json).not.toMatch(/[<\u2028\u2029]/);
    expect(JSON.parse(json)).toEqual(value);
  });

  it('keeps an inlined library from ending its element', () => {
    expect(escapeRawText('a("</SCRIPT>")', 'script')).toBe('a("\\x3c/SCRIPT>")');
    expect(escapeRawText('a{b:"</style>"}', 'style')).toBe('a{b:"\\3c /style>"}');
  });

  it('lets links lead to https only', () => {
    expect(safeLink('https://lore.kernel.org/all/x@y/')).not.toBeNull();
    for (const bad of ['javascript:alert(1)', 'http://x', 'https://x" onclick="y', 'data:text/html,x'])
      expect(safeLink(bad)).toBeNull();
    const html = renderHtml(page({ kind: 'prose', text: [{ link: 'javascript:alert(1)', text: 'here' }] }), none);
    expect(html).toContain('<p class="prose">here</p>');
  });
});

describe('the page', () => {
  const html = renderHtml(
    labPage({
      claims: sampleClaims(),
      iovaStress: sampleIovaStress(),
      replay: { ...sampleReplay(), files: [sampleFile(), emptyFile()] },
    }),
    uplot,
  );

  it('asks for nothing from anywhere', () => {
    expect(html).toContain(`http-equiv="Content-Security-Policy" content="default-src 'none';`);
    for (const { name, attributes } of tagsOf(html)) {
      expect(attributes).not.toMatch(/\s(src|srcset|action|data)=/);
      if (name !== 'a') expect(attributes).not.toMatch(/href="(?!data:,)/);
    }
    expect(pageStyle + uplot.uplotCss).not.toMatch(/url\(|@import/);
    expect(pageScript).not.toMatch(/fetch|XMLHttpRequest|import|innerHTML|insertAdjacent|document\.write|eval/);
  });

  it('contains the chart library and figures for each chart', () => {
    expect(html).toContain('uPlot');
    const { charts } = dataOf(html);
    expect(charts).toHaveLength(4);
    expect(charts[0]?.lines).toHaveLength(6);
    expect(charts[0]?.time).toHaveLength(200);
  });

  it('has no number that is not one', () => {
    const shown = html.replace(/<(script|style)(?! type)[\s\S]*?<\/\1>/g, '');
    expect(shown).not.toMatch(/NaN|Infinity|undefined|null/);
    expect(shown).not.toContain('[object');
  });

  it('has unique ids, and every reference leads to one', () => {
    const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
    const references = [...html.matchAll(/(?:aria-labelledby|aria-describedby)="([^"]*)"|href="#([^"]*)"/g)];
    for (const reference of references) expect(ids).toContain(reference[1] ?? reference[2]);
  });

  it('gives every table a caption and heads, and every chart a summary in words', () => {
    const tables = [...html.matchAll(/<table[\s\S]*?<\/table>/g)].map((match) => match[0]);
    expect(tables.length).toBeGreaterThan(10);
    for (const table of tables) {
      expect(table).toMatch(/<caption[^>]*>[\s\S]*?[a-z]/i);
      expect(table).toContain('scope="col"');
      expect(table).toContain('scope="row"');
    }
    expect(html).toContain('Most at its peak within 12.4 s: 42.8 MiB (never); least: 820 KiB');
  });

  it('says so where there is nothing', () => {
    expect(html).toContain('No lines were skipped.');
    expect(html).toContain('The trace reports no lost events.');
    expect(html).toContain('there is nothing to draw');
  });

  it('leaves scripts out where no chart needs them', () => {
    expect(renderHtml(page({ kind: 'prose', text: ['x'] }), uplot)).not.toContain('<script');
  });
});

describe('charts', () => {
  it('say that they are empty', () => {
    const html = renderHtml(page(chart([], [])), none);
    expect(html).toContain('Nothing to draw.');
    expect(html).not.toContain('<figure');
  });

  it('take a series of one bucket, and one of zeros', () => {
    expect(dataOf(renderHtml(page(chart([4096], [0])), none)).charts[0]).toMatchObject({
      time: [0],
      end: 1,
      top: 4096,
    });
    expect(dataOf(renderHtml(page(chart([0, 0], [0, 1])), none)).charts[0]).toMatchObject({ top: 0 });
  });

  it('tell more lines apart than there are colours', () => {
    const lines = Array.from({ length: 10 }, (_, i) => ({ label: `line ${i}`, color: i, values: [i] }));
    const html = renderHtml(page({ ...chart([9], [0]), lines }), none);
    expect(dataOf(html).charts[0]?.lines.map((line) => `${line.color}${line.again ? ' again' : ''}`)).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      '7',
      '0 again',
      '1 again',
    ]);
  });

  it('name the lines that coincide', () => {
    const html = renderHtml(replayPage(sampleReplay()), none);
    expect(html).toContain(
      'In stripes, because they coincide: never, refcount-rwlock and mapcount-rwlock; per-table-lock and lazy-prune.',
    );
  });

  it('are drawn by a script that a browser can read, with the numbers of units.ts', () => {
    expect(() => new Script(pageScript)).not.toThrow();
    const bytes = new Script(`${numberScript};bytes`).runInThisContext() as (value: number) => string;
    for (const value of [
      0,
      1,
      1023,
      1024,
      1536,
      4096,
      2 ** 20 - 1,
      10.25 * 2 ** 20,
      34_427_006_976,
      16 * 2 ** 40,
      5000 * 2 ** 40,
    ]) {
      expect(bytes(value)).toBe(formatBytes(value));
    }
  });
});

it('renders a small page as it did', () => {
  const html = renderHtml(
    page(
      { kind: 'heading', level: 2, text: 'a.txt', code: true },
      { kind: 'key-figures', label: 'Key', figures: [{ label: 'Events', value: '2', note: 'in 3 lines' }] },
      {
        kind: 'table',
        caption: 'Designs',
        columns: [
          { label: 'Design', align: 'name' },
          { label: 'Peak', align: 'number' },
        ],
        groups: [{ label: 'Strict', rows: [['never', '4 KiB']] }],
        empty: 'None.',
      },
      {
        kind: 'bar-chart',
        caption: 'Bars',
        summary: 'S.',
        bars: [{ label: 'never', value: 1, text: '1×', source: 'ours' }],
        marker: 2,
        empty: '',
      },
    ),
    none,
  );
  expect(/<main[\s\S]*<\/main>/.exec(html)?.[0]).toMatchInlineSnapshot(`
    "<main id="content">
    <h2 id="h1"><code>a.txt</code></h2>
    <dl class="figures" aria-label="Key"><div><dt>Events</dt><dd>2</dd><dd class="aside">in 3 lines</dd></div></dl>
    <div class="scroll" role="region" aria-labelledby="t2" tabindex="0"><table><caption id="t2"><span>Designs</span></caption><thead><tr><th scope="col" class="name">Design</th><th scope="col" class="number">Peak</th></tr></thead><tbody><tr><th scope="rowgroup" class="group" colspan="2"><span>Strict</span></th></tr><tr><th scope="row" class="name">never</th><td class="number">4 KiB</td></tr></tbody></table></div>
    <table class="bars"><caption>Bars<span class="summary">S.</span></caption>
    <thead class="unseen"><tr><th scope="col">Name</th><th scope="col">Value</th></tr></thead>
    <tbody><tr class="ours"><th scope="row">never</th><td>
    <span class="track" aria-hidden="true"><i class="bar" style="width:50.000%"></i><i class="mark" style="left:100.000%"></i></span>
    <span class="value">1×</span></td></tr></tbody></table>
    </main>"
  `);
});
