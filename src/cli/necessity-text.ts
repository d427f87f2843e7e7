/** What `check --necessity` says of a design, as text. */
import type { Counterexample } from '../check/index.ts';
import type { NecessityReport, Need, StepReport } from '../lab/necessity/necessity.ts';
import type { Pair } from '../lab/necessity/pairs.ts';
import { countOf, NEEDS } from '../lab/necessity/stored.ts';
import { clean, cut, padEnd, type TerminalOptions, textWidth, wrap } from '../lab/report/terminal-text.ts';
import { counted } from '../lab/report/text.ts';
import { formatSeconds } from '../lab/report/units.ts';
import { lanesLines } from './check-lanes.ts';

type Timed = NecessityReport & { readonly seconds: number };

const TITLES: Readonly<Record<Need, string>> = {
  needed: 'needed: without it a test falls',
  'for progress': 'for progress: without it something never happens that a test waits for',
  'by the code': 'needed by the code itself: without it the model cannot go on, which says nothing of the design',
  'by nothing': 'needed by nothing: all tests that come to it hold without it',
  bounded: 'not known: no test falls, but some were not run without it, or not to their end (--slow goes on)',
  untried: 'not tried: fences and locked operations that only tests without store buffers come to',
};

export function necessityText(report: Timed, full: boolean, options: TerminalOptions): string {
  const { color } = options;
  const say = (text: string): string => clean(text, options.unicode);
  const lines = [color.bold(say(report.design)), ...wrap(say(headText(report)), options.width), ''];
  const falls = new Falls(full, options);
  for (const need of NEEDS) {
    const own = report.steps.filter((step) => step.need === need);
    if (own.length === 0) continue;
    lines.push(...wrap(say(`${TITLES[need]} (${own.length})`), options.width).map(color.bold));
    // Tests without store buffers are no fault of theirs.
    if (need === 'untried' && !full) {
      lines.push('');
      continue;
    }
    for (const step of own) lines.push(...stepLines(step, options), ...falls.lines(step));
    lines.push('');
  }
  lines.push(...testLines(report, options), '');
  return `${lines.join('\n')}\n`;
}

function headText({ isWhole, leftOut, notRun, seconds, steps, tests }: Timed): string {
  const out =
    leftOut.length === 0
      ? ''
      : `; ${counted(leftOut.length, 'other test')} left out that ${leftOut.length === 1 ? 'does' : 'do'} not hold as it is`;
  const more =
    notRun === 0 ? '' : `; ${notRun} calls and stores, which do what a function is there for, were not tried (--full)`;
  if (tests.length === 0) return `no test holds, and there is nothing that could fall${out}`;
  const counts = NEEDS.map((need) => ({ need, count: countOf(steps, need) })).filter(({ count }) => count > 0);
  const parts = counts.map(({ count, need }) => `${count} ${need}`).join(', ');
  return `${counted(tests.length, 'test')} that hold${tests.length === 1 ? 's' : ''}, run again without each of ${counted(steps.length, 'step')} in ${formatSeconds(seconds, 2)}: ${parts}${out}${more}${isWhole ? '' : '; interrupted: the rest was not tried'}`;
}

function stepLines({ site, tests }: StepReport, { color, unicode, width }: TerminalOptions): readonly string[] {
  const place = `${site.file}:${site.line}`;
  const what = clean(`${site.kind}: ${site.text}`, unicode);
  return [
    `  ${color.cyan(padEnd(site.function, 0))}  ${cut(what, Math.max(20, width - textWidth(site.function) - 4), unicode)}`,
    color.dim(`    ${place}; ${counted(tests, 'test')} ${tests === 1 ? 'comes' : 'come'} to it`),
  ];
}

/** Falls, each interleaving once: what is left out at several places of one path makes the same. */
class Falls {
  private readonly full: boolean;
  private readonly options: TerminalOptions;
  private readonly known = new Map<string, string>();

  constructor(full: boolean, options: TerminalOptions) {
    this.full = full;
    this.options = options;
  }

  lines({ fall, site }: StepReport): readonly string[] {
    if (fall === null) return [];
    const { unicode, width } = this.options;
    const { counterexample, message, pairs, test, verdict } = fall;
    const say = (text: string): readonly string[] => wrap(clean(text, unicode), width - 4).map((line) => `    ${line}`);
    const lines = [...say(`${test}: ${verdict}: ${message}`), ...pairs.flatMap((pair) => say(commentOf(pair)))];
    if (counterexample === null) return lines;
    const key = keyOf(counterexample);
    const before = this.known.get(key);
    if (before !== undefined) return [...lines, ...say(`the same steps as without ${before}`)];
    this.known.set(key, `'${site.text}' in ${site.function}`);
    const shown = lanesLines(counterexample, width - 6, this.full);
    return [...lines, '', ...shown.map((line) => (line === '' ? '' : `      ${clean(line, unicode)}`)), ''];
  }
}

/** What is written beside the step in the kernel. */
export function commentOf({ kind, lane, object, source }: Pair): string {
  const where = source?.function ?? null;
  const who = where === null ? lane : `${where}() in ${lane}`;
  return `/* pairs with ${who}, which ${kind}s ${object} */`;
}

function keyOf({ lanes, steps }: Counterexample): string {
  return JSON.stringify([lanes, steps.map(({ accesses, lane, operation }) => [lane, operation, accesses])]);
}

function testLines({ isWhole, leftOut, tests }: Timed, { color, unicode, width }: TerminalOptions): readonly string[] {
  const vacuous = isWhole ? tests.filter(({ fallsWithout }) => fallsWithout === null) : [];
  const lines: string[] = [];
  const add = (text: string, indent = 2): void => {
    lines.push(...wrap(clean(text, unicode), width - indent).map((line) => `${' '.repeat(indent)}${line}`));
  };
  if (vacuous.length > 0) {
    lines.push(color.bold(`vacuous: these hold whatever is left out, and say nothing of it (${vacuous.length})`));
    for (const { executions, name, steps } of vacuous) {
      add(`${name} (${counted(executions, 'execution')}; comes to ${counted(steps, 'step')})`);
    }
  } else if (isWhole && tests.length > 0) lines.push('no test is vacuous: each falls without some step');
  if (leftOut.length > 0) {
    lines.push(color.bold(`left out, as they do not hold with all steps (${leftOut.length})`));
    for (const { name, verdict } of leftOut) add(`${name}: ${verdict}`);
  }
  return lines;
}

/** A row a design. */
export function necessityTable(reports: readonly Timed[], { color, unicode, width }: TerminalOptions): string {
  const longest = Math.max(...reports.map(({ design }) => textWidth(design)));
  const names = Math.min(longest, Math.max(20, width - 60));
  const columns = ['steps', 'needed', 'progress', 'code', 'nothing', 'not known', 'vacuous tests'];
  const row = (name: string, cells: readonly string[]): string =>
    [
      padEnd(cut(clean(name, unicode), names, unicode), names),
      ...cells.map((cell, i) => cell.padStart(columns[i]!.length)),
    ].join('  ');
  const rows = reports.map(({ design, steps, tests }) => {
    const counts = [
      ...NEEDS.slice(0, 4).map((need) => countOf(steps, need)),
      countOf(steps, 'bounded') + countOf(steps, 'untried'),
    ];
    const vacuous = tests.filter(({ fallsWithout }) => fallsWithout === null).length;
    return row(design, [steps.length, ...counts].map(String).concat(`${vacuous} of ${tests.length}`));
  });
  return `${[color.bold(row('design', columns)), ...rows].join('\n')}\n`;
}
