/** What `check` says of a test: as an entry of the JSON document, and as text. */
import { printable } from '../base/result.ts';
import type { CheckResult, Counterexample, Limit, Verdict } from '../check/index.ts';
import { linesOf } from '../lab/litmus/rows.ts';
import type { MatrixEntry } from '../lab/litmus/scenario.ts';
import { type StoredVerdict, storedVerdict } from '../lab/litmus/stored.ts';
import { type Colors, clean, padEnd, type TerminalOptions, textWidth, wrap } from '../lab/report/terminal-text.ts';
import { counted } from '../lab/report/text.ts';
import { formatCount, formatPercent, formatSeconds } from '../lab/report/units.ts';
import { lanesLines } from './check-lanes.ts';
import type { FoundTest } from './check-select.ts';
import type { BadInput } from './exit.ts';

/** A test that was run. */
export interface Outcome {
  readonly found: FoundTest;
  readonly result: CheckResult;
  readonly seconds: number;
  /** Of these, until all was explored or something was found: what comes after makes the counterexample short. */
  readonly exploring: number;
  /** How much was done, 0 .. 1, where the check ended before its end; null where that cannot be told. */
  readonly done: number | null;
  readonly counterexample: Counterexample | null;
}

/** A test that could not be checked as it is written, and why. */
export interface Mistaken {
  readonly found: FoundTest;
  readonly why: BadInput;
}

/** An entry of the JSON document. */
export interface CheckEntry {
  readonly name: string;
  readonly design: string | null;
  readonly expect: Exclude<Verdict, 'bounded'>;
  readonly verdict: Verdict;
  readonly property: string | null;
  readonly message: string | null;
  readonly executions: number;
  readonly blocked: number;
  readonly steps: number;
  readonly seconds: number;
  readonly schedule: string | null;
  readonly counterexampleSteps: number | null;
  readonly file: string | null;
  readonly limit: Limit['name'] | null;
  readonly builtIn: BuiltInEntry | null;
}

/** What is known of a built-in test besides. */
export interface BuiltInEntry {
  readonly family: string;
  readonly scenario: string;
  readonly designs: readonly string[];
  readonly lines: number | null;
  readonly source: string;
  readonly about: string | null;
  readonly bounds: string;
  readonly leftOut: boolean;
  readonly stored: StoredVerdict | null;
}

/** A test that could not be checked as it is written: it has no verdict. */
export interface CheckError {
  readonly name: string;
  readonly message: string;
}

/** The document of `--json`. */
export interface CheckDocument {
  readonly schema: 1;
  readonly command: 'check';
  readonly results: readonly CheckEntry[];
  readonly errors: readonly CheckError[];
  readonly interrupted?: true | undefined;
}

export function checkDocument(
  outcomes: readonly Outcome[],
  mistakes: readonly Mistaken[],
  interrupted: boolean,
): CheckDocument {
  const errors = mistakes.map(({ found, why }) => ({ name: found.test.name, message: why.message }));
  return { schema: 1, command: 'check', results: outcomes.map(entry), errors, ...(interrupted ? { interrupted } : {}) };
}

function entry({ found, result, seconds, counterexample }: Outcome): CheckEntry {
  const { name, design, expect, verdict, property, message, executions, blocked, steps, limit } = result;
  return {
    ...{ name, design, expect, verdict, property, message, executions, blocked, steps },
    seconds,
    schedule: counterexample?.schedule ?? null,
    counterexampleSteps: counterexample?.steps.length ?? null,
    file: found.file,
    limit: limit?.name ?? null,
    builtIn: found.entry === null ? null : builtIn(found, found.entry),
  };
}

function builtIn({ leftOut, test }: FoundTest, entry: MatrixEntry): BuiltInEntry {
  const { bounds, designs, family, name, scenario, source } = entry;
  return {
    ...{ family, scenario, designs, lines: linesOf(designs), source, about: test.about ?? null, bounds },
    leftOut: leftOut !== null,
    stored: storedVerdict(name) ?? null,
  };
}

/** What was left out this time says nothing. */
export function isExpected({ found, result }: Outcome): boolean {
  return found.leftOut !== null || result.verdict === result.expect;
}

/** Widest of the verdicts. */
export const VERDICT_WIDTH = 11;

export function verdictPaint(verdict: Verdict, color: Colors): (text: string) => string {
  return { holds: color.green, violated: color.red, skipped: color.dim }[verdict as string] ?? color.yellow;
}

/** How wide the columns are that are known before anything has run. */
export interface Columns {
  readonly label: number;
  readonly design: number;
}

const WIDEST = 44;

export function columnsFor(tests: readonly FoundTest[]): Columns {
  const widest = (texts: readonly string[]): number => Math.min(WIDEST, Math.max(...texts.map(textWidth)));
  return {
    label: widest(tests.map(({ label }) => label)),
    // The names of built-in tests have the design in them.
    design: widest(tests.map(({ test, entry }) => (entry === null ? (test.design ?? '') : ''))),
  };
}

/** What a counterexample is printed with. */
export interface LanesChoice {
  /** The command that shows it again. */
  readonly replay: string;
  /** All its steps, and not only those that matter. */
  readonly full: boolean;
}

/** One line, then what there is to say of a verdict that is not `holds`. */
export function outcomeText(outcome: Outcome, columns: Columns, lanes: LanesChoice, options: TerminalOptions): string {
  const { entry } = outcome.found;
  const head = entry === null ? [summaryLine(outcome, columns, options)] : builtInLines(outcome, entry, options);
  return `${[...head, ...detailLines(outcome, lanes, options)].join('\n')}\n`;
}

function summaryLine(outcome: Outcome, columns: Columns, { color, unicode }: TerminalOptions): string {
  const { found, result } = outcome;
  const cells = [
    verdictPaint(result.verdict, color)(padEnd(result.verdict, VERDICT_WIDTH)),
    padEnd(clean(found.label, unicode), columns.label),
    ...(columns.design > 0 ? [padEnd(clean(result.design ?? '', unicode), columns.design)] : []),
    ...effort(outcome),
    expectedText(outcome, color),
  ];
  return cells.join('  ');
}

function effort({ result, seconds, exploring }: Outcome): readonly string[] {
  return [
    counted(result.executions, 'execution').padStart(17),
    `${rateText(exploring > 0 ? result.steps / exploring : 0)} steps/s`.padStart(13),
    formatSeconds(seconds, 2).padStart(8),
  ];
}

export function expectedText(outcome: Outcome, color: Colors): string {
  return isExpected(outcome) ? color.dim('expected') : color.bold(`NOT EXPECTED (expect: ${outcome.result.expect})`);
}

/** A built-in test has a longer name, and more is known of it. */
function builtInLines(outcome: Outcome, entry: MatrixEntry, options: TerminalOptions): readonly string[] {
  const { color, unicode, width } = options;
  const { found, result } = outcome;
  const code = linesOf(entry.designs);
  const named = entry.designs.filter((name) => name !== entry.design).join(', ');
  const parts = [...(named === '' ? [] : [named]), ...(code === null ? [] : [counted(code, 'line')])];
  const facts = [
    ['source', entry.source],
    ['design', parts.length === 0 ? entry.design : `${entry.design} (${parts.join(', ')})`],
    ['bounds', entry.bounds],
    [
      'run',
      found.leftOut ??
        effort(outcome)
          .map((text) => text.trim())
          .join(', '),
    ],
  ] as const;
  const verdict = verdictPaint(result.verdict, color)(padEnd(result.verdict, VERDICT_WIDTH));
  return [
    `${verdict}  ${clean(found.label, unicode)}  ${found.leftOut === null ? expectedText(outcome, color) : ''}`.trimEnd(),
    ...wrap(clean(found.test.about ?? '', unicode), width - 2).map((text) => `  ${text}`),
    ...facts.flatMap(([name, text]) =>
      wrap(clean(text, unicode), width - 11).map(
        (line, i) => `  ${color.dim(padEnd(i === 0 ? `${name}:` : '', 9))}${line}`,
      ),
    ),
  ];
}

function detailLines(outcome: Outcome, lanes: LanesChoice, options: TerminalOptions): readonly string[] {
  const { found, result, counterexample } = outcome;
  if (found.leftOut !== null) return [storedLine(found), ''];
  const say = (text: string): string => `  ${clean(text, options.unicode)}`;
  const apart = found.entry === null ? [] : [''];
  if (counterexample === null) return [...(result.verdict === 'holds' ? [] : [say(withEstimate(outcome))]), ...apart];
  return [
    say(violationText(result)),
    '',
    ...lanesLines(counterexample, options.width - 2, lanes.full).map((line) => (line === '' ? '' : say(line))),
    '',
    // Never cut: they are to be copied.
    `  schedule: ${printable(counterexample.schedule, Number.POSITIVE_INFINITY)}`,
    `  replay:   ${printable(lanes.replay, Number.POSITIVE_INFINITY)}`,
    '',
  ];
}

function storedLine({ test }: FoundTest): string {
  const stored = storedVerdict(test.name);
  return stored === undefined
    ? '  no verdict is stored'
    : `  stored:  ${stored.verdict}, ${counted(stored.executions, 'execution')}`;
}

/** The property and what became of it. Most messages begin with the property's name. */
function violationText({ property, message, violation }: CheckResult): string {
  const named = message.startsWith(`'${property}'`);
  return `${named ? violation?.kind : property}: ${message}`;
}

function withEstimate({ result, done }: Outcome): string {
  const { message, executions } = result;
  if (done === null || done <= 0 || executions === 0) return message;
  return `${message}; ${formatPercent(done)} was done, of ${about(executions / done)} by estimate`;
}

/** Three digits of a number of executions: an estimate is no better. */
export function about(executions: number): string {
  const digits = Math.max(0, Math.floor(Math.log10(Math.max(1, executions))) - 1);
  const rounded = Math.round(executions / 10 ** digits) * 10 ** digits;
  return `about ${rounded < 1e15 ? formatCount(rounded) : rounded.toExponential(1)} executions`;
}

export function rateText(rate: number): string {
  if (rate >= 999_500) return `${(rate / 1e6).toFixed(1)} M`;
  return rate >= 1000 ? `${Math.round(rate / 1000)} k` : String(Math.round(rate));
}

const VERDICTS: readonly Verdict[] = ['holds', 'violated', 'unreachable', 'bounded', 'skipped'];

/** The last line: `3 tests: 1 holds, 2 violated; all as expected`. What was left out is no test that was run. */
export function totalsText(all: readonly Outcome[], options: TerminalOptions): string {
  const outcomes = all.filter(({ found }) => found.leftOut === null);
  const leftOut = all.length - outcomes.length;
  const besides =
    leftOut === 0 ? '' : `; ${counted(leftOut, 'test')} skipped: --slow runs ${leftOut === 1 ? 'it' : 'them'}`;
  if (outcomes.length === 0) return `no test was run${besides}\n`;
  const counts = VERDICTS.map((verdict) => ({
    verdict,
    count: outcomes.filter(({ result }) => result.verdict === verdict).length,
  }));
  const parts = counts.filter(({ count }) => count > 0).map(({ verdict, count }) => `${count} ${verdict}`);
  const wrong = outcomes.filter((outcome) => !isExpected(outcome)).length;
  const ending = wrong === 0 ? 'all as expected' : options.color.bold(`${wrong} NOT EXPECTED`);
  return `${counted(outcomes.length, 'test')}: ${parts.join(', ')}; ${ending}${besides}\n`;
}
