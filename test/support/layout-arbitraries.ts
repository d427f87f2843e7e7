/** Random values for the fields of a layout. */
import fc from 'fast-check';
import { fieldWidth, type Layout } from '../../src/base/layout.ts';

/** A value for each field that means something to hardware or software. */
export function anyFields(table: Layout): fc.Arbitrary<Record<string, bigint>> {
  const named = Object.entries(table.fields).filter(([, field]) => field.kind === 'field' || field.kind === 'software');
  return fc.record(
    Object.fromEntries(
      named.map(([name, field]) => [name, fc.bigInt({ min: 0n, max: (1n << BigInt(fieldWidth(field))) - 1n })]),
    ),
    { noNullPrototype: true },
  );
}
