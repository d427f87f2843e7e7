/**
 * Numbers as people read them: bytes in powers of 1024, thousands separated by commas, times and ratios. The same text
 * on every machine (no locale). A number that is not finite is a mistake of ours and stops here.
 */
import { assert } from '../../base/assert.ts';

export type ByteUnit = 'B' | 'KiB' | 'MiB' | 'GiB' | 'TiB';

const byteUnits: readonly ByteUnit[] = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** In the largest unit that leaves at least 1, or in `unit`, for columns that are to be compared. */
export function formatBytes(bytes: number, unit?: ByteUnit): string {
  checkFinite(bytes);
  if (unit !== undefined) return inUnit(bytes, byteUnits.indexOf(unit));
  let exponent = 0;
  // 1023.5, not 1024: a value that would round up to "1,024 KiB" is "1 MiB".
  while (exponent < byteUnits.length - 1 && Math.abs(bytes) / 1024 ** exponent >= 1023.5) exponent++;
  return inUnit(bytes, exponent);
}

/** Whole numbers exactly; others to one decimal below 100. */
export function formatCount(count: number): string {
  checkFinite(count);
  return decimal(count, Number.isInteger(count) || Math.abs(count) >= 100 ? 0 : 1);
}

/** `digits`: that many decimals of seconds whatever the size, for columns that are to be compared. */
export function formatSeconds(seconds: number, digits?: number): string {
  checkFinite(seconds);
  const size = Math.abs(seconds);
  if (digits !== undefined) return `${separated(seconds.toFixed(digits))} s`;
  if (size >= 599.95) return longTime(seconds);
  if (size === 0) return '0 s';
  if (size >= 0.9995) return `${decimal(seconds, size >= 99.9995 ? 1 : 3)} s`;
  if (size >= 0.9995e-3) return `${significant(seconds * 1e3)} ms`;
  if (size >= 0.9995e-6) return `${significant(seconds * 1e6)} µs`;
  return `${significant(seconds * 1e9)} ns`;
}

/** `1.049×`: how many times as much. */
export function formatRatio(ratio: number): string {
  checkFinite(ratio);
  const size = Math.abs(ratio);
  if (size > 0 && size < 0.0005) return '<0.001×';
  if (size === 0) return '0×';
  return `${separated(ratio.toFixed(size >= 99.95 ? 0 : size >= 9.9995 ? 1 : 3))}×`;
}

/** A share from 0 to 1. Only all is 100% and only nothing is 0%. */
export function formatPercent(share: number): string {
  checkFinite(share);
  const percent = share * 100;
  if (percent > 0 && percent < 0.005) return '<0.01%';
  if (percent < 100 && percent > 99.99) return '>99.99%';
  return `${decimal(percent, 2)}%`;
}

function inUnit(bytes: number, exponent: number): string {
  const value = bytes / 1024 ** exponent;
  const size = Math.abs(value);
  const name = byteUnits[exponent];
  assert(name !== undefined, 'a byte unit outside the table of units');
  if (size > 0 && size < 0.005) return `<0.01 ${name}`;
  return `${significant(value)} ${name}`;
}

/** About three digits: 2 decimals below 10, 1 below 100, none above. */
function significant(value: number): string {
  const size = Math.abs(value);
  return decimal(value, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

/** At most `digits` decimals, without trailing zeros. */
function decimal(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return separated(digits === 0 ? text : text.replace(/\.?0+$/, ''));
}

function separated(text: string): string {
  const [whole = '', fraction] = text.replace(/^-(?=0(\.0*)?$)/, '').split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

function longTime(seconds: number): string {
  const total = Math.round(Math.abs(seconds));
  const sign = seconds < 0 ? '-' : '';
  const minutes = Math.floor(total / 60);
  if (minutes < 60) return `${sign}${minutes} min ${total % 60} s`;
  return `${sign}${formatCount(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

function checkFinite(value: number): void {
  assert(
    Number.isFinite(value),
    () => `a report was given the number ${value}: a division by zero before it, most likely`,
  );
}
