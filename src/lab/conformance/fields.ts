/** Keys of a golden file's JSON, each with the type that it must have. */

export type Fields = Readonly<Record<string, unknown>>;

/** What is wrong with a line: which key, and what is expected there. */
export class Malformed extends Error {}

export function record(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Malformed(`${name} is no object`);
  return value as Fields;
}

export function list(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Malformed(`${name} is no list`);
  return value;
}

export function number(value: unknown, name: string, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new Malformed(`${name} is no whole number`);
  }
  if (value > most) throw new Malformed(`${name} is larger than 0x${most.toString(16)}`);
  return value;
}

export function bit(value: unknown, name: string): number {
  if (value !== 0 && value !== 1) throw new Malformed(`${name} is neither 0 nor 1`);
  return value;
}

export function boolean(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw new Malformed(`${name} is neither true nor false`);
  return value;
}

/** Names and versions are short: what a hostile file says is printed. */
const MOST_TEXT = 200;

export function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new Malformed(`${name} is no string`);
  if (value.length > MOST_TEXT) throw new Malformed(`${name} is longer than ${MOST_TEXT} characters`);
  return value;
}

/** 64 bits as a hexadecimal string. */
export function word(value: unknown, name: string): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,16}$/.test(value)) {
    throw new Malformed(`${name} is no hexadecimal string of 64 bits ("0x…")`);
  }
  return BigInt(value);
}

export function pair(value: unknown, name: string): readonly [bigint, bigint] {
  const items = list(value, name);
  if (items.length !== 2) throw new Malformed(`${name} is no list of two`);
  return [word(items[0], name), word(items[1], name)];
}
