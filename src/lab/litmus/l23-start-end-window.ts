/**
 * L23, the thread of 2014: a range starts, the driver flushes; the entry is there still, and the device fills its TLB anew; the page goes before the range
 * has ended. Fixed by a call between the change of the entry and the free of the page (3.19).
 *
 * Wrong fixes: a flush at the end alone; one of leaf entries alone where tables go too; devices first, which fill their TLBs from the IOTLB.
 */
import { ATOMIC, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { endOnly, flushHook, invalidateRange, startEnd } from '../../designs/index.ts';
import type { Patch } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { SvaMachine } from './sva-machine.ts';

function program(world: World, kernel: Build): Program {
  const machine = new SvaMachine(world, kernel, { vmas: [{ start: 0, end: 1 }] });
  const device = machine.devices[0]!;
  return {
    threads: {
      munmap: machine.kernel.do_munmap(machine.mm, 0, 1),
      'mm B': machine.neighbour(),
      device: machine.accesses(device, true, 0, 0),
    },
    reachable: ['dev0: done', 'dev0: not present'],
  };
}

const LEAF_ONLY: Patch = {
  replace: {
    *sva_flush_iotlb({ space, walker }, start, end) {
      yield ATOMIC;
      walker.invalidate(space, start, end, true);
    },
  },
};

const DEVICES_FIRST: Patch = {
  replace: {
    *sva_flush_range(bind, start, end) {
      yield* this.sva_flush_device_tlbs(bind, start, end);
      yield* this.sva_flush_iotlb(bind, start, end);
    },
  },
};

export const L23: Litmus = {
  name: 'L23 window of start and end',
  source: 'thread 2014; 34ee645e83b6 (3.19)',
  about: 'A page and its tables are unmapped while a device works on it; another mm gets a page at once.',
  bounds: 'one mm, one page, one device with a TLB and two accesses, one IOMMU that caches all it reads',
  program,
  cases: [
    { name: 'as it was: start and end', expect: 'violated', changes: [startEnd] },
    { name: 'wrong fix: at the end alone', expect: 'violated', changes: [endOnly] },
    { name: 'fixed: invalidate_range', expect: 'holds', changes: [invalidateRange] },
    { name: 'fixed: with the flush of the CPU', expect: 'holds', changes: [flushHook] },
    { name: 'wrong fix: leaf entries alone', expect: 'violated', changes: [flushHook, LEAF_ONLY] },
    { name: 'wrong fix: devices first', expect: 'violated', changes: [flushHook, DEVICES_FIRST] },
  ],
};
