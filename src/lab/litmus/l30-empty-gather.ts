/**
 * L30, 90c5def10bea (Mar 2026) and its fix by Robin Murphy: an unmap that removed nothing left a gather whose start is above its end, which a driver flushed as a range; so the core left out the call where
 * the gather is empty. Drivers that do not use the gather, and flush all of the domain in iotlb_sync, were never called again.
 *
 * Wrong fix besides: the core calls iotlb_sync where something was unmapped, but lets a driver of the other kind see the empty range.
 */
import { ATOMIC, type Flow, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { InvariantBroken, type Patch } from '../../kernel/index.ts';
import { DmaMachine } from './dma-machine.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';

/** iommu_iotlb_gather_init. */
const EMPTY = { start: Number.MAX_SAFE_INTEGER, end: 0 };

interface Driver {
  /** It enters ranges into the gather; otherwise iotlb_sync flushes all of the domain. */
  readonly gathers: boolean;
}

/** A page is unmapped, or nothing is, and the device accesses it. */
function programOf({ gathers }: Driver, present: boolean) {
  return (world: World, build: Build): Program => {
    const machine = new DmaMachine(world, build, { asks: 'unmap', blocks: 1 });
    const iova = present ? machine.mapped() : 0;
    world.reach(gathers ? 'a driver that gathers' : 'a driver that does not gather');
    if (!gathers) machine.dom.cpus[0]!.gather.end = 0;
    const threads: Record<string, Flow<void>> = { cpu: present ? machine.unmap(iova) : unmapsNothing(machine) };
    if (present) threads['dev'] = machine.accesses(iova, iova);
    return { threads, reachable: present ? ['dev: done'] : [] };
  };
}

/** The walk finds a hole, and the gather stays as it was made. */
function* unmapsNothing({ dom, kernel }: DmaMachine): Flow<void> {
  yield* kernel.iommu_iotlb_sync(dom, 0);
}

/** `callsWhenEmpty`: the core calls iotlb_sync whatever the gather holds; `checks`: the driver that gathers looks whether it holds something. */
function core(callsWhenEmpty: boolean, checks: boolean, { gathers }: Driver): Patch {
  return {
    replace: {
      *iommu_iotlb_sync(dom, cpu) {
        const own = dom.cpus[cpu]!.gather;
        const { end, start } = gathers && own.end !== 0 ? own : EMPTY;
        if (!callsWhenEmpty && end === 0) return;
        if (!gathers) {
          yield* this.iommu_flush_iotlb_all(dom);
          return;
        }
        if (checks && end === 0) return;
        if (end < start) {
          yield ATOMIC;
          throw new InvariantBroken(
            `INV-5: the driver is told to flush from page ${start} to ${end}, and flushes something else`,
          );
        }
        yield* this.iommu_flush_iotlb_range(dom, start, end, true);
        own.end = 0;
      },
    },
  };
}

const GATHERS: Driver = { gathers: true };
const NO_GATHER: Driver = { gathers: false };

export const L30: Litmus = {
  name: 'L30 empty gather',
  source: '90c5def10bea (Mar 2026), and its fix',
  about:
    'A page, or nothing, is unmapped, with a driver that gathers ranges, or with one that flushes the domain when it is told to sync.',
  bounds: 'one domain, one CPU, one device with two accesses',
  cases: [
    {
      name: 'as it was: nothing is unmapped, and the range is flushed',
      expect: 'violated',
      program: programOf(GATHERS, false),
      changes: [core(true, false, GATHERS)],
    },
    {
      name: 'wrong fix: no sync where the gather is empty',
      expect: 'violated',
      program: programOf(NO_GATHER, true),
      changes: [core(false, false, NO_GATHER)],
    },
    {
      name: 'fixed, a driver that does not gather',
      expect: 'holds',
      program: programOf(NO_GATHER, true),
      changes: [core(true, true, NO_GATHER)],
    },
    {
      name: 'fixed, a driver that gathers',
      expect: 'holds',
      program: programOf(GATHERS, true),
      changes: [core(true, true, GATHERS)],
    },
    {
      name: 'fixed, and nothing is unmapped',
      expect: 'holds',
      program: programOf(GATHERS, false),
      changes: [core(true, true, GATHERS)],
    },
  ],
};
