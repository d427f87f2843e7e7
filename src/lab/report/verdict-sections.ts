/** The chapter of the verdicts: grids of letters, and what was run again. */
import type { LabVerdict } from '../lab/verdicts.ts';
import { groupedBy } from '../litmus/rows.ts';
import type { Notice, Section } from './page.ts';
import { counted } from './text.ts';
import { formatCount } from './units.ts';
import { familyGrid, LEGEND, pairColumns, pairsGrid, type VerdictCell, withLines } from './verdict-grid.ts';

export function verdictSections(verdicts: readonly LabVerdict[]): readonly Section[] {
  const families = groupedBy(verdicts, ({ family }) => family);
  return [
    { kind: 'heading', level: 2, text: 'Every interleaving: the verdicts' },
    { kind: 'prose', text: [storedText(verdicts)] },
    { kind: 'prose', text: [againText(verdicts)] },
    ...disagreements(verdicts),
    { kind: 'prose', text: [`${LEGEND}.`] },
    ...[...families].flatMap(([family, own]) => familySections(family, own)),
  ];
}

function storedText(verdicts: readonly LabVerdict[]): string {
  const known = verdicts.filter(({ stored }) => stored !== null);
  const executions = known.reduce((sum, { stored }) => sum + stored!.executions, 0);
  const without = verdicts.length - known.length;
  const missing = without === 0 ? '' : ` ${counted(without, 'test has', 'tests have')} no stored verdict.`;
  return `Each test runs a program of the kernel with a design under every interleaving that can matter. The verdicts on ${counted(known.length, 'test')} were come to before, in ${formatCount(executions)} executions, and are stored with the program.${missing} tablewalk check --all runs all of them.`;
}

function againText(verdicts: readonly LabVerdict[]): string {
  const again = verdicts.filter((one) => one.again !== null);
  if (again.length === 0) return 'None of them was run again in this lab.';
  const agreeing = again.filter((one) => one.again?.agrees).length;
  const all = agreeing === again.length ? 'all agree with what is stored' : `${agreeing} agree with what is stored`;
  return `${counted(again.length, 'test was', 'tests were')} run again in this lab, those that take least: ${all}, in the verdict and in the number of executions.`;
}

function disagreements(verdicts: readonly LabVerdict[]): readonly Notice[] {
  const items = verdicts.flatMap(({ again, name, stored }) => {
    if (again === null || again.agrees) return [];
    const before = stored === null ? 'nothing' : `${stored.verdict}, ${counted(stored.executions, 'execution')}`;
    return [`${name}: ${again.verdict}, ${counted(again.executions, 'execution')}; stored is ${before}`];
  });
  return items.length === 0 ? [] : [{ kind: 'notice', title: 'Not as stored', items }];
}

function familySections(family: string, verdicts: readonly LabVerdict[]): readonly Section[] {
  const columns = pairColumns(verdicts);
  const cells = verdicts.map(cellOf);
  const heading: Section = { kind: 'heading', level: 3, text: family };
  if (columns.length === 0) return [heading, familyGrid('One letter a test', cells)];
  const names: Section = {
    kind: 'prose',
    text: [
      `Columns: ${withLines(columns)
        .map((name, i) => `${i + 1} ${name}`)
        .join(', ')}.`,
    ],
  };
  const grids = [...groupedBy(cells, ({ entry }) => entry.scenario)].map(([scenario, own]) =>
    pairsGrid(scenario, own, columns),
  );
  return [heading, names, ...grids];
}

function cellOf({ again, stored, ...entry }: LabVerdict): VerdictCell {
  if (again !== null) return { entry, ...again, isStored: false, isExpected: again.agrees };
  const { verdict = null, executions = 0, seconds = 0 } = stored ?? {};
  return { entry, verdict, executions, seconds, isStored: true, isExpected: true };
}
