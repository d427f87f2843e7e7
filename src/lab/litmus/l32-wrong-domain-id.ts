/**
 * L32, 6e6759d71 (12 Jul 2021, fixes 7373a8cc38197): when a context entry is cleared, caches are flushed by the domain id that the entry has; in scalable mode it has none, and what is flushed is domain 0.
 *
 * Wrong fix: the right domain for the IOTLB, and the cached context entry stays: walks go on through it.
 */
import { ATOMIC, Cell, type Flow, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { Places } from '../../hw/index.ts';
import { InvariantBroken, type Kernel } from '../../kernel/index.ts';
import { DmaMachine } from './dma-machine.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';

/** Of the domain, and of what the entry says in scalable mode. */
const [DID, NONE] = [7, 0];

interface Flushes {
  readonly context: number;
  readonly iotlb: number;
}

/** The unit finds the domain of a device by its context entry, which it caches with the domain's id. */
function programOf({ context, iotlb }: Flushes) {
  return (world: World, build: Build): Program => {
    const machine = new DmaMachine(world, build, { asks: 'unmap', blocks: 1 });
    const { dom, kernel, memory } = machine;
    const iova = machine.mapped();
    const pfn = dom.seen.peek(0);
    const entry = new Cell<number | null>(world, "the device's context entry leads to domain", DID);
    const cache = new Places<number>(world, 'context cache of device', 0, [0]);
    /** linux v5.13 drivers/iommu/intel/iommu.c: domain_context_clear_one */
    function* domain_context_clear_one(): Flow<void> {
      yield;
      entry.store(null);
      yield ATOMIC;
      if (context === DID) cache.drop(0, 1);
      if (iotlb === DID) yield* flushDomain(kernel);
      // The device is somebody else's; its former owner gives the page back.
      yield* unmapped();
    }
    function* flushDomain(k: Kernel): Flow<void> {
      yield* k.iommu_flush_iotlb_all(dom);
    }
    function* unmapped(): Flow<void> {
      yield ATOMIC;
      memory.freeFrame(pfn);
    }
    /** Whether it was done: not so if the context entry was flushed since it was read, as no walk may end then. */
    function* access(drops: number): Flow<boolean> {
      let isDone = false;
      yield* machine.device.access({ space: 0, page: iova, write: true }, (found) => {
        isDone = cache.look(0).drops === drops;
        if (!isDone) return;
        if (!memory.isInUse(found)) {
          throw new InvariantBroken(`INV-5: the device reaches frame ${found}, which is free, after it was detached`);
        }
        world.reach('reached');
      });
      return isDone;
    }
    function* accesses(): Flow<void> {
      for (let left = 2; left > 0; ) {
        yield ATOMIC;
        const { drops, entry: known } = cache.look(0);
        const did = known ?? entry.load();
        if (did === null) {
          world.reach('refused');
          return;
        }
        cache.fill(0, did, drops);
        if (yield* access(drops)) left--;
      }
    }
    return { threads: { detach: domain_context_clear_one(), device: accesses() }, reachable: ['reached', 'refused'] };
  };
}

export const L32: Litmus = {
  name: 'L32 wrong domain id',
  source: '6e6759d71 (12 Jul 2021, fixes 7373a8cc38197)',
  about: 'A device is taken from its domain while it works, and a page of the domain is given back.',
  bounds: 'one domain, one page, one device without a TLB and two accesses that begin one after the other',
  cases: [
    { name: 'as it was: what the entry says', expect: 'violated', program: programOf({ context: NONE, iotlb: NONE }) },
    { name: 'fixed: what the domain says', expect: 'holds', program: programOf({ context: DID, iotlb: DID }) },
    { name: 'wrong fix: the IOTLB alone', expect: 'violated', program: programOf({ context: NONE, iotlb: DID }) },
    {
      // Nobody comes to the IOTLB without an entry, for as long as no other domain has the id.
      name: 'the context cache alone, and the id is not used again',
      expect: 'holds',
      program: programOf({ context: DID, iotlb: NONE }),
    },
  ],
};
