/** Verdicts as letters: grids of the designs of a scenario, and of the scenarios of a family. */
import type { Verdict } from '../../check/index.ts';
import { groupedBy, linesOf, placeOf, TIMES } from '../litmus/rows.ts';
import type { MatrixEntry } from '../litmus/scenario.ts';
import type { Grid, GridMark, GridRow } from './page.ts';
import { formatCount, formatSeconds } from './units.ts';

/** A verdict on a test of the matrix, or that there is none. */
export interface VerdictCell {
  readonly entry: Pick<MatrixEntry, 'name' | 'family' | 'scenario' | 'design' | 'designs'>;
  readonly verdict: Verdict | null;
  readonly executions: number;
  readonly seconds: number;
  /** It is from the store: it was not run this time. */
  readonly isStored: boolean;
  readonly isExpected: boolean;
}

export const LEGEND =
  'H holds, V violated, U unreachable, B bounded; small: as stored, not run this time; ? no verdict is known; ! not what is expected';

const TONES = { holds: 'good', violated: 'bad', unreachable: 'warn', bounded: 'warn', skipped: 'muted' } as const;

export function markOf({ verdict, isStored, isExpected }: VerdictCell): GridMark {
  if (verdict === null || verdict === 'skipped') return { text: '?', words: 'no verdict is known', tone: 'muted' };
  const letter = isStored ? verdict[0]! : verdict[0]!.toUpperCase();
  const words = `${verdict}${isStored ? ', as stored' : ''}${isExpected ? '' : ', which is not expected'}`;
  return { text: isExpected ? letter : `${letter}!`, words, tone: TONES[verdict] };
}

/** Pairs of designs in one scenario. `columns`: all of the family, which stand above in a list. */
export function pairsGrid(caption: string, cells: readonly VerdictCell[], columns: readonly string[]): Grid {
  const rows = groupedBy(cells, ({ entry }) => placeOf(entry).row);
  return {
    kind: 'grid',
    caption,
    corner: (cells[0]?.entry.family ?? '').split(TIMES)[0]!,
    columns,
    columnsAbove: true,
    more: ['lines', 'executions', 'seconds'],
    rows: [...rows].map(([row, own]) => pairsRow(row, own, columns)),
    empty: 'There are no tests.',
  };
}

function pairsRow(label: string, cells: readonly VerdictCell[], columns: readonly string[]): GridRow {
  const marks = columns.map((column) => {
    const cell = cells.find(({ entry }) => placeOf(entry).column === column);
    return cell === undefined ? null : markOf(cell);
  });
  const sum = (of: (cell: VerdictCell) => number): number => cells.reduce((total, cell) => total + of(cell), 0);
  const own = linesOf([label]);
  const seconds = formatSeconds(
    sum((cell) => cell.seconds),
    2,
  ).replace(/ s$/, '');
  return {
    label,
    marks,
    more: [own === null ? '' : String(own), formatCount(sum((cell) => cell.executions)), seconds],
  };
}

/** The columns of a family of pairs, in their order; none for another family. */
export function pairColumns(entries: readonly Pick<MatrixEntry, 'family' | 'design'>[]): readonly string[] {
  return [...new Set(entries.flatMap((entry) => placeOf(entry).column ?? []))];
}

/** `2 lazy-gp (20 lines)`: the names of columns with how much code each is. */
export function withLines(names: readonly string[]): readonly string[] {
  return names.map((name) => {
    const lines = linesOf([name]);
    return lines === null ? name : `${name} (${lines} lines)`;
  });
}

/** A row a scenario: of designs that are many, a column each; of cases such as `wrong fix: …`, one for each kind. */
export function familyGrid(caption: string, cells: readonly VerdictCell[]): Grid {
  const kindOf = ({ entry }: VerdictCell): string => entry.design.split(':')[0]!;
  const columns = [...new Set(cells.map(kindOf))];
  const rows = [...groupedBy(cells, ({ entry }) => entry.scenario)].map(([label, own]) => ({
    label,
    marks: columns.map((column) => together(own.filter((cell) => kindOf(cell) === column))),
    more: [],
  }));
  return { kind: 'grid', caption, corner: 'scenario', columns, more: [], rows, empty: 'There are no tests.' };
}

const BADNESS = ['good', 'muted', 'warn', 'bad'] as const;

/** Several wrong fixes are as many letters in one place. */
function together(cells: readonly VerdictCell[]): GridMark | null {
  if (cells.length === 0) return null;
  const marks = cells.map(markOf);
  const worst = Math.max(...marks.map(({ tone }) => BADNESS.indexOf(tone)));
  return {
    text: marks.map(({ text }) => text).join(''),
    words: cells.map((cell, i) => `${cell.entry.design}: ${marks[i]!.words}`).join('; '),
    tone: BADNESS[worst]!,
  };
}
