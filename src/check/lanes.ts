/**
 * A counterexample as text: a column for each thread, a row for each step, what it read and wrote, where it stands. Only what a
 * step touched is shown. `>` marks a step that leaves a thread which could have gone on.
 */
import type { Counterexample, ExplainedAccess, ExplainedStep } from './explain.ts';

export interface LanesOptions {
  /** Columns of the terminal. Default 120. */
  readonly width?: number;
}

const NARROWEST = 14;
/** Words up to this length are not broken. */
const WIDEST_WORD = 24;
const GAP = '  ';

export function renderLanes(counterexample: Counterexample, options: LanesOptions = {}): string {
  const { lanes, steps } = counterexample;
  const width = options.width ?? 120;
  const numberWidth = String(steps.length).length + 1;
  const sources = steps.map(({ source }) => (source === null ? '' : `${fileName(source.file)}:${source.line}`));
  const sourceWidth = Math.max(0, ...sources.map((text) => text.length));
  const cells = steps.map(describeStep);
  const room = width - numberWidth - sourceWidth - GAP.length * (lanes.length + 1);
  const widths = laneWidths(lanes, steps, cells, room);
  const lines = [
    row(
      '',
      '',
      lanes.map((name, lane) => padded(name, widths[lane]!)),
      '',
    ),
    rule(numberWidth, widths),
  ];
  for (const [i, step] of steps.entries()) {
    for (const [part, text] of wrap(cells[i]!, widths[step.lane]!).entries()) {
      const columns = widths.map((w, lane) => (lane === step.lane ? padded(text, w) : ' '.repeat(w)));
      const number = part === 0 ? String(i + 1) : '';
      lines.push(row(number, part === 0 && step.preempts ? '>' : ' ', columns, part === 0 ? sources[i]! : ''));
    }
  }
  return `${lines.join('\n')}\n`;

  function row(number: string, mark: string, columns: readonly string[], source: string): string {
    const text = `${number.padStart(numberWidth)}${mark.padEnd(1)} ${columns.join(GAP)}${GAP}${source}`;
    return text.trimEnd();
  }
}

function rule(numberWidth: number, widths: readonly number[]): string {
  return `${' '.repeat(numberWidth)}  ${widths.map((w) => '-'.repeat(w)).join(GAP)}`;
}

/** Each lane as wide as it needs; where that is too much, all give way down to what can still be read. */
function laneWidths(
  lanes: readonly string[],
  steps: readonly ExplainedStep[],
  cells: readonly string[],
  room: number,
): readonly number[] {
  const own = lanes.map((_, lane) => cells.filter((_, i) => steps[i]!.lane === lane));
  const needed = lanes.map((name, lane) => Math.max(name.length, NARROWEST, ...own[lane]!.map((text) => text.length)));
  const all = needed.reduce((sum, w) => sum + w, 0);
  if (all <= room) return needed;
  return needed.map((w, lane) => {
    const words = own[lane]!.flatMap((text) => text.split(' ').map((word) => word.length));
    return Math.max(NARROWEST, Math.min(WIDEST_WORD, Math.max(0, ...words)), Math.floor((w * room) / all));
  });
}

/** What a step did, in a line. */
export function describeStep(step: ExplainedStep): string {
  const parts: string[] = [];
  if (step.operation !== null && step.operation !== 'atomic' && step.operation !== 'locked') parts.push(step.operation);
  if (step.chose !== null) parts.push(`chooses ${step.chose.join(', ')}`);
  // The lock's own word says no more than the operation that takes it.
  const own = step.operation?.split('.')[0];
  for (const access of step.accesses) {
    const said = step.operation !== null && access.object.replace(/\[\d+\]$/, '') === own;
    if (!said) parts.push(describeAccess(access));
  }
  return parts.length === 0 ? '(nothing shared)' : parts.join('; ');
}

function describeAccess({ object, kind, before, after, note }: ExplainedAccess): string {
  const how = note === null ? '' : ` (${note})`;
  if (kind === 'read') return `${object} is ${after ?? '?'}${how}`;
  if (before === null) return `${object} := ${after ?? '?'}${how}`;
  return `${object}: ${before} -> ${after ?? '?'}${how}`;
}

function fileName(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path;
}

function padded(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

/** Lines of at most `width`, broken at spaces where there are any. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const at = rest.lastIndexOf(' ', width);
    const end = at > width / 3 ? at : width;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  lines.push(rest);
  return lines;
}
