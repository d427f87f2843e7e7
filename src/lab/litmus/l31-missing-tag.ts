/**
 * L31, 041be2717b19 (Jun 2024) and "Remove cache tags before disabling ATS" (6.13): the list of caches of a domain is made with what is enabled then. ATS that is enabled later has no tag, and nobody
 * flushes the device; a tag that is looked for after ATS is off is not found, and outlives the device.
 *
 * Wrong fix: the device is flushed once, when ATS is enabled.
 */
import { ATOMIC, Cell, type Flow, runAlone, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { type NotifiedMm, type Patch, type TaggedDevice, TaggedDomain } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { SPACE, SvaMachine } from './sva-machine.ts';

interface Tagged {
  readonly machine: SvaMachine;
  readonly mm: NotifiedMm;
  readonly dom: TaggedDomain;
  readonly dev: TaggedDevice;
}

function attached(world: World, build: Build): Tagged {
  const machine = new SvaMachine(world, build, { vmas: [{ start: 0, end: 2 }], changes: true });
  const { kernel, tables, walker } = machine;
  const device = machine.devices[0]!;
  device.enableAts(false);
  const dom = new TaggedDomain(world, walker, SPACE);
  const dev = { device, life: new Cell(world, 'struct device', 0, { freeable: true }) };
  runAlone(kernel.dmar_domain_attach_device(dom, dev));
  const flush = (start: number, end: number): Flow<void> => kernel.cache_tag_flush_range(dom, start, end);
  const mm = { tables, notifiers: [{ arch_invalidate_secondary_tlbs: flush }], batch: Number.POSITIVE_INFINITY };
  return { machine, mm, dom, dev };
}

function unmaps(world: World, build: Build): Program {
  const { machine, mm } = attached(world, build);
  return {
    threads: {
      munmap: machine.kernel.do_munmap(mm, 0, 1),
      'mm B': machine.neighbour(),
      device: machine.accesses(machine.devices[0]!, true, 0, 0),
    },
    reachable: ['dev0: done', 'dev0: not present'],
  };
}

/** The device is taken away; the mm goes on. */
function removes(world: World, build: Build): Program {
  const { dev, dom, machine, mm } = attached(world, build);
  function* remove(): Flow<void> {
    yield* machine.kernel.device_block_translation(dom, dev);
    yield ATOMIC;
    dev.life.free();
    world.reach('the device is gone');
  }
  return {
    threads: { remove: remove(), munmap: machine.kernel.do_munmap(mm, 0, 1) },
    reachable: ['the device is gone'],
  };
}

const TAGS_FIRST: Patch = {
  replace: {
    *dmar_domain_attach_device(dom, dev) {
      yield* this.cache_tag_assign_domain(dom, dev);
      yield* this.iommu_enable_pci_ats(dev);
    },
  },
};

const FLUSHED_ONCE: Patch = {
  after: {
    *iommu_enable_pci_ats({ device }) {
      yield ATOMIC;
      device.invalidate(SPACE, 0, Number.POSITIVE_INFINITY);
    },
  },
};

const ATS_FIRST: Patch = {
  replace: {
    *device_block_translation(dom, dev) {
      yield* this.iommu_disable_pci_ats(dev);
      yield* this.cache_tag_unassign_domain(dom, dev);
    },
  },
};

export const L31: Litmus = {
  name: 'L31 missing tag',
  source: '041be2717b19 (Jun 2024); 6.13',
  about: 'A device is attached, and a page is unmapped while it works; or the device is removed.',
  bounds: 'one mm, one page, one device with a TLB and two accesses',
  program: unmaps,
  cases: [
    { name: 'as it was: tags, then ATS', expect: 'violated', changes: [TAGS_FIRST] },
    { name: 'fixed: ATS, then tags', expect: 'holds' },
    { name: 'wrong fix: flushed once', expect: 'violated', changes: [TAGS_FIRST, FLUSHED_ONCE] },
    { name: 'as it was: ATS is off before tags go', expect: 'violated', program: removes, changes: [ATS_FIRST] },
    { name: 'fixed: tags go first', expect: 'holds', program: removes },
  ],
};
