import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyFields } from '../../test/support/layout-arbitraries.ts';
import { InvariantError } from './assert.ts';
import {
  bit,
  bits,
  decode,
  encode,
  fieldMask,
  getField,
  ignored,
  type Layout,
  layout,
  print,
  reserved,
  reservedBitsSet,
  reservedMask,
  software,
} from './layout.ts';

const TOY = layout('TOY', 16, 'this test', {
  EN: bit(0),
  MODE: bits(3, 1, { names: { 0: 'off', 2: 'fast' } }),
  RSVD: reserved(5, 4),
  SW: software(6),
  IGN: ignored(7),
  ADDR: bits(15, 8, { unit: 4096 }),
});

describe('layout', () => {
  it('refuses fields that overlap, and names both', () => {
    expect(() => layout('L', 8, '', { A: bits(4, 0), B: bits(7, 4) })).toThrow('L: bit 4 belongs to A and to B');
  });

  it('refuses bits that no field describes', () => {
    expect(() => layout('L', 8, '', { A: bits(3, 0), B: bits(7, 5) })).toThrow(/L: bit 4 is described by no field/);
    expect(() => layout('L', 8, '', { A: bits(6, 0) })).toThrow(/bit 7/);
    expect(() => layout('L', 8, '', {})).toThrow(/bit 0/);
  });

  it('refuses fields outside its width', () => {
    expect(() => layout('L', 8, '', { A: bits(8, 0) })).toThrow(/L.A: bits 8:0 lie outside 7:0/);
    expect(() => layout('L', 8, '', { A: bits(7, -1) })).toThrow(/outside/);
    expect(() => layout('L', 8, '', { A: bits(0, 7) })).toThrow(InvariantError);
  });

  it('takes one that describes each bit once', () => {
    expect(TOY.bits).toBe(16);
    expect(layout('wide', 512, '', { A: bits(511, 0) }).bits).toBe(512);
  });
});

describe('encode', () => {
  it('puts fields where they belong and zero elsewhere', () => {
    expect(encode(TOY, { EN: 1, MODE: 2, ADDR: 0xabn })).toBe(0xab05n);
    expect(encode(TOY, {})).toBe(0n);
  });

  it('refuses what does not fit, and fields that there are not', () => {
    expect(() => encode(TOY, { MODE: 8 })).toThrow('TOY.MODE: 8 does not fit 3 bits');
    expect(() => encode(TOY, { EN: -1 })).toThrow(/does not fit/);
    const values: Record<string, number> = { NONE: 1 };
    expect(() => encode(TOY as Layout, values)).toThrow('TOY has no field NONE');
  });
});

describe('decode', () => {
  it('leaves out reserved and ignored bits', () => {
    expect(decode(TOY, 0xffffn)).toEqual({ EN: 1n, MODE: 7n, SW: 1n, ADDR: 0xffn });
  });

  it('does not look beyond the layout', () => {
    expect(decode(TOY, 0xf0000n)).toEqual({ EN: 0n, MODE: 0n, SW: 0n, ADDR: 0n });
  });
});

describe('reserved bits', () => {
  it('are found, with their place', () => {
    expect(reservedMask(TOY)).toBe(0x30n);
    expect(reservedBitsSet(TOY, 0x10n)).toEqual(['RSVD[5:4]']);
    expect(reservedBitsSet(TOY, 0xffcfn)).toEqual([]);
  });

  it('come lowest first', () => {
    const two = layout('two', 4, '', { HIGH: reserved(3), A: bits(2, 1), LOW: reserved(0) });
    expect(reservedBitsSet(two, 0xfn)).toEqual(['LOW[0:0]', 'HIGH[3:3]']);
  });
});

describe('print', () => {
  it('shows names of coded values, addresses, flags that are set, and what must not be set', () => {
    expect(print(TOY, 0xab05n)).toBe('TOY: EN MODE=0x2(fast) ADDR=0xab000');
    expect(print(TOY, 0x0010n)).toBe('TOY: MODE=0x0(off) ADDR=0x0 !RSVD[5:4]');
    expect(print(TOY, 0x000en)).toBe('TOY: MODE=0x7 ADDR=0x0');
  });

  it('shows a word without anything as 0', () => {
    const flags = layout('FLAGS', 2, '', { A: bit(0), B: bit(1) });
    expect(print(flags, 0n)).toBe('FLAGS: 0');
  });
});

describe('any word', () => {
  it('comes back from its fields', () => {
    fc.assert(
      fc.property(anyFields(TOY), (values) => {
        expect(decode(TOY, encode(TOY, values))).toEqual(values);
      }),
    );
  });

  it('has each of its bits in one field', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 0xffffn }), (raw) => {
        const parts = Object.values(TOY.fields).map((field) => raw & fieldMask(field));
        expect(parts.reduce((sum, part) => sum + part)).toBe(raw);
        for (const field of Object.values(TOY.fields)) {
          expect(raw & fieldMask(field)).toBe(getField(raw, field) << BigInt(field.low));
        }
      }),
    );
  });
});
