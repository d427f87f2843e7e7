/**
 * How a device with page tables of its own follows the CPU's (linux Documentation/mm/hmm.rst; docs/designs.md, Mirrors). The kernel and its driver are
 * those of hmm-retry; the others take from it what they do without.
 */

import type { Patch } from '../../kernel/index.ts';
import { dmirrorRange } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';

/** The kernel as it is. */
export const hmmRetry: KernelDesign = {
  family: 'mirror',
  source: 'Documentation/mm/hmm.rst; linux v6.6 lib/test_hmm.c',
  name: 'hmm-retry',
  argument:
    'the driver reads a sequence, then the tables, and programs the device under its lock only if the sequence is still the same',
  patch: {},
};

/** The driver's fault without a sequence: look, lock, program. */
const LOOK_AND_PROGRAM: Patch['replace'] = {
  *dmirror_range_fault(mirror, page, write) {
    const { lock, mm } = mirror;
    const { mmap_lock } = mm.tables;
    const range = { ...dmirrorRange(mirror, page, write), notifier: null };
    yield mmap_lock.readLock();
    const result = yield* this.hmm_range_fault(range);
    yield mmap_lock.readUnlock();
    if (result < 0) return false;
    yield lock.acquire();
    yield* this.dmirror_do_fault(mirror, range);
    yield lock.release();
    return true;
  },
};

export const hmmNoRetry: KernelDesign = {
  family: 'mirror',
  source: 'what Documentation/mm/hmm.rst warns of',
  name: 'hmm-no-retry',
  argument: 'the call-back and the programming exclude each other by the driver’s lock: no sequence is needed',
  patch: { replace: LOOK_AND_PROGRAM },
};

/** Nothing tells it that a range has begun; pages are faulted in at any time. */
export const mirrorRangeOnly: KernelDesign = {
  family: 'mirror',
  source: 'invalidate_range of 3.19 and its heir, for a device that walks nothing',
  name: 'mirror-range-only',
  argument: 'what is enough for a device that walks the CPU’s tables is enough for one that has a copy of them',
  patch: {
    replace: {
      ...LOOK_AND_PROGRAM,
      *dmirror_register(mirror) {
        const self = this;
        return {
          *arch_invalidate_secondary_tlbs(start, end) {
            yield mirror.lock.acquire();
            yield* self.dmirror_do_update(mirror, start, end);
            yield mirror.lock.release();
          },
        };
      },
    },
  },
};
