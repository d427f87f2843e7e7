/**
 * L14, "iommu/vt-d: Fix UAF on sva unbind with pending IOPFs" (fixes 17fce9d2336d): detach gave up the means to handle faults before it tore the
 * entry down. The drain in the tear-down returns at once when there are none (iopf_refcount), and the domain is freed under the worker.
 *
 * Rests on: the device stops with a stop marker and does not wait for answers.
 */
import type { Flow, World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { type Patch, VTD_B } from '../../kernel/index.ts';
import type { Build } from './machine.ts';
import type { Litmus } from './scenario.ts';
import { PASID, VtdMachine } from './vtd-machine.ts';

function program(world: World, kernel: Build): Program {
  const machine = new VtdMachine(world, kernel, { pageRequests: true });
  const mm = machine.mm('mm A');
  const handle = machine.bound(mm);
  function* unbind(): Flow<void> {
    yield* machine.pri.stopMarker(PASID, mm);
    yield* machine.kernel.iommu_sva_unbind_device(handle);
  }
  function* device(): Flow<void> {
    const group = yield* machine.pri.request(PASID, 0, mm);
    if (group < 0) return;
    yield machine.pri.answered(group);
    world.reach('a page request is answered');
  }
  return {
    threads: machine.threads({ unbind: unbind(), device: device() }),
    reachable: ['a page request is answered'],
  };
}

const FAULTS_FIRST: Patch = {
  before: {
    *iommu_detach_device_pasid(_domain, dev) {
      yield* this.iopf_for_domain_remove(dev);
    },
  },
  after: {
    *iommu_detach_device_pasid(_domain, dev) {
      // The kernel's own comes later, and is one too many.
      yield* this.iopf_for_domain_set(dev);
    },
  },
};

export const L14: Litmus = {
  name: 'L14 faults removed first',
  source: 'list 20250723072045.1853328, fixes 17fce9d2336d',
  about: 'A device is unbound while it waits for a page.',
  bounds: 'one page request, one worker, one process, one device',
  program,
  cases: [
    { name: 'as it was: faults, then the entry', expect: 'violated', changes: [VTD_B, FAULTS_FIRST] },
    { name: 'fixed: the entry, then faults', expect: 'holds', changes: [VTD_B] },
    {
      name: 'wrong fix: the workqueue is flushed before',
      expect: 'violated',
      changes: [
        VTD_B,
        FAULTS_FIRST,
        {
          before: {
            *iommu_detach_device_pasid(_domain, dev) {
              yield* this.iopf_queue_flush_dev(dev);
            },
          },
        },
      ],
    },
  ],
};
