/** Where a test stands in a matrix, and how much code its designs are. */
import { DESIGN_LINES } from './lines.ts';
import type { MatrixEntry } from './scenario.ts';

/** What stands between the two designs, or the two families, of a pair. */
export const TIMES = ' x ';

/** A row is a design; a test of a pair of designs stands in the row of the first and the column of the second. */
export interface Place {
  readonly row: string;
  /** Null where the design is no pair. */
  readonly column: string | null;
}

export function placeOf({ family, design }: Pick<MatrixEntry, 'family' | 'design'>): Place {
  const at = design.indexOf(TIMES);
  if (at < 0 || !family.includes(TIMES)) return { row: design, column: null };
  return { row: design.slice(0, at), column: design.slice(at + TIMES.length) };
}

/** Lines of code of these designs together; null where they are none. Neither comments nor blank lines count. */
export function linesOf(designs: readonly string[]): number | null {
  const known = designs.flatMap((name) => DESIGN_LINES[name] ?? []);
  return known.length === 0 ? null : known.reduce((sum, lines) => sum + lines, 0);
}

/** Items with the same key, in the order in which the keys come first. */
export function groupedBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
