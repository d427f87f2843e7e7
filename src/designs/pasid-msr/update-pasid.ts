/**
 * `update-pasid`, the MSR half: load_pasid stores mm->pasid and calls all CPUs of mm_cpumask; the handler, and a hook at the end of each switch,
 * write MSR or memory of whatever task runs (20f0afd1fb3d, 5.10; disabled by 9bfecd058339). A #GP is a signal.
 *
 * Argument (series of 2020): every thread of the process is to have the number. Steps (a) to (e): docs/designs.md, update-pasid.
 */
import { ATOMIC, type Flow } from '../../base/index.ts';
import type { Kernel, Rq } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';
import { msrFor, PASID } from './fpu-pasid-write.ts';

/** Context: an IPI, or the end of a switch: no fpregs_lock. `current` is whoever runs. */
export function* update_pasid(this: Kernel, rq: Rq): Flow<void> {
  yield;
  const tsk = rq.curr.load();
  yield;
  const mm = tsk?.mm.load() ?? null;
  if (tsk === null || mm === null) return;
  yield;
  const state = msrFor(mm.pasid.load());
  yield;
  if (!tsk.TIF_NEED_FPU_LOAD.load()) {
    yield;
    rq.cpu.wrmsrPasid(state);
    return;
  }
  yield ATOMIC;
  if (tsk.fpu.area.read(PASID) === state) return;
  tsk.fpu.last_cpu.store(-1);
  tsk.fpu.area.write(PASID, state);
}

export const updatePasidMsr: KernelDesign = {
  name: 'update-pasid-msr',
  family: 'pasid-msr',
  source: '20f0afd1fb3d (5.10), disabled in 5.13',
  argument: 'a call to all CPUs of the mm, and a hook in the switch for who does not run',
  patch: {
    replace: {
      *publish_pasid(mm) {
        const cpus = yield* this.mm_cpumask(mm);
        yield* this.on_each_cpu_mask(cpus, 'update_pasid', update_pasid);
      },
      *pasid_loads_on_gp() {
        return false;
      },
    },
    before: {
      /** load_pasid: mutex_lock(mm->context.lock). */
      *mm_pasid_set(mm) {
        yield mm.context_lock.acquire();
      },
    },
    after: {
      *mm_pasid_set(mm) {
        yield mm.context_lock.release();
      },
      *switch_fpu_finish(next) {
        if (!next.kthread) yield* update_pasid.call(this, next.rq);
      },
    },
  },
};
