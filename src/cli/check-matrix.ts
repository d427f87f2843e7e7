/**
 * Many built-in tests as a matrix, by family and scenario: grids of letters for pairs of designs, a line a test for the others. A scenario is
 * printed when all of its tests are done, and those before it.
 */
import { groupedBy, linesOf, placeOf } from '../lab/litmus/rows.ts';
import type { MatrixEntry } from '../lab/litmus/scenario.ts';
import { storedVerdict } from '../lab/litmus/stored.ts';
import { necessityCell } from '../lab/necessity/stored.ts';
import { columnsLines, gridLines } from '../lab/report/terminal-grid.ts';
import { clean, padEnd, type TerminalOptions, textWidth, wrap } from '../lab/report/terminal-text.ts';
import { counted } from '../lab/report/text.ts';
import { formatSeconds } from '../lab/report/units.ts';
import { LEGEND, markOf, pairColumns, pairsGrid, type VerdictCell, withLines } from '../lab/report/verdict-grid.ts';
import { expectedText, isExpected, type Mistaken, type Outcome, VERDICT_WIDTH, verdictPaint } from './check-report.ts';
import type { FoundTest } from './check-select.ts';

interface Group {
  readonly family: string;
  readonly tests: readonly FoundTest[];
}

export class MatrixPrinter {
  private readonly groups: Group[];
  private readonly columns: ReadonlyMap<string, readonly string[]>;
  private readonly done = new Map<FoundTest, Outcome | null>();
  private readonly options: TerminalOptions;
  private readonly print: (text: string) => void;
  private family: string | null = null;

  constructor(tests: readonly FoundTest[], options: TerminalOptions, print: (text: string) => void) {
    const byScenario = groupedBy(tests, ({ entry }) => `${entry!.family}\n${entry!.scenario}`);
    this.groups = [...byScenario.values()].map((own) => ({ family: own[0]!.entry!.family, tests: own }));
    const families = groupedBy(
      tests.map(({ entry }) => entry!),
      ({ family }) => family,
    );
    this.columns = new Map([...families].map(([family, entries]) => [family, pairColumns(entries)]));
    this.options = options;
    this.print = print;
  }

  add(outcome: Outcome): void {
    this.done.set(outcome.found, outcome);
    this.flush();
  }

  addMistake({ found }: Mistaken): void {
    this.done.set(found, null);
    this.flush();
  }

  /** What is left, as far as it is known. */
  end(): void {
    for (const group of this.groups.splice(0)) {
      if (group.tests.some((test) => this.done.has(test))) this.printGroup(group);
    }
  }

  private flush(): void {
    while (this.groups[0]?.tests.every((test) => this.done.has(test)) === true) this.printGroup(this.groups.shift()!);
  }

  private printGroup({ family, tests }: Group): void {
    const columns = this.columns.get(family) ?? [];
    const lines: string[] = [];
    if (this.family !== family) lines.push(...this.familyLines(family, columns));
    this.family = family;
    const outcomes = tests.flatMap((test) => this.done.get(test) ?? []);
    const { entry, test } = tests[0]!;
    lines.push(this.options.color.bold(clean(entry!.scenario, this.options.unicode)));
    const about = clean(`${test.about ?? ''} (${entry!.source})`, this.options.unicode);
    lines.push(...wrap(about, this.options.width - 2).map((text) => this.options.color.dim(`  ${text}`)));
    if (columns.length > 0) lines.push(...this.pairsLines(outcomes, columns));
    const plain = outcomes.filter(({ found }) => placeOf(found.entry!).column === null);
    const width = Math.max(0, ...plain.map(({ found }) => textWidth(found.entry!.design)));
    lines.push(...plain.map((outcome) => `  ${rowLine(outcome, Math.min(width, LONGEST), this.options)}`));
    this.print(`${lines.join('\n')}\n\n`);
  }

  private familyLines(family: string, columns: readonly string[]): readonly string[] {
    const { color, unicode, width } = this.options;
    const rule = color.dim((unicode ? '═' : '=').repeat(Math.min(width, 100)));
    const legend =
      columns.length === 0 ? [] : [...columnsLines(withLines(columns), this.options), ...this.legend(), ''];
    return [color.bold(clean(family, unicode)), rule, ...legend];
  }

  private legend(): readonly string[] {
    return wrap(clean(LEGEND, this.options.unicode), this.options.width).map(this.options.color.dim);
  }

  private pairsLines(outcomes: readonly Outcome[], columns: readonly string[]): readonly string[] {
    const pairs = outcomes.filter(({ found }) => placeOf(found.entry!).column !== null).map(cellOf);
    if (pairs.length === 0) return [];
    const grid = pairsGrid('', pairs, columns);
    return gridLines(grid, { ...this.options, width: this.options.width - 2 }).map((text) => `  ${text}`);
  }
}

/** `11 of 52 steps needed` */
const NECESSITY_WIDTH = 24;
/** Names of designs are padded to this width at most. */
const LONGEST = 44;

function rowLine(outcome: Outcome, width: number, { color, unicode }: TerminalOptions): string {
  const { found, result, seconds } = outcome;
  const { design, designs, name } = found.entry!;
  const code = linesOf(designs);
  const lines = code === null ? '' : counted(code, 'line');
  const head = [
    verdictPaint(result.verdict, color)(padEnd(result.verdict, VERDICT_WIDTH)),
    padEnd(clean(design, unicode), width),
  ];
  if (found.leftOut !== null) return [...head, color.dim(`${found.leftOut}; ${storedText(name)}`)].join('  ');
  const cells = [
    ...head,
    counted(result.executions, 'execution').padStart(17),
    formatSeconds(seconds, 2).padStart(8),
    padEnd(lines, 9),
    padEnd(necessityCell(found.entry!), NECESSITY_WIDTH),
    ...(isExpected(outcome) ? [] : [expectedText(outcome, color)]),
  ];
  return cells.join('  ').trimEnd();
}

function storedText(name: string): string {
  const stored = storedVerdict(name);
  return stored === undefined ? 'no verdict is stored' : `stored is ${stored.verdict}`;
}

/** An outcome as a letter; one that was left out shows what is stored, as stored. */
function cellOf(outcome: Outcome): VerdictCell {
  const { found, result, seconds } = outcome;
  const entry: MatrixEntry = found.entry!;
  const { executions, verdict } = result;
  if (found.leftOut === null)
    return { entry, verdict, executions, seconds, isStored: false, isExpected: isExpected(outcome) };
  const stored = storedVerdict(entry.name);
  return { entry, verdict: stored?.verdict ?? null, executions: 0, seconds: 0, isStored: true, isExpected: true };
}

/** What is not as expected, for who wants to see it in full. */
export function isWorthLanes(outcome: Outcome): boolean {
  return !isExpected(outcome) && markOf(cellOf(outcome)).text !== '?';
}
