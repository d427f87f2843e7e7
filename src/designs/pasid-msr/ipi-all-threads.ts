/**
 * `ipi-all-threads`: at bind the MSR of all threads of the process is forced by smp_call_function_many (internal to Intel, about 200 lines,
 * never posted; mail of Dave Hansen, 3 Aug 2020).
 *
 * Argument against (Dave Hansen): a "0% chance of it actually functioning"; too much like another instance of mm->cpumask. Nothing else is
 * known: as sketched, the handler writes the MSR, whoever runs. `ordered` and `repaired`: docs/designs.md, ipi-all-threads. A #GP is a signal.
 */
import { ATOMIC } from '../../base/index.ts';
import { IOMMU_PASID_INVALID } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';
import { writeOnCpus, writeWhereRuns } from './by-ipi.ts';
import { everyThread, loadEverywhere } from './every-thread.ts';
import { msrFor, PASID } from './fpu-pasid-write.ts';

const COMMON = { family: 'pasid-msr', source: 'internal, told in the mail of 3 Aug 2020' } as const;

export const ipiAllThreadsAsSketched: KernelDesign = {
  ...COMMON,
  name: 'ipi-all-threads-as-sketched',
  argument: 'force the MSR into all threads of the process by IPI',
  patch: {
    replace: {
      *publish_pasid(mm, pasid) {
        yield* writeOnCpus(this, mm, msrFor(pasid));
      },
      *pasid_loads_on_gp() {
        return false;
      },
    },
  },
};

export const ipiAllThreadsOrdered: KernelDesign = {
  ...COMMON,
  name: 'ipi-all-threads-ordered',
  argument: 'as sketched, where the CPU runs a thread of the mm',
  patch: {
    replace: {
      *publish_pasid(mm, pasid) {
        yield* writeWhereRuns(this, mm, msrFor(pasid));
      },
      *pasid_loads_on_gp() {
        return false;
      },
    },
  },
};

export const ipiAllThreadsRepaired: KernelDesign = {
  ...COMMON,
  name: 'ipi-all-threads-repaired',
  argument: 'as ordered, for saved state, tasks that do not run, and regions in which the FPU state is being worked on',
  patch: {
    replace: {
      *publish_pasid(mm, pasid) {
        yield* loadEverywhere(this, mm, msrFor(pasid));
      },
      *pasid_loads_on_gp() {
        return false;
      },
      /** A new thread takes the state that its mm has. */
      *fpu_clone_pasid(child) {
        yield;
        const mm = child.mm.load();
        const pasid = mm === null ? IOMMU_PASID_INVALID : yield* this.mm_get_enqcmd_pasid(mm);
        yield;
        child.fpu.last_cpu.store(-1);
        yield ATOMIC;
        child.fpu.area.write(PASID, msrFor(pasid));
      },
    },
  },
  needs: everyThread,
};
