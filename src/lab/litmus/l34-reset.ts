/**
 * L34, series of Dec 2025 (Nicolin Chen, v8): a device in reset hears of no invalidation, and comes out of it with what its TLB had. Fixed: a blocking domain, and ATS off, for as long as the reset takes.
 *
 * Wrong fixes: the device is flushed before the reset, and fills its TLB again; the domain is taken away without a flush of the device.
 */
import type { World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import type { Patch } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { SvaMachine } from './sva-machine.ts';

function program(world: World, build: Build): Program {
  const machine = new SvaMachine(world, build, { vmas: [{ start: 0, end: 2 }], changes: true });
  const device = machine.devices[0]!;
  machine.warm(device, 0);
  return {
    threads: {
      reset: machine.kernel.pcie_flr(machine.bind, device),
      munmap: machine.kernel.do_munmap(machine.mm, 0, 1),
      device: machine.accesses(device, true, 0, 0),
    },
    reachable: ['dev0: done', 'dev0: not present'],
  };
}

const NOT_PREPARED: Patch = { omit: ['pci_dev_reset_iommu_prepare', 'pci_dev_reset_iommu_done'] };

const FLUSHED: Patch = {
  replace: {
    *pci_dev_reset_iommu_prepare(bind) {
      yield* this.sva_flush_range(bind, 0, Number.POSITIVE_INFINITY);
    },
    *pci_dev_reset_iommu_done() {},
  },
};

const BLOCKED: Patch = {
  replace: {
    *pci_dev_reset_iommu_prepare({ space, walker }) {
      yield;
      walker.roots.store(space, 0);
    },
    *pci_dev_reset_iommu_done({ root = 0, space, walker }) {
      yield;
      walker.roots.store(space, root);
    },
  },
};

export const L34: Litmus = {
  name: 'L34 in reset',
  source: 'series of Dec 2025, v8',
  about:
    'A device that has a page in its TLB is reset while the page is unmapped; it accesses the page before or after.',
  bounds: 'one mm, one page, one device with a TLB and two accesses',
  program,
  cases: [
    { name: 'as it was', expect: 'violated', changes: [NOT_PREPARED] },
    { name: 'fixed', expect: 'holds' },
    { name: 'wrong fix: flushed before', expect: 'violated', changes: [FLUSHED] },
    { name: 'wrong fix: blocked, and not flushed', expect: 'violated', changes: [BLOCKED] },
  ],
};
