/**
 * L28, mail of April 2021 (fixes 6491d4d02893): pages go, by a flush of leaf entries alone, since their table stays; then the table gives way to a large page, and nobody flushes the pointer to it
 * that is still cached.
 *
 * With the fix a device that accesses the range while it is being mapped still walks a table that is free: the table goes back before the flush. The caller has promised that there
 * is none.
 */
import { ATOMIC, type Flow, runAlone, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../../hw/index.ts';
import { type DmaDomain, InvariantBroken, type Kernel } from '../../kernel/index.ts';
import { DmaMachine } from './dma-machine.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';

/** Level of a 2 MiB page's entry, pages that it covers, the frame that it leads to. */
const [LEVEL, SPAN, LARGE] = [1, 512, 512];
const PAGE = 0;

type Flush = (kernel: Kernel, dom: DmaDomain) => Flow<void>;

const WHOLE: Flush = (kernel, dom) => kernel.iommu_flush_iotlb_range(dom, PAGE, PAGE + SPAN, false);
const LEAVES: Flush = (kernel, dom) => kernel.iommu_flush_iotlb_range(dom, PAGE, PAGE + SPAN, true);
function* noFlush(): Flow<void> {}

/** Steps of the mail. `flush`: what is flushed when the table has gone. `early`: a device that does not wait until the range is mapped. */
function programOf(flush: Flush, early = false) {
  return (world: World, build: Build): Program => {
    const machine = new DmaMachine(world, build, { asks: 'tables', blocks: 1 });
    const { device, dom, kernel, memory } = machine;
    const prot = IOMMU_READ | IOMMU_WRITE;
    const cpu = dom.cpus[0]!;
    runAlone(dom.reclaim.mapPages(dom.pt, cpu, PAGE, 8, 0, 1, prot));
    // Steps (a) and (b): the device has been there, and the page goes by a flush with IH.
    runAlone(machine.accesses(PAGE));
    const table = memory.peekLo(memory.peekLo(dom.pt.root, 0) >>> 12, 0) >>> 12;
    runAlone(kernel.iommu_unmap_fast(dom, 0, PAGE, 1));
    runAlone(kernel.iommu_iotlb_sync(dom, 0));
    function* accesses(): Flow<void> {
      let reached = -1;
      yield* device.access({ space: 0, page: PAGE, write: true }, (pfn) => {
        reached = pfn;
      });
      if (!early && reached !== LARGE) {
        throw new InvariantBroken(
          `INV-12: the device reaches ${reached < 0 ? 'nothing' : `frame ${reached}`} at a page that is mapped`,
        );
      }
    }
    /** Step (c): linux v5.12 drivers/iommu/intel/iommu.c: switch_to_super_page, __domain_mapping */
    function* maps(): Flow<void> {
      yield ATOMIC;
      const upper = memory.lo(memory.locate(dom.pt.root, 0)) >>> 12;
      memory.store(upper, 0, 0, 0);
      yield ATOMIC;
      memory.freeFrame(table);
      yield* flush(kernel, dom);
      yield* dom.reclaim.mapPages(dom.pt, cpu, PAGE, LARGE, LEVEL, 1, prot);
      world.reach('mapped');
      if (!early) yield* accesses();
    }
    const threads: Record<string, Flow<void>> = { cpu: maps(), other: machine.neighbour() };
    if (early) threads['dev'] = accesses();
    return { threads, reachable: ['mapped'] };
  };
}

export const L28: Litmus = {
  name: 'L28 large page over a table',
  source: 'mail of 1 Apr 2021 (fixes 6491d4d02893)',
  about: 'A page goes, a large page comes in the place of its table; then the device accesses it.',
  bounds: 'one domain, one CPU, one device with one access, an IOMMU that caches all it reads',
  cases: [
    { name: 'as it was: no flush', expect: 'violated', program: programOf(noFlush) },
    { name: 'fixed: the slot is flushed', expect: 'holds', program: programOf(WHOLE) },
    { name: 'wrong fix: leaf entries alone', expect: 'violated', program: programOf(LEAVES) },
    { name: 'fixed, and a device that does not wait', expect: 'violated', program: programOf(WHOLE, true) },
  ],
};
