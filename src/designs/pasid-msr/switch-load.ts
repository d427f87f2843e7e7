/**
 * `switch-load`: the number goes into the task's XSAVE area at the end of switch_mm_irqs_off, where mm_cpumask protects it; a change is
 * followed by the same on every CPU of the mask (mail of 3 Aug 2020).
 *
 * Argument (Luto): maybe 20 lines, one cache miss; "as an added bonus, it lets us free PASIDs early". Steps: docs/designs.md, switch-load.
 * Not said there, taken here: tsk in the IPI is current; the Valid bit is written with the number; a #GP is a signal.
 * `-compare` writes only what is different. `-repaired` adds what docs/designs.md lists; deferred in fpregs_lock alone it falls, in
 * kernel_fpu_begin (litmus test L04).
 */
import { ATOMIC, type Flow } from '../../base/index.ts';
import type { Kernel, Mm, Rq, Task } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';
import { deferral, whenStateRests } from './deferred.ts';
import { msrFor, PASID } from './fpu-pasid-write.ts';

/** Step 1. */
function* load_mm_pasid(_k: Kernel, mm: Mm, tsk: Task): Flow<void> {
  yield;
  const pasid = mm.pasid.load();
  yield ATOMIC;
  tsk.fpu.area.write(PASID, msrFor(pasid));
}

/** Step 1, variant B. */
function* compare_mm_pasid(_k: Kernel, mm: Mm, tsk: Task): Flow<void> {
  yield;
  const pasid = mm.pasid.load();
  yield ATOMIC;
  if (tsk.fpu.area.read(PASID) !== msrFor(pasid)) tsk.fpu.area.write(PASID, msrFor(pasid));
}

type Load = (k: Kernel, mm: Mm, tsk: Task) => Flow<void>;

function sketched(load: Load): KernelDesign['patch'] {
  return {
    replace: {
      *publish_pasid(mm) {
        const cpus = yield* this.mm_cpumask(mm);
        yield* this.on_each_cpu_mask(cpus, 'load_mm_pasid', function* (rq) {
          yield;
          const tsk = rq.curr.load();
          if (tsk !== null) yield* load(this, mm, tsk);
        });
      },
      *pasid_loads_on_gp() {
        return false;
      },
    },
    after: {
      *load_mm_state(_rq, next, tsk) {
        yield* load(this, next, tsk);
      },
    },
  };
}

/** Registers are written where they are live; memory with last_cpu, so that it will be loaded. Context: interrupts off on the task's CPU. */
function* load_valid(_k: Kernel, rq: Rq, mm: Mm, tsk: Task): Flow<void> {
  yield;
  const state = msrFor(mm.pasid.load());
  yield;
  if (rq.curr.load() === tsk) {
    yield;
    if (!tsk.TIF_NEED_FPU_LOAD.load()) {
      yield;
      rq.cpu.wrmsrPasid(state);
      return;
    }
  }
  yield ATOMIC;
  tsk.fpu.last_cpu.store(-1);
  tsk.fpu.area.write(PASID, state);
}

const COMMON = { family: 'pasid-msr', source: 'mail of 3 Aug 2020' } as const;

export const switchLoadAsSketched: KernelDesign = {
  ...COMMON,
  name: 'switch-load-as-sketched',
  argument: 'write it into the XSAVE area when the mm is switched to, and on all CPUs of the mm when it changes',
  patch: sketched(load_mm_pasid),
};

export const switchLoadCompare: KernelDesign = {
  ...COMMON,
  name: 'switch-load-compare',
  argument: 'as switch-load, without dirtying the cache line when nothing changes',
  patch: sketched(compare_mm_pasid),
};

export const switchLoadRepaired: KernelDesign = {
  ...COMMON,
  name: 'switch-load-repaired',
  argument:
    'as switch-load: for every user task that is switched to, into registers that are live, with a fence before the mask is read',
  patch: {
    replace: {
      *publish_pasid(mm) {
        yield* this.smp_mb();
        const cpus = yield* this.mm_cpumask(mm);
        yield* this.on_each_cpu_mask(cpus, 'load_mm_pasid', function* (rq) {
          yield;
          const tsk = rq.curr.load();
          yield;
          // A kernel thread cannot ENQCMD; another mm's task is not meant.
          if (tsk === null || tsk.kthread || tsk.mm.load() !== mm) return;
          yield* whenStateRests(this, rq, 'switch-load', tsk, (own) => load_valid(this, rq, mm, own));
        });
      },
      *pasid_loads_on_gp() {
        return false;
      },
    },
    after: {
      /** Every user task, its own mm's early return among them: the number is read when the mask has this CPU. */
      *switch_fpu_finish(next) {
        if (next.kthread) return;
        yield;
        const mm = next.mm.load();
        if (mm !== null) yield* load_valid(this, next.rq, mm, next);
      },
    },
  },
  needs: [deferral],
};
