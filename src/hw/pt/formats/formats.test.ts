import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyFields } from '../../../../test/support/layout-arbitraries.ts';
import {
  type BitField,
  bit,
  decode,
  encode,
  type Fields,
  fieldMask,
  type Layout,
  layout,
  print,
  reservedBitsSet,
  reservedMask,
} from '../../../base/layout.ts';
import { maskLo, type PageTableFormat } from '../format.ts';
import { VTD_SECOND_STAGE } from './vtd-second-stage.ts';
import { X86_64 } from './x86-64.ts';

for (const format of [X86_64, VTD_SECOND_STAGE]) {
  for (const table of [...format.layouts.leaf, format.layouts.table]) {
    describe(`${format.name} ${table.name}`, () => {
      it('comes back from its fields, whatever their values, without a reserved bit', () => {
        fc.assert(
          fc.property(anyFields(table), (values) => {
            const raw = encode(table, values);
            expect(decode(table, raw)).toEqual(values);
            expect(reservedBitsSet(table, raw)).toEqual([]);
          }),
        );
      });

      it('has its reserved bits found in any word', () => {
        fc.assert(
          fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (raw) => {
            expect(reservedBitsSet(table, raw).length > 0).toBe((raw & reservedMask(table)) !== 0n);
            expect(print(table, raw).includes('!')).toBe((raw & reservedMask(table)) !== 0n);
          }),
        );
      });

      it('describes each of its 64 bits once', () => {
        const masks = Object.values<BitField>(table.fields).map(fieldMask);
        expect(masks.reduce((all, mask) => all | mask)).toBe(2n ** 64n - 1n);
        expect(masks.reduce((sum, mask) => sum + mask)).toBe(2n ** 64n - 1n);
      });

      it('holds the address in bits 51 down to its page', () => {
        const level = Math.max(0, leafLevelOf(format, table));
        const { ADDR } = table.fields as Fields;
        expect(ADDR).toMatchObject({ high: 51, low: 12 + 9 * level, unit: 4096 * 512 ** level });
      });
    });
  }

  describe(`${format.name} masks`, () => {
    it('are those of the layouts', () => {
      const [pte, pde] = format.layouts.leaf;
      expect(format.accessedLo).toBe(maskLo(pte, 'A'));
      expect(format.dirtyLo).toBe(maskLo(pte, 'D'));
      expect(format.pageSizeLo).toBe(maskLo(pde, 'PS'));
      expect(format.pageSizeLo).toBe(maskLo(format.layouts.table, 'PS'));
      // An entry without permission cannot be told from none.
      expect(format.leafLo[0]).toBe(0);
      for (const low of [...format.leafLo.slice(1), format.tableLo]) expect(low & format.presentLo).not.toBe(0);
    });
  });
}

function leafLevelOf(format: PageTableFormat, table: Layout): number {
  return format.layouts.leaf.indexOf(table);
}

describe('maskLo', () => {
  it('refuses a field that is not there, or not in the low half', () => {
    const wide = layout('wide', 33, '', { LOW: { ...bit(0), high: 31 }, HIGH: bit(32) });
    expect(maskLo(wide, 'LOW')).toBe(-1);
    expect(() => maskLo(wide, 'HIGH')).toThrow(/no field HIGH in its low half/);
    expect(() => maskLo(wide, 'NONE')).toThrow(/NONE/);
  });
});
