/**
 * The bench's output as text: one line a workload with medians and the ratio to the C reference, the geometric means, and
 * what it was measured on. Numbers in brackets are the quartiles of the ratios of rounds that ran next to each other.
 */

import { cpus } from 'node:os';
import { printable } from '../src/base/result.ts';
import { geometricMean, geometricMeanRatio, median, type RatioSummary, ratioOfMedians } from './stats.ts';

/** Nanoseconds an operation, one number a round; the same number of interleaved rounds wherever there are any. */
export interface MicroRow {
  readonly name: string;
  readonly ours: readonly number[];
  /** Absent when there is no C compiler. */
  readonly reference?: readonly number[];
  /** The reference that clears each table that it allocates. */
  readonly zeroing?: readonly number[];
}

interface ComparedRow extends MicroRow {
  readonly reference: readonly number[];
}

/** The whole table with the lines on geometric means, without a line end. */
export function formatMicro(rows: readonly MicroRow[]): string {
  const compared = rows.filter((row): row is ComparedRow => row.reference !== undefined);
  if (compared.length === 0 || compared.length < rows.length) return formatOurs(rows);
  return formatCompared(compared);
}

/** `AMD EPYC, node v20.20.2, gcc (Debian) 12.2.0`. */
export function machineLine(compiler?: string): string {
  const cpu = cpus()[0]?.model.trim() || 'unknown CPU';
  return printable(`${cpu}, node ${process.version}, ${compiler ?? 'no C compiler'}`);
}

/** `2.31 (2.25 to 2.40)`. */
export function formatRatio({ ratio, low, high }: RatioSummary): string {
  return `${ratio.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

function formatOurs(rows: readonly MicroRow[]): string {
  const lines = rows.map((row) => [row.name, nanoseconds(median(row.ours))]);
  const mean = nanoseconds(geometricMean(rows.map((row) => median(row.ours))));
  return layOut(['workload', 'ours ns'], lines, ['geometric mean', mean]);
}

function formatCompared(rows: readonly ComparedRow[]): string {
  const lines = rows.map((row) => [
    row.name,
    nanoseconds(median(row.reference)),
    row.zeroing === undefined ? '-' : nanoseconds(median(row.zeroing)),
    nanoseconds(median(row.ours)),
    formatRatio(ratioOfMedians(row.ours, row.reference)),
  ]);
  const ours = rows.map((row) => row.ours);
  const references = rows.map((row) => row.reference);
  const zeroings = rows.flatMap((row) => (row.zeroing === undefined ? [] : [row.zeroing]));
  const complete = zeroings.length === rows.length;
  const total = [
    'geometric mean',
    nanoseconds(meanOfMedians(references)),
    complete ? nanoseconds(meanOfMedians(zeroings)) : '-',
    nanoseconds(meanOfMedians(ours)),
    formatRatio(geometricMeanRatio(ours, references)),
  ];
  const table = layOut(['workload', 'C ns', 'C zeroing ns', 'ours ns', 'ours / C (quartiles)'], lines, total);
  if (!complete) return table;
  return `${table}\nours / C zeroing, geometric mean: ${formatRatio(geometricMeanRatio(ours, zeroings))}`;
}

function meanOfMedians(workloads: readonly (readonly number[])[]): number {
  return geometricMean(workloads.map(median));
}

function nanoseconds(ns: number): string {
  return ns.toFixed(ns < 10 ? 2 : 1);
}

/** First column to the left, numbers to the right, a rule above and below the rows. */
function layOut(head: readonly string[], rows: readonly (readonly string[])[], total: readonly string[]): string {
  const all = [head, ...rows, total];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  return [line(head), rule, ...rows.map(line), rule, line(total)].join('\n');
}
