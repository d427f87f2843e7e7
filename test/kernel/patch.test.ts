/** Changes of the kernel by name: what a design and a patch are made of. */
import { expect, it } from 'vitest';
import type { Flow } from '../../src/base/index.ts';
import { BASE, type Kernel, type Patch, patched } from '../../src/kernel/index.ts';
import { Bench } from './bench.ts';

const said: string[] = [];

function says(what: string): (this: Kernel) => Flow<void> {
  return function* () {
    said.push(what);
  };
}

function exits(...changes: readonly Patch[]): readonly string[] {
  said.splice(0);
  const bench = new Bench({ changes });
  const tsk = bench.process('A');
  bench.run(tsk, bench.kernel.do_exit(tsk));
  return [...said];
}

it('before and after stand around a function that calls others through the table', () => {
  const order = exits({
    before: { exit_mm: says('before exit_mm'), mmput: says('mmput') },
    after: { exit_mm: says('after exit_mm') },
  });
  expect(order).toEqual(['before exit_mm', 'mmput', 'after exit_mm']);
});

it('a later patch stands around an earlier one', () => {
  expect(exits({ before: { exit_mm: says('first') } }, { before: { exit_mm: says('second') } })).toEqual([
    'second',
    'first',
  ]);
});

it('a function that is replaced or left out is not run, and its callers go on', () => {
  const order = exits(
    { replace: { exit_mm: says('own') as unknown as typeof BASE.exit_mm } },
    { omit: ['exit_files'] },
    { before: { put_files_struct: says('files'), do_task_dead: says('dead') } },
  );
  expect(order).toEqual(['own', 'dead']);
});

it('after a function its result is what it was', () => {
  const bench = new Bench({ changes: [{ after: { mmget_not_zero: says('after') } }] });
  const tsk = bench.process('A');
  expect(bench.run(tsk, bench.kernel.mmget_not_zero(tsk.mm.peek()!))).toBe(true);
});

it('a name that the kernel does not have is refused, with names that are close', () => {
  expect(() => patched(BASE, { omit: ['exit_m' as 'exit_mm'] })).toThrow(
    /no function 'exit_m': did you mean 'exit_mm'/,
  );
});

it('the table that is patched stays as it is', () => {
  const before = { ...BASE };
  patched(BASE, { omit: ['exit_mm'] });
  expect(BASE).toEqual(before);
});
