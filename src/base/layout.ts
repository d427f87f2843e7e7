/**
 * Bit layouts as data: one table a register, entry or descriptor, with the specification's field names and absolute
 * bit numbers. Decoding, encoding, the reserved-bit check and printing derive from the table; overlap, gaps and width
 * are checked when the module that holds the table loads. Everything here works on `bigint` words and is meant for
 * the edges (decoders, docs, tests); hot code takes its masks from `fieldMask` once and uses 32-bit halves.
 */
import { assert } from './assert.ts';

export type FieldKind =
  /** Means something to hardware. */
  | 'field'
  /** Must be zero; a one is a fault. */
  | 'reserved'
  /** Hardware does not look. */
  | 'ignored'
  /** Ignored by hardware and used by software. */
  | 'software';

export interface BitField {
  /** Highest bit, inclusive, counted over the whole structure. */
  readonly high: number;
  readonly low: number;
  readonly kind: FieldKind;
  /** Names of coded values; a value that is missing here has no name, which is not an error. */
  readonly names?: Readonly<Record<number, string>>;
  /** One line for people. */
  readonly note?: string;
  /** What the field counts or addresses: 4096 when the value is a page frame number to be shown as an address. */
  readonly unit?: number;
}

export type Fields = Readonly<Record<string, BitField>>;

export interface Layout<F extends Fields = Fields> {
  readonly name: string;
  readonly bits: number;
  /** Document, revision and section. */
  readonly source: string;
  readonly fields: F;
}

type Options = Pick<BitField, 'names' | 'note' | 'unit'>;

export function bits(high: number, low: number, options: Options = {}): BitField {
  return { high, low, kind: 'field', ...options };
}

export function bit(position: number, options: Options = {}): BitField {
  return bits(position, position, options);
}

export function reserved(high: number, low: number = high): BitField {
  return { high, low, kind: 'reserved' };
}

export function ignored(high: number, low: number = high, options: Options = {}): BitField {
  return { high, low, kind: 'ignored', ...options };
}

export function software(high: number, low: number = high, options: Options = {}): BitField {
  return { high, low, kind: 'software', ...options };
}

/** @throws InvariantError when fields overlap, leave a bit undescribed, or lie outside `width`. */
export function layout<const F extends Fields>(name: string, width: number, source: string, fields: F): Layout<F> {
  // Filled: indexOf passes over holes.
  const owner = new Array<string | undefined>(width).fill(undefined);
  for (const [fieldName, field] of Object.entries(fields)) {
    assert(
      field.low >= 0 && field.high >= field.low && field.high < width,
      `${name}.${fieldName}: bits ${field.high}:${field.low} lie outside ${width - 1}:0`,
    );
    for (let i = field.low; i <= field.high; i++) {
      assert(owner[i] === undefined, `${name}: bit ${i} belongs to ${owner[i]} and to ${fieldName}`);
      owner[i] = fieldName;
    }
  }
  const gap = owner.indexOf(undefined);
  assert(
    gap === -1 && owner.length === width,
    `${name}: bit ${gap} is described by no field; write it out as reserved or ignored`,
  );
  return { name, bits: width, source, fields };
}

export function fieldWidth(field: BitField): number {
  return field.high - field.low + 1;
}

/** The field's bits within the structure. */
export function fieldMask(field: BitField): bigint {
  return ((1n << BigInt(fieldWidth(field))) - 1n) << BigInt(field.low);
}

export function getField(raw: bigint, field: BitField): bigint {
  return (raw & fieldMask(field)) >> BigInt(field.low);
}

/** Named fields of `raw`. Reserved and ignored bits are left out. */
export function decode<F extends Fields>(table: Layout<F>, raw: bigint): { readonly [K in keyof F]?: bigint } {
  const out: { [K in keyof F]?: bigint } = {};
  for (const [name, field] of Object.entries(table.fields)) {
    if (field.kind === 'field' || field.kind === 'software') out[name as keyof F] = getField(raw, field);
  }
  return out;
}

/** Fields that are not named are zero. @throws InvariantError when a value does not fit its field. */
export function encode<F extends Fields>(
  table: Layout<F>,
  values: { readonly [K in keyof F]?: bigint | number },
): bigint {
  let raw = 0n;
  for (const [name, value] of Object.entries(values) as [string, bigint | number][]) {
    const field = table.fields[name];
    assert(field !== undefined, `${table.name} has no field ${name}`);
    const word = BigInt(value);
    assert(
      word >= 0n && word < 1n << BigInt(fieldWidth(field)),
      () => `${table.name}.${name}: ${word} does not fit ${fieldWidth(field)} bits`,
    );
    raw |= word << BigInt(field.low);
  }
  return raw;
}

/** Names of reserved fields of which some bit is set, lowest first; empty for a well-formed word. */
export function reservedBitsSet(table: Layout, raw: bigint): string[] {
  return Object.entries(table.fields)
    .filter(([, field]) => field.kind === 'reserved' && (raw & fieldMask(field)) !== 0n)
    .sort(([, a], [, b]) => a.low - b.low)
    .map(([name, field]) => `${name}[${field.high}:${field.low}]`);
}

export function reservedMask(table: Layout): bigint {
  return Object.values(table.fields)
    .filter((field) => field.kind === 'reserved')
    .reduce((mask, field) => mask | fieldMask(field), 0n);
}

/** `NAME: field=value(name) …`, fields from the lowest bit up, zero one-bit fields left out. */
export function print(table: Layout, raw: bigint): string {
  const parts = Object.entries(table.fields)
    .filter(([, field]) => field.kind === 'field' || field.kind === 'software')
    .sort(([, a], [, b]) => a.low - b.low)
    .flatMap(([name, field]) => {
      const value = getField(raw, field);
      if (value === 0n && fieldWidth(field) === 1) return [];
      return [fieldWidth(field) === 1 ? name : `${name}=${fieldText(field, value)}`];
    });
  const bad = reservedBitsSet(table, raw);
  return `${table.name}: ${[...parts, ...bad.map((name) => `!${name}`)].join(' ') || '0'}`;
}

function fieldText(field: BitField, value: bigint): string {
  const hex = `0x${(value * BigInt(field.unit ?? 1)).toString(16)}`;
  const name = field.names?.[Number(value)];
  return name === undefined ? hex : `${hex}(${name})`;
}
