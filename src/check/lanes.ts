/**
 * A counterexample as text: a column for each thread, a row for each step, what it read and wrote, where it stands. Only what a
 * step touched is shown. `>` marks a step that leaves a thread which could have gone on. A row has one step, so that its text may
 * go on over the columns to its right.
 */
import { briefRows } from './brief.ts';
import type { Counterexample, ExplainedAccess, ExplainedStep } from './explain.ts';
import { sourceText } from './source.ts';

export interface LanesOptions {
  /** Columns of the terminal. Default 120. */
  readonly width?: number;
  /** Only the steps that matter (brief.ts); runs of others are one row, and who makes no other step has no column. */
  readonly brief?: boolean;
}

const NARROWEST = 14;
/** What the last lane may have of the room, where there is not enough: its text has no column to go on over. */
const LAST_SHARE = 0.4;
const GAP = '  ';

/** What stands in a row. */
interface Row {
  readonly lane: number;
  readonly text: string;
  readonly number: string;
  readonly mark: string;
  readonly source: string;
  /** It says what was left out, over the columns to its right. */
  readonly isFold: boolean;
}

export function renderLanes(counterexample: Counterexample, options: LanesOptions = {}): string {
  const { width = 120, brief = false } = options;
  const { lanes: names, steps } = counterexample;
  const rows = brief ? briefly(counterexample) : steps.map((step, at) => stepRow(step, at));
  // Where all is shown, a lane without a step says that it made none.
  const lanes = [...names.keys()].filter((lane) => !brief || rows.some((row) => row.lane === lane));
  const numberWidth = String(steps.length).length + 1;
  const sourceWidth = Math.max(0, ...rows.map(({ source }) => source.length));
  const widths = laneWidths(names, lanes, rows, width - numberWidth - sourceWidth - GAP.length * (lanes.length + 1));
  const line = (number: string, mark: string, ...columns: readonly string[]): string =>
    `${number.padStart(numberWidth)}${mark} ${columns.join(GAP)}`.trimEnd();
  const lines = [
    line('', ' ', ...lanes.map((lane, column) => padded(names[lane]!, widths[column]!))),
    line('', ' ', ...widths.map((w) => '-'.repeat(w))),
  ];
  for (const { lane, text, number, mark, source, isFold } of rows) {
    const own = lanes.indexOf(lane);
    const before = widths.slice(0, own).map((w) => ' '.repeat(w));
    const room = widths.slice(own).reduce((sum, w) => sum + w + GAP.length, isFold ? sourceWidth : -GAP.length);
    for (const [part, words] of wrap(text, room).entries()) {
      const last = isFold ? [words] : [padded(words, room), part === 0 ? source : ''];
      lines.push(line(part === 0 ? number : '', part === 0 ? mark : ' ', ...before, ...last));
    }
  }
  return `${lines.join('\n')}\n`;
}

function stepRow(step: ExplainedStep, at: number): Row {
  const { lane, preempts, source } = step;
  const [number, mark] = [String(at + 1), preempts ? '>' : ' '];
  return { lane, text: describeStep(step), number, mark, source: sourceText(source), isFold: false };
}

function briefly(counterexample: Counterexample): readonly Row[] {
  const { steps } = counterexample;
  return briefRows(counterexample).map((row) => {
    if (row.kind === 'step') return stepRow({ ...steps[row.at]!, accesses: row.accesses }, row.at);
    const folded = row.steps.map((at) => steps[at]!);
    return { lane: folded[0]!.lane, text: describeFold(folded), number: '', mark: ' ', source: '', isFold: true };
  });
}

/** `… 12 steps: idxd_cdev_open … exit_to_user_mode` */
function describeFold(steps: readonly ExplainedStep[]): string {
  const places = steps.map(({ source }) => sourceText(source)).filter((text) => text !== '');
  const ends = new Set([...places.slice(0, 1), ...places.slice(-1)]);
  return `… ${steps.length} steps${ends.size === 0 ? '' : `: ${[...ends].join(' … ')}`}`;
}

/** Each lane as wide as it needs; where that is too much, all give way down to what can still be read. */
function laneWidths(
  names: readonly string[],
  lanes: readonly number[],
  rows: readonly Row[],
  room: number,
): readonly number[] {
  const needed = lanes.map((lane) => {
    const own = rows.filter((row) => row.lane === lane && !row.isFold).map(({ text }) => text.length);
    return Math.max(names[lane]!.length, NARROWEST, ...own);
  });
  if (needed.reduce((sum, w) => sum + w, 0) <= room) return needed;
  const last = Math.min(needed.at(-1)!, Math.max(NARROWEST, Math.floor(room * LAST_SHARE)));
  const share = Math.max(NARROWEST, Math.floor((room - last) / Math.max(1, lanes.length - 1)));
  const others = needed.slice(0, -1).map((w) => Math.min(w, share));
  return [...others, Math.max(last, Math.min(needed.at(-1)!, room - others.reduce((sum, w) => sum + w, 0)))];
}

/** What a step did, in a line. */
export function describeStep({ operation, chose, accesses }: ExplainedStep): string {
  const parts: string[] = [];
  if (operation !== null && operation !== 'atomic' && operation !== 'locked') parts.push(operation);
  if (chose !== null) parts.push(`chooses ${chose.join(', ')}`);
  // The lock's own word says no more than the operation that takes it.
  const own = operation?.slice(0, Math.max(0, operation.lastIndexOf('.')));
  const told = accesses.filter((access, i) => {
    const isSaid = operation !== null && access.object.replace(/\[\d+\]$/, '') === own;
    return (
      !isSaid && !isReadForWrite(access, accesses.slice(i + 1)) && !(accesses.length > 1 && changesNothing(access))
    );
  });
  for (let i = 0; i < told.length; ) {
    const same = alike(told.slice(i));
    parts.push(same.length === 1 ? describeAccess(same[0]!) : describeReads(same));
    i += same.length;
  }
  if (parts.length > 0) return parts.join('; ');
  return accesses.some(({ kind }) => kind === 'write') ? '(nothing changes)' : '(nothing shared)';
}

/** Among several accesses: what was empty, as a place of a cache that is flushed, is empty still. */
function changesNothing({ after, before, kind, note }: ExplainedAccess): boolean {
  return kind === 'write' && note === null && before === 'empty' && after === before;
}

/** Reads, one after the other, that find the same: the first of `accesses` alone, if it is none or finds something else than the next. */
function alike(accesses: readonly ExplainedAccess[]): readonly ExplainedAccess[] {
  const { after, kind, note } = accesses[0]!;
  const end = accesses.findIndex((one) => one.kind !== 'read' || one.note !== null || one.after !== after);
  return kind !== 'read' || note !== null || end === 0
    ? accesses.slice(0, 1)
    : accesses.slice(0, end < 0 ? undefined : end);
}

/** `x, y are empty` */
function describeReads(reads: readonly ExplainedAccess[]): string {
  const names = reads.map(({ object }) => object);
  return `${names.join(', ')} are ${reads[0]!.after ?? '?'}`;
}

/** A read whose value the next write of the word says. */
function isReadForWrite({ kind, object, after }: ExplainedAccess, later: readonly ExplainedAccess[]): boolean {
  const next = later.find((access) => access.object === object);
  return kind === 'read' && next?.kind === 'write' && next.before === after;
}

function describeAccess({ object, kind, before, after, note }: ExplainedAccess): string {
  const how = note === null ? '' : ` (${note})`;
  if (kind === 'read') return `${object} is ${after ?? '?'}${how}`;
  if (before === null) return `${object} := ${after ?? '?'}${how}`;
  return `${object}: ${before} -> ${after ?? '?'}${how}`;
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
