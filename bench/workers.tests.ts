/** Long explorations for the bench of --workers: `tablewalk check bench/workers.tests.ts`. */
import { Cell, defineTest, type Flow } from 'tablewalk/check';

function* load(x: Cell<number>): Flow<void> {
  yield;
  x.load();
}

function* store(x: Cell<number>, value: number): Flow<void> {
  yield;
  x.store(value);
}

function oneWord(name: string, writers: number, readers: number) {
  return defineTest({
    name,
    expect: 'holds',
    program: (world) => {
      const x = new Cell(world, 'x', 0);
      const stores = Array.from({ length: writers }, (_, i) => store(x, i + 1));
      return { threads: [...stores, ...Array.from({ length: readers }, () => load(x))] };
    },
  });
}

export const floatingRead = oneWord('floating_read 9', 9, 1);
export const readers = oneWord('readers 18', 1, 18);
