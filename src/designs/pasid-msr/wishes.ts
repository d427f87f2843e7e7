/**
 * The other wishes at the end of the mail of 3 Aug 2020, completed with the PASID as their example (docs/designs.md): registers that the CPU
 * would have to have. None is an XSAVE component, so that save and restore of the FPU do not touch it. A #GP is a signal.
 */
import { ATOMIC, type Flow } from '../../base/index.ts';
import { IOMMU_PASID_INVALID, type Kernel, type Mm, type Patch, type Rq } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';
import { msrFor } from './fpu-pasid-write.ts';

/** The PASID is no XSAVE component: nothing of what is modelled is saved or restored. */
const NOT_IN_XSTATE: NonNullable<Patch['replace']> = {
  *save_fpregs_to_fpstate() {},
  *fpregs_restore_userregs(tsk) {
    yield;
    tsk.TIF_NEED_FPU_LOAD.store(false);
  },
  *fpu_clone() {},
  *fpu_flush_thread() {},
  *pasid_loads_on_gp() {
    return false;
  },
};

function* loadFromMm(rq: Rq, mm: Mm): Flow<void> {
  yield;
  const pasid = mm.pasid.load();
  yield;
  rq.cpu.wrmsrPasid(msrFor(pasid));
}

/** Switched with CR3; the thread keeps nothing, and a kernel thread that borrows the mm keeps the mm's. */
export const perMmRegister: KernelDesign = {
  name: 'per-mm-register',
  family: 'pasid-msr',
  source: 'mail of 3 Aug 2020, first wish',
  argument: 'a register of the mm, loaded with CR3, and by IPI when it changes',
  patch: {
    replace: {
      ...NOT_IN_XSTATE,
      *publish_pasid(mm) {
        yield* this.smp_mb();
        const cpus = yield* this.mm_cpumask(mm);
        yield* this.on_each_cpu_mask(cpus, 'PASID of the mm', function* (rq) {
          yield;
          if (rq.loaded_mm.load() === mm) yield* loadFromMm(rq, mm);
        });
      },
    },
    after: {
      *load_mm_state(rq, next) {
        yield* loadFromMm(rq, next);
      },
    },
  },
};

/** Loaded by each return to user mode, in one operation with it; kernel code never sees it. A change makes CPUs return once. */
export const cpl3State: KernelDesign = {
  name: 'cpl3-state',
  family: 'pasid-msr',
  source: 'mail of 3 Aug 2020, second wish',
  argument: 'state of user mode, read anew by each return to it',
  patch: {
    replace: {
      ...NOT_IN_XSTATE,
      *exit_to_user_mode(tsk) {
        const { cpu } = tsk.rq;
        yield* this.local_irq_disable(tsk.rq);
        yield;
        const mm = tsk.mm.load();
        yield ATOMIC;
        cpu.wrmsrPasid(msrFor(mm?.pasid.load() ?? IOMMU_PASID_INVALID));
        cpu.CPL.store(3);
        cpu.IF.store(true);
      },
      *publish_pasid(mm) {
        yield* this.smp_mb();
        const cpus = yield* this.mm_cpumask(mm);
        yield* this.on_each_cpu_mask(cpus, 'return to user mode', function* () {});
      },
    },
    before: {
      *syscall_enter(tsk) {
        yield;
        tsk.rq.cpu.wrmsrPasid(0);
      },
      /** From user mode by an interrupt, too. */
      *context_switch(rq) {
        yield;
        rq.cpu.wrmsrPasid(0);
      },
    },
  },
};

/** Every thread of the mm keeps it; the one that runs has it in the register. */
function* forAllThreads(k: Kernel, mm: Mm, pasid: number): Flow<void> {
  for (const tsk of k.tasks) {
    yield;
    if (tsk.mm.load() !== mm) continue;
    yield;
    tsk.thread_pasid.store(msrFor(pasid));
  }
  const cpus = yield* k.mm_cpumask(mm);
  yield* k.on_each_cpu_mask(cpus, 'PASID of the thread', loadFromThread);
}

function* loadFromThread(this: Kernel, rq: Rq): Flow<void> {
  yield;
  const tsk = rq.curr.load();
  if (tsk === null) return;
  yield;
  const value = tsk.thread_pasid.load();
  yield;
  rq.cpu.wrmsrPasid(value);
}

/** Kept by the kernel for each user thread, loaded eagerly at switch_to. */
export const kernelPerThread: KernelDesign = {
  name: 'kernel-per-thread',
  family: 'pasid-msr',
  source: 'mail of 3 Aug 2020, third wish',
  argument: 'kernel state of a user thread, loaded at each switch',
  patch: {
    replace: {
      ...NOT_IN_XSTATE,
      *publish_pasid(mm, pasid) {
        yield* forAllThreads(this, mm, pasid);
      },
    },
    after: {
      *switch_fpu_finish(next) {
        yield* loadFromThread.call(this, next.rq);
      },
      *give_mm(child, mm) {
        const pasid = yield* this.mm_get_enqcmd_pasid(mm);
        yield;
        child.thread_pasid.store(msrFor(pasid));
      },
      *flush_thread(tsk) {
        yield;
        tsk.thread_pasid.store(0);
        yield;
        tsk.rq.cpu.wrmsrPasid(0);
      },
    },
  },
};
