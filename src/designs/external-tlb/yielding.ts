/**
 * The flush is handed to the hardware, and another thread runs until it is done (thread 2014: a wish). Pages and tables wait in the gather; the mmap lock stays.
 */
import { ATOMIC, Cell, type Flow, until } from '../../base/index.ts';
import type { ExternalBind, Kernel } from '../../kernel/index.ts';
import type { KernelDesign, Need } from '../design.ts';

interface Submitted {
  readonly bind: ExternalBind;
  readonly start: number;
  readonly end: number;
}

const KEY = 'invalidations that were submitted';

function submitted({ extra }: Kernel): Cell<readonly Submitted[]> {
  return extra.get(KEY) as Cell<readonly Submitted[]>;
}

/** The unit takes them one after the other, whenever it likes: see sva_unit. */
const QUEUE: Need = {
  patch: {},
  setup: (kernel) => {
    kernel.extra.set(KEY, new Cell<readonly Submitted[]>(kernel.world, KEY, []));
  },
};

function* submit(kernel: Kernel, one: Submitted): Flow<void> {
  yield ATOMIC;
  const queue = submitted(kernel);
  queue.store([...queue.load(), one]);
}

/** The hardware's thread. */
function* executeSubmitted(kernel: Kernel): Flow<void> {
  const queue = submitted(kernel);
  for (;;) {
    yield until(kernel.world, 'an invalidation is there', () => queue.peek().length > 0);
    yield;
    const { bind, end, start } = queue.load()[0]!;
    yield* kernel.sva_flush_iotlb(bind, start, end);
    yield* kernel.sva_flush_device_tlbs(bind, start, end);
    yield ATOMIC;
    queue.store(queue.load().slice(1));
  }
}

function* completion(kernel: Kernel): Flow<void> {
  yield until(kernel.world, 'all invalidations are done', () => submitted(kernel).peek().length === 0);
}

export const yieldAsSketched: KernelDesign = {
  family: 'external-tlb',
  source: 'thread 2014: a wish',
  name: 'yield-while-flushing-as-sketched',
  argument: 'page-table updates and the scheduler belong together: another thread can run while hardware flushes',
  needs: [QUEUE],
  patch: {
    replace: {
      *sva_flush_range(bind, start, end) {
        yield* submit(this, { bind, start, end });
      },
      sva_unit() {
        return executeSubmitted(this);
      },
    },
  },
};

/** Pages and tables are freed when the invalidation is done; where a lock is held that cannot be dropped it is waited for in place. */
export const yieldCompleted: KernelDesign = {
  ...yieldAsSketched,
  name: 'yield-while-flushing-completed',
  patch: {
    replace: { ...yieldAsSketched.patch.replace },
    before: {
      *tlb_flush_mmu_free() {
        yield* completion(this);
      },
    },
    after: {
      *ptep_clear_flush_notify() {
        yield* completion(this);
      },
      *pmdp_collapse_flush() {
        yield* completion(this);
      },
      *change_protection() {
        yield* completion(this);
      },
      *arch_tlbbatch_flush() {
        yield* completion(this);
      },
      *sva_mm_release() {
        yield* completion(this);
      },
    },
  },
};
