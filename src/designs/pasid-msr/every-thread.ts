/**
 * What the repaired designs need to write the PASID state of all threads of an mm, wherever it is: a lock for each task's FPU state, held
 * while the state moves between registers and memory; a call to the CPU where it is live; memory under the lock where it is not.
 * Tasks with CLONE_VM but not CLONE_THREAD are found since all tasks are looked at.
 */
import { ATOMIC, Cell, type Flow, SpinLock, UNBUFFERED } from '../../base/index.ts';
import type { Kernel, Mm, Patch, Rq, Task } from '../../kernel/index.ts';
import type { Need } from '../design.ts';
import { deferral, whenStateRests } from './deferred.ts';
import { PASID } from './fpu-pasid-write.ts';

interface FpuState {
  readonly lock: SpinLock;
  /** The registers of tsk.rq are the task's, or its return to user mode will load them. */
  readonly live: Cell<boolean>;
}

const STATES = 'FPU states';

function statesOf(kernel: Kernel): Map<Task, FpuState> {
  return kernel.extra.get(STATES) as Map<Task, FpuState>;
}

/** Writes `value`, of IA32_PASID, for every thread of the mm; 0 takes its one-shot flag too. Context: a mutex against others; may sleep. */
export function* loadEverywhere(k: Kernel, mm: Mm, value: number): Flow<void> {
  for (const [tsk, state] of statesOf(k)) {
    for (;;) {
      const isDone = yield* writeSaved(k, mm, tsk, state, value);
      if (isDone) break;
      let isWritten = false;
      yield* k.on_each_cpu_mask([tsk.rq], `PASID of ${tsk.name}`, function* (rq) {
        yield;
        if (rq.curr.load() !== tsk) return;
        isWritten = true;
        yield* whenStateRests(k, rq, 'every thread', tsk, (own) => writeState(rq, own, value));
      });
      if (isWritten) break;
    }
  }
}

/** True: nothing is left to do, the state is in memory or the task is none of the mm's. False: it is live. */
function* writeSaved(k: Kernel, mm: Mm, tsk: Task, { live, lock }: FpuState, value: number): Flow<boolean> {
  const { rq } = k.current();
  yield* k.preempt_disable(rq);
  yield lock.acquire();
  yield;
  const isOther = tsk.mm.load() !== mm;
  yield;
  const isLive = !isOther && live.load();
  if (!isOther && !isLive) {
    yield ATOMIC;
    tsk.fpu.area.write(PASID, value);
    tsk.fpu.last_cpu.store(-1);
    if (value === 0) tsk.pasid_activated.store(0);
  }
  yield lock.release();
  yield* k.preempt_enable(rq);
  return !isLive;
}

/** Context: the task's CPU, interrupts off, it is current. */
function* writeState(rq: Rq, tsk: Task, value: number): Flow<void> {
  if (value === 0) {
    yield;
    tsk.pasid_activated.store(0);
  }
  yield;
  if (!tsk.TIF_NEED_FPU_LOAD.load()) {
    yield;
    rq.cpu.wrmsrPasid(value);
    return;
  }
  yield ATOMIC;
  tsk.fpu.area.write(PASID, value);
  tsk.fpu.last_cpu.store(-1);
}

const patch: Patch = {
  before: {
    *switch_fpu_prepare(prev) {
      const state = statesOf(this).get(prev);
      if (state !== undefined) yield state.lock.acquire();
    },
    *switch_fpu_finish(next) {
      const state = statesOf(this).get(next);
      if (state !== undefined) yield state.lock.acquire();
    },
  },
  after: {
    *switch_fpu_prepare(prev) {
      const state = statesOf(this).get(prev);
      if (state === undefined) return;
      yield;
      state.live.store(false);
      yield state.lock.release();
    },
    *switch_fpu_finish(next) {
      const state = statesOf(this).get(next);
      if (state === undefined) return;
      yield;
      state.live.store(true);
      yield state.lock.release();
    },
  },
};

function setup(kernel: Kernel): void {
  const states = new Map<Task, FpuState>();
  for (const tsk of kernel.tasks) {
    if (tsk.kthread) continue;
    const lock = new SpinLock(kernel.world, `${tsk.name}.fpu_lock`);
    const live = new Cell<boolean>(kernel.world, `${tsk.name}.fpu_live`, tsk.on_cpu.peek(), UNBUFFERED);
    states.set(tsk, { lock, live });
  }
  kernel.extra.set(STATES, states);
}

/** With `deferral`, as it defers. */
export const everyThread: readonly Need[] = [deferral, { patch, setup }];
