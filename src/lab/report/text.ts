/** Small pieces of wording that several sections share. */
import type { ReplayFile } from '../replay/result.ts';
import type { TimeUnit } from './page.ts';
import { formatCount, formatSeconds } from './units.ts';

/** `a`, `a and b`, `a, b and c`. */
export function joinWords(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}

/** A point on the time axis in the words of its clock. */
export function momentText(unit: TimeUnit, value: number): string {
  if (unit === 'seconds') return formatSeconds(value);
  return unit === 'ticks' ? `${formatCount(value)} ticks` : `event ${formatCount(value)}`;
}

/** Where the last bucket of a file's time series ends; buckets are equally wide. */
export function seriesEnd(file: ReplayFile): number {
  const { time } = file.series;
  const last = time.at(-1) ?? 0;
  if (time.length > 1) return last + (last - time[time.length - 2]!);
  return file.timeUnit === 'none' ? last : Math.max(last, file.duration);
}

/** `1 event`, `2 events`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
