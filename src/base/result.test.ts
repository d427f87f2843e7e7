import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { err, formatInputError, ok, printable } from './result.ts';

describe('printable', () => {
  it('makes terminal escapes, line ends and other controls visible', () => {
    expect(printable('\x1b[31mred\x1b[0m')).toBe('\\x1b[31mred\\x1b[0m');
    expect(printable('a\r\nb\tc\0')).toBe('a\\x0d\\x0ab\\x09c\\x00');
    expect(printable('\x7f\x9b2J')).toBe('\\x7f\\x9b2J');
    expect(printable('\u2028\u2029')).toBe('\\x2028\\x2029');
  });

  it('makes marks that turn the direction of text visible', () => {
    expect(printable('\u202egnp.exe\u2066')).toBe('\\x202egnp.exe\\x2066');
  });

  it('leaves letters of any language alone', () => {
    expect(printable('größe 日本 🙂')).toBe('größe 日本 🙂');
  });

  it('cuts what is long and says so', () => {
    expect(printable('x'.repeat(500))).toBe(`${'x'.repeat(400)}…`);
    expect(printable('x'.repeat(400))).toBe('x'.repeat(400));
    expect(printable('abcdef', 3)).toBe('abc…');
  });

  it('lets nothing through that moves a cursor, whatever comes in', () => {
    const drives = (code: number) =>
      code < 0x20 || (code >= 0x7f && code <= 0x9f) || code === 0x2028 || code === 0x2029;
    const anyText = fc.string({ unit: fc.nat(0x2fff).map((code) => String.fromCodePoint(code)) });
    fc.assert(
      fc.property(anyText, (text) => {
        expect([...printable(text)].some((char) => drives(char.codePointAt(0) ?? 0))).toBe(false);
      }),
    );
  });
});

describe('formatInputError', () => {
  it('puts place, message and hint on one line', () => {
    const error = { code: 'not-a-trace', message: 'no trace', place: 'a.txt:3', hint: 'try another' };
    expect(formatInputError(error)).toBe('a.txt:3: no trace (try another)');
    expect(formatInputError({ code: 'x', message: 'only\nthis' })).toBe('only\\x0athis');
  });
});

describe('Result', () => {
  it('is one or the other', () => {
    expect(ok(1)).toEqual({ ok: true, value: 1 });
    expect(err('bad')).toEqual({ ok: false, error: 'bad' });
  });
});
