/**
 * L35, Documentation/mm/mmu_notifier.rst: two pages are copied on write. Where the secondary flush of the first comes late, a device reads the new second
 * page and the old first one, although the CPU wrote to the first before it wrote to the second (INV-13).
 */
import { ATOMIC, type Flow, until, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { endOnly, invalidateRange } from '../../designs/index.ts';
import { InvariantBroken, type Patch } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { SPACE, SvaMachine } from './sva-machine.ts';

const [A, B] = [0, 1];

function program(world: World, kernel: Build): Program {
  const machine = new SvaMachine(world, kernel, { vmas: [{ start: A, end: B + 1 }], shared: true });
  const { memory, mm, tables } = machine;
  const device = machine.devices[0]!;
  for (const page of [A, B]) machine.warm(device, page);
  /** To the copy, once that is usable. */
  function* write(page: number): Flow<void> {
    yield until(world, `page ${page} is writable`, () => tables.peekWritable(page) !== null);
    yield;
    memory.store(tables.peekWritable(page)!, 0, 1, 0);
  }
  function* cpu1(): Flow<void> {
    yield* machine.kernel.wp_page_copy(mm, B);
    yield* write(A);
    yield* write(B);
  }
  function* reads(): Flow<void> {
    const values: number[] = [];
    for (const page of [B, A]) {
      yield* device.access({ space: SPACE, page, write: false }, (pfn) =>
        values.push(memory.lo(memory.locate(pfn, 0))),
      );
    }
    if (values.length < 2) return;
    world.reach(`B ${values[0]}, A ${values[1]}`);
    if (values[0] === 1 && values[1] === 0) {
      throw new InvariantBroken('INV-13: the device reads B as it is now, and then A as it was before B was written');
    }
  }
  return {
    threads: {
      'cpu0 copies A': machine.kernel.wp_page_copy(mm, A),
      'cpu1 copies B and writes': cpu1(),
      device: reads(),
    },
    reachable: ['B 0, A 0'],
  };
}

/** The flush comes before the entry is cleared: it is filled in again. */
const FLUSH_FIRST: Patch = {
  replace: {
    *ptep_clear_flush_notify(mm, page) {
      yield* this.flush_tlb_mm_range(mm, page, page + 1);
      yield ATOMIC;
      mm.tables.clearPte(page);
    },
  },
};

export const L35: Litmus = {
  name: 'L35 two addresses',
  source: 'Documentation/mm/mmu_notifier.rst',
  about: 'One CPU copies page A on write; another copies B, writes to A and then to B; a device reads B and then A.',
  bounds: 'one mm, two pages, two CPUs, one device with a TLB that has both pages, one access to each',
  program,
  cases: [
    { name: 'as it was: told when the range ends', expect: 'violated', changes: [endOnly] },
    { name: 'fixed: before the new entry is set', expect: 'holds', changes: [invalidateRange], slow: true },
    { name: 'fixed: with the flush of the CPU', expect: 'holds' },
    { name: 'wrong fix: before the old entry is cleared', expect: 'violated', changes: [FLUSH_FIRST] },
  ],
};
