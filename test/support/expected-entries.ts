/** The 64-bit entries that the kernel's formats write, made from the layout tables field by field. */
import { encode, type Layout } from '../../src/base/layout.ts';
import type { PageTableFormat } from '../../src/hw/pt/format.ts';

type Values = Record<string, bigint | number>;

/** Fields that a leaf carries by permission (set_prot of x86_64.h and vtdss.h in drivers/iommu/generic_pt/fmt). */
function permissions(format: PageTableFormat, prot: number): Values {
  const write = (prot >> 1) & 1;
  if (format.name === 'x86-64') return { P: 1, 'R/W': write, 'U/S': 1, A: 1, D: write };
  return { R: prot & 1, W: write };
}

export function expectedLeaf(format: PageTableFormat, level: number, frame: number, prot: number): bigint {
  const table = format.layouts.leaf[level] as Layout;
  const values: Values = { ...permissions(format, prot), ADDR: BigInt(frame) >> BigInt(9 * level) };
  if (level > 0) values['PS'] = 1;
  return encode(table, values);
}

export function expectedTable(format: PageTableFormat, frame: number): bigint {
  const values: Values =
    format.name === 'x86-64' ? { P: 1, 'R/W': 1, 'U/S': 1, A: 1, ADDR: frame } : { R: 1, W: 1, ADDR: frame };
  return encode(format.layouts.table, values);
}

export function word(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}
