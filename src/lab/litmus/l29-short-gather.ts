/**
 * L29, ee6e69d03255 (fixes 7c53f4238aa8): an unmap that ends inside a large page removes all of it, and gathered only what it was asked for.
 *
 * The device keeps translations of 4 KiB each, as ATS allows. Wrong fix: the flush is rounded up to the end of the page that was asked for last, not of the large one.
 */
import { ATOMIC, type Flow, runAlone, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../../hw/index.ts';
import type { Patch } from '../../kernel/index.ts';
import { DmaMachine } from './dma-machine.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';

/** A 2 MiB page at IOVA 0, in frames from 512 on; the device works in its second 4 KiB. */
const [LEVEL, LARGE, INSIDE] = [1, 512, 1];

function program(world: World, build: Build): Program {
  const machine = new DmaMachine(world, build, { asks: 'reuse', ats: true, blocks: 2 });
  const { device, dom, kernel } = machine;
  const prot = IOMMU_READ | IOMMU_WRITE;
  runAlone(dom.reclaim.mapPages(dom.pt, dom.cpus[0]!, 0, LARGE, LEVEL, 1, prot));
  dom.seen.store(INSIDE, LARGE + INSIDE);
  // The device has been there.
  runAlone(device.access({ space: 0, page: INSIDE, write: true }, () => {}));
  function* unmap(): Flow<void> {
    yield* kernel.iommu_unmap_fast(dom, 0, 0, 1);
    yield* kernel.iommu_iotlb_sync(dom, 0);
    // All of the large page is the caller's again: what is there now is somebody else's.
    yield;
    dom.seen.store(INSIDE, -1);
  }
  return {
    threads: { cpu: unmap(), dev: machine.accesses(INSIDE) },
    reachable: ['dev: not present'],
  };
}

/** What was asked for, and not what was removed. */
const AS_ASKED: Patch = {
  after: {
    *iommu_unmap_fast(dom, cpu, iova, pages) {
      const { gather } = dom.cpus[cpu]!;
      if (gather.end > iova + pages) gather.end = iova + pages;
    },
  },
};

export const L29: Litmus = {
  name: 'L29 short gather',
  source: 'ee6e69d03255 (fixes 7c53f4238aa8, 6.19)',
  about: 'The first 4 KiB of a large page are unmapped, and all of it goes; a device has the second in its TLB.',
  bounds: 'one domain, one CPU, one device with a TLB and one access',
  program,
  cases: [
    { name: 'as it was', expect: 'violated', changes: [AS_ASKED] },
    { name: 'fixed: all that was removed', expect: 'holds' },
    {
      name: 'wrong fix: the IOTLB alone hears of all of it',
      expect: 'violated',
      changes: [
        AS_ASKED,
        {
          before: {
            *iommu_flush_iotlb_range({ walker }, start) {
              yield ATOMIC;
              walker.invalidate(0, start, start + 512);
            },
          },
        },
      ],
    },
  ],
};
