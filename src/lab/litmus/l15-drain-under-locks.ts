/**
 * L15, list of 28 Aug 2021: unbind held pasid_mutex while it waited for faults. The worker, with fault_param->lock, needed pasid_mutex for its answer; the interrupt thread, with param->lock, needed fault_param->lock for its
 * report; and the flush needed param->lock.
 *
 * Fixed: pasid_mutex is given back around the flush. param->lock alone, which iopf_queue_flush_dev keeps, closes no circle. Wrong fix: that one is given back, and pasid_mutex kept.
 */
import { Cell, type Flow, Mutex, until, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import type { Litmus } from './scenario.ts';

interface Held {
  /** By unbind, around the flush. */
  readonly pasid_mutex: boolean;
  /** By iopf_queue_flush_dev, around the flush. */
  readonly param_lock: boolean;
}

/** Fault parameters of a device, one fault that the device has reported, and one that it is about to report. */
function programOf(held: Held) {
  return (world: World): Program => {
    const pasid_mutex = new Mutex(world, 'pasid_mutex');
    const param_lock = new Mutex(world, 'param->lock');
    const fault_lock = new Mutex(world, 'fault_param->lock');
    const queued = new Cell(world, 'faults in the workqueue', 1);
    /** linux v5.14 drivers/iommu/io-pgfault.c: iopf_queue_flush_dev */
    function* iopf_queue_flush_dev(): Flow<void> {
      if (held.param_lock) yield param_lock.acquire();
      yield until(world, 'the iopf workqueue is empty', () => queued.peek() === 0);
      if (held.param_lock) yield param_lock.release();
    }
    /** linux v5.14 drivers/iommu/intel/svm.c: intel_svm_unbind, intel_svm_drain_prq */
    function* intel_svm_unbind(): Flow<void> {
      yield pasid_mutex.acquire();
      if (!held.pasid_mutex) yield pasid_mutex.release();
      yield* iopf_queue_flush_dev();
      if (!held.pasid_mutex) yield pasid_mutex.acquire();
      yield pasid_mutex.release();
      world.reach('unbound');
    }
    /** linux v5.14 drivers/iommu/iommu.c: iommu_page_response; intel/svm.c: intel_svm_page_response */
    function* iommu_page_response(): Flow<void> {
      yield fault_lock.acquire();
      yield pasid_mutex.acquire();
      yield pasid_mutex.release();
      yield fault_lock.release();
    }
    /** Another fault, of a device that is bound still. linux v5.14 drivers/iommu/iommu.c: iommu_report_device_fault */
    function* iommu_report_device_fault(): Flow<void> {
      yield param_lock.acquire();
      yield fault_lock.acquire();
      yield fault_lock.release();
      yield param_lock.release();
    }
    /** linux v5.14 drivers/iommu/io-pgfault.c: iopf_handle_group */
    function* iopf_handle_group(): Flow<void> {
      yield* iommu_page_response();
      yield;
      queued.store(0);
      world.reach('answered');
    }
    return {
      threads: {
        unbind: intel_svm_unbind(),
        'iopf worker': iopf_handle_group(),
        prq: iommu_report_device_fault(),
      },
      reachable: ['unbound', 'answered'],
    };
  };
}

export const L15: Litmus = {
  name: 'L15 drained under locks',
  source: 'list, 28 Aug 2021 (b3d1ef7ff)',
  about: 'A device is unbound while the worker has a fault of it to answer, and another one is reported.',
  bounds: 'one fault that is queued, one that is reported, one worker, one unbind',
  cases: [
    { name: 'as it was', expect: 'violated', program: programOf({ pasid_mutex: true, param_lock: true }) },
    {
      name: 'fixed: pasid_mutex is given back',
      expect: 'holds',
      program: programOf({ pasid_mutex: false, param_lock: true }),
    },
    { name: 'fixed: both are', expect: 'holds', program: programOf({ pasid_mutex: false, param_lock: false }) },
    {
      name: 'wrong fix: param->lock is given back',
      expect: 'violated',
      program: programOf({ pasid_mutex: true, param_lock: false }),
    },
  ],
};
