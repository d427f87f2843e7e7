/**
 * Where a task's XSAVE state is (arch/x86/kernel/fpu): in the registers of the CPU that it runs on, or in memory when TIF_NEED_FPU_LOAD is
 * set. Registers are saved at switch-out, and loaded only at the return to user mode.
 *
 * A CPU's fpu_fpregs_owner_ctx and the task's last_cpu say whose registers are still there: then nothing has to be loaded.
 */
import { ATOMIC, type Flow } from '../../base/index.ts';
import { stateNamed, XRSTORS, XSAVES } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Rq, Task } from '../objects.ts';

const PASID = stateNamed('PASID');

/** Bottom halves and preemption off, so that no softirq uses the FPU; interrupts stay on. linux v6.6 asm/fpu/api.h: fpregs_lock */
export function* fpregs_lock(this: Kernel, rq: Rq): Flow<void> {
  yield ATOMIC;
  rq.bh_count.store(rq.bh_count.load() + 1);
  rq.preempt_count.store(rq.preempt_count.load() + 1);
}

export function* fpregs_unlock(this: Kernel, rq: Rq): Flow<void> {
  yield ATOMIC;
  rq.bh_count.store(rq.bh_count.load() - 1);
  rq.preempt_count.store(rq.preempt_count.load() - 1);
}

/** linux v6.6 arch/x86/kernel/fpu/core.c: save_fpregs_to_fpstate */
export function* save_fpregs_to_fpstate(this: Kernel, tsk: Task): Flow<void> {
  yield* XSAVES(tsk.rq.cpu, tsk.fpu.area);
}

/** linux v6.6 arch/x86/kernel/fpu/context.h: fpregs_state_valid */
export function* fpregs_state_valid(this: Kernel, tsk: Task): Flow<boolean> {
  yield;
  if (tsk.rq.fpu_fpregs_owner_ctx.load() !== tsk) return false;
  yield;
  return tsk.fpu.last_cpu.load() === tsk.rq.id;
}

/** The registers, when they are still the task's, count for nothing from now on. linux v6.6 fpu/context.h: __fpu_invalidate_fpregs_state */
export function* fpu_invalidate_fpregs_state(this: Kernel, tsk: Task): Flow<void> {
  yield;
  tsk.fpu.last_cpu.store(-1);
}

/** Memory to registers unless they are valid. Context: interrupts off or fpregs_lock. linux v6.6 fpu/context.h: fpregs_restore_userregs */
export function* fpregs_restore_userregs(this: Kernel, tsk: Task): Flow<void> {
  const { rq } = tsk;
  const isValid = yield* this.fpregs_state_valid(tsk);
  if (!isValid) {
    yield* XRSTORS(rq.cpu, tsk.fpu.area);
    yield;
    rq.fpu_fpregs_owner_ctx.store(tsk);
    yield;
    tsk.fpu.last_cpu.store(rq.id);
  }
  yield;
  tsk.TIF_NEED_FPU_LOAD.store(false);
}

/**
 * Kernel code is about to use the FPU. To 6.14 this is no fpregs_lock: bottom halves stay on, and are told by in_kernel_fpu. Context: does not
 * sleep until kernel_fpu_end. linux v6.6 arch/x86/kernel/fpu/core.c: kernel_fpu_begin_mask
 */
export function* kernel_fpu_begin(this: Kernel, tsk: Task): Flow<void> {
  const { rq } = tsk;
  yield* this.preempt_disable(rq);
  yield;
  rq.in_kernel_fpu.store(true);
  yield;
  const isSaved = tsk.kthread || tsk.TIF_NEED_FPU_LOAD.load();
  if (!isSaved) {
    yield;
    tsk.TIF_NEED_FPU_LOAD.store(true);
    yield* this.save_fpregs_to_fpstate(tsk);
  }
  yield;
  rq.fpu_fpregs_owner_ctx.store(null);
}

/** linux v6.6 arch/x86/kernel/fpu/core.c: kernel_fpu_end */
export function* kernel_fpu_end(this: Kernel, tsk: Task): Flow<void> {
  yield;
  tsk.rq.in_kernel_fpu.store(false);
  yield* this.preempt_enable(tsk.rq);
}

/** A signal frame takes the user's state from the registers, where it has to be. linux v6.6 fpu/signal.c: copy_fpstate_to_sigframe */
export function* copy_fpstate_to_sigframe(this: Kernel, tsk: Task): Flow<void> {
  yield* this.fpregs_lock(tsk.rq);
  yield;
  if (tsk.TIF_NEED_FPU_LOAD.load()) yield* this.fpregs_restore_userregs(tsk);
  yield* this.fpregs_unlock(tsk.rq);
}

/** The task's state may be on its way between registers and memory: fpregs_lock, or kernel_fpu_begin. For who comes by interrupt. */
export function* fpu_state_moves(this: Kernel, rq: Rq): Flow<boolean> {
  yield;
  if (rq.bh_count.load() > 0) return true;
  yield;
  return rq.in_kernel_fpu.load();
}

/** Switch-out. Context: interrupts off; TIF_NEED_FPU_LOAD clear. linux v6.6 asm/fpu/sched.h: switch_fpu_prepare */
export function* switch_fpu_prepare(this: Kernel, prev: Task): Flow<void> {
  if (prev.kthread) return;
  yield;
  if (prev.TIF_NEED_FPU_LOAD.load()) return;
  yield* this.save_fpregs_to_fpstate(prev);
  yield;
  prev.fpu.last_cpu.store(prev.rq.id);
}

/** Switch-in. Context: interrupts off; current is next. linux v6.6 asm/fpu/sched.h: switch_fpu_finish */
export function* switch_fpu_finish(this: Kernel, next: Task): Flow<void> {
  if (next.kthread) return;
  yield;
  next.TIF_NEED_FPU_LOAD.store(true);
}

/** exec: the initial state, to be loaded at the return to user mode. linux v6.6 fpu/core.c: fpu_flush_thread, fpu_reset_fpregs */
export function* fpu_flush_thread(this: Kernel, tsk: Task): Flow<void> {
  yield* this.fpregs_lock(tsk.rq);
  yield* this.fpu_invalidate_fpregs_state(tsk);
  yield ATOMIC;
  for (const state of tsk.fpu.area.components) tsk.fpu.area.write(state, 0);
  yield;
  tsk.TIF_NEED_FPU_LOAD.store(true);
  yield* this.fpregs_unlock(tsk.rq);
}

/** fork and clone: the parent's state, without its PASID (dc7507ddce59). linux v6.6 fpu/core.c: fpu_clone */
export function* fpu_clone(this: Kernel, tsk: Task, child: Task): Flow<void> {
  yield* this.fpregs_lock(tsk.rq);
  yield;
  const isInMemory = tsk.TIF_NEED_FPU_LOAD.load();
  if (isInMemory) yield* this.fpregs_restore_userregs(tsk);
  yield* XSAVES(tsk.rq.cpu, child.fpu.area);
  yield* this.fpregs_unlock(tsk.rq);
  yield* this.fpu_clone_pasid(child);
  yield;
  child.TIF_NEED_FPU_LOAD.store(true);
}

/** The child's PASID component becomes initial. linux v6.6 fpu/core.c: fpu_clone ("pkru and PASID") */
export function* fpu_clone_pasid(this: Kernel, child: Task): Flow<void> {
  yield ATOMIC;
  child.fpu.area.write(PASID, 0);
}
