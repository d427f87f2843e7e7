/**
 * Bytes, not strings: a trace has millions of lines, and a string for each costs more than reading it. Small scanners
 * shared by all line formats; ranges are [start, end), `end` exclusive.
 */

export const NEWLINE = 10;
export const RETURN = 13;
export const TAB = 9;
export const SPACE = 32;
export const HASH = 35;
export const PAREN_OPEN = 40;
export const PAREN_CLOSE = 41;
export const PLUS = 43;
export const DASH = 45;
export const DOT = 46;
export const SLASH = 47;
export const ZERO = 48;
export const COLON = 58;
export const LESS = 60;
export const EQUALS = 61;
export const GREATER = 62;
export const BRACKET_OPEN = 91;
export const BRACKET_CLOSE = 93;
export const LOWER_X = 120;
export const BAR = 124;

/** Value of a hexadecimal digit, -1 for every other byte, so that OR-ing shifted digits goes negative on a bad one. */
export const HEX_DIGIT = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  const char = digit.toString(16);
  HEX_DIGIT[char.charCodeAt(0)] = digit;
  HEX_DIGIT[char.toUpperCase().charCodeAt(0)] = digit;
}

/** 1 for bytes of an event's name: letters, digits, `_ . : -` (`:` is in perf's `iommu:map`, `.` in function names). */
export const NAME_BYTE = new Uint8Array(256);
for (const char of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-')
  NAME_BYTE[char.charCodeAt(0)] = 1;

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Four ASCII characters as `DataView.getInt32(…, true)` reads them. */
export function asciiWord(text: string): number {
  return text.charCodeAt(0) | (text.charCodeAt(1) << 8) | (text.charCodeAt(2) << 16) | (text.charCodeAt(3) << 24);
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte < ZERO + 10;
}

export function isNameStart(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const lower = byte | 0x20;
  return byte === 95 || (lower >= 97 && lower <= 122);
}

export function startsWith(b: Uint8Array, at: number, end: number, prefix: Uint8Array): boolean {
  if (at + prefix.length > end) return false;
  for (let i = 0; i < prefix.length; i++) if (b[at + i] !== prefix[i]) return false;
  return true;
}

/** First place of `needle` in [at, end), or -1. */
export function findBytes(b: Uint8Array, at: number, end: number, needle: Uint8Array): number {
  const first = needle[0];
  for (let i = at; i + needle.length <= end; i++) if (b[i] === first && startsWith(b, i, end, needle)) return i;
  return -1;
}

export function skipSpaces(b: Uint8Array, at: number, end: number): number {
  let p = at;
  while (p < end && b[p] === SPACE) p++;
  return p;
}

export function skipDigits(b: Uint8Array, at: number, end: number): number {
  let p = at;
  while (p < end && isDigit(b[p])) p++;
  return p;
}

export function skipHexDigits(b: Uint8Array, at: number, end: number): number {
  let p = at;
  while (p < end && HEX_DIGIT[b[p]!]! >= 0) p++;
  return p;
}

/** The number that the digits in [start, end) spell: exact up to 2^53, rounded above, finite for any run below 300 digits. */
export function decimalValue(b: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) value = value * 10 + b[i]! - ZERO;
  return value;
}

/** 10^0 to 10^9: exact, and much quicker to look up than to raise. */
export const POWER_OF_TEN: readonly number[] = Array.from({ length: 10 }, (_, digits) => 10 ** digits);

const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a over a name. The hot loop in fast-lines.ts has the same three lines in place. */
export function hashName(b: Uint8Array, start: number, end: number): number {
  let hash = FNV_BASIS | 0;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ b[i]!, FNV_PRIME);
  return hash;
}

/** UTF-8 to text, bad sequences as U+FFFD; `TextDecoder` is not part of the language, and only examples and names come here. */
export function decodeUtf8(b: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; ) {
    const lead = b[i++]!;
    const more =
      lead < 0x80
        ? 0
        : lead >= 0xc2 && lead < 0xe0
          ? 1
          : lead >= 0xe0 && lead < 0xf0
            ? 2
            : lead >= 0xf0 && lead < 0xf5
              ? 3
              : -1;
    let code = more < 0 ? 0xfffd : more === 0 ? lead : lead & (0x3f >> more);
    for (let k = 0; k < more; k++) {
      const next = i < end ? b[i]! : 0;
      if ((next & 0xc0) !== 0x80) {
        code = 0xfffd;
        break;
      }
      code = (code << 6) | (next & 0x3f);
      i++;
    }
    const overlong = (more === 2 && code < 0x800) || (more === 3 && code < 0x10000);
    const valid = code <= 0x10ffff && !overlong && !(code >= 0xd800 && code <= 0xdfff);
    text += String.fromCodePoint(valid ? code : 0xfffd);
  }
  return text;
}
