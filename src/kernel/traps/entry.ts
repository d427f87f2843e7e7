/**
 * Into the kernel and back to user mode (kernel/entry/common.c): a system call runs its task work and loads what was left to be loaded; user
 * code that has ENQCMD, and what becomes of its exceptions.
 */
import { ATOMIC, type Flow, TestMistake } from '../../base/index.ts';
import { ENQCMD } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { DeviceFile, Task } from '../objects.ts';

/** Runs `body` as a system call of the task. */
export function* syscall<R>(this: Kernel, tsk: Task, body: Flow<R>): Flow<R> {
  yield* this.syscall_enter(tsk);
  const result = yield* body;
  yield* this.task_work_run();
  yield* this.exit_to_user_mode(tsk);
  return result;
}

/** linux v6.6 kernel/entry/common.c: syscall_enter_from_user_mode */
export function* syscall_enter(this: Kernel, tsk: Task): Flow<void> {
  yield;
  tsk.rq.cpu.CPL.store(0);
}

/** Context: interrupts off from here to user mode. linux v6.6 asm/entry-common.h: arch_exit_to_user_mode_prepare */
export function* exit_to_user_mode(this: Kernel, tsk: Task): Flow<void> {
  const { cpu } = tsk.rq;
  yield* this.local_irq_disable(tsk.rq);
  yield* this.switch_fpu_return(tsk);
  yield ATOMIC;
  cpu.CPL.store(3);
  cpu.IF.store(true);
}

/** linux v6.6 fpu/core.c: switch_fpu_return */
export function* switch_fpu_return(this: Kernel, tsk: Task): Flow<void> {
  yield;
  if (tsk.TIF_NEED_FPU_LOAD.load()) yield* this.fpregs_restore_userregs(tsk);
}

export type Submitted = 'accepted' | 'SIGSEGV' | 'SIGBUS';

/**
 * User code: ENQCMD to the file's portal until the device takes it, or a signal. `page`: what the work is on. The kernel may
 * mend a #GP; the instruction is restarted then.
 */
export function* user_enqcmd(this: Kernel, tsk: Task, file: DeviceFile, page = 0): Flow<Submitted> {
  if (file?.dev === undefined)
    throw new TestMistake(`${tsk.name} does ENQCMD to no file: is \`yield*\` missing where it was opened?`);
  for (let faults = 0; ; ) {
    yield;
    const mm = tsk.mm.load()!;
    const mapping = mm.portals.findLast((own) => own.file === file);
    if (mapping === undefined) return 'SIGBUS';
    const work = { owner: { mm, file }, task: tsk.name, page };
    const enqueued = yield* ENQCMD(tsk.rq.cpu, mapping.portal, work, (msr) => {
      this.observe_enqcmd(tsk, msr);
      if (msr === 0) this.observe_pasid(mm.pasid.load());
    });
    if (enqueued === 'accepted') return 'accepted';
    if (enqueued === 'retry') {
      yield file.dev.dsa.roomy();
      continue;
    }
    if (enqueued === '#PF') {
      yield* this.exit_to_user_mode(tsk);
      return 'SIGBUS';
    }
    faults++;
    const isMended = yield* this.exc_general_protection(tsk);
    if (!isMended || faults > 1) this.observe_refused(tsk, faults);
    yield* this.exit_to_user_mode(tsk);
    if (!isMended) return 'SIGSEGV';
  }
}

/**
 * #GP in user mode: mended, or a signal. Order: the fix-up comes first, with interrupts still off, so that the registers are the
 * task's. linux v5.18 arch/x86/kernel/traps.c: exc_general_protection
 */
export function* exc_general_protection(this: Kernel, tsk: Task): Flow<boolean> {
  const isMended = yield* this.try_fixup_enqcmd_gp(tsk);
  if (isMended) return true;
  yield* this.local_irq_enable(tsk.rq);
  return false;
}

/**
 * Kernel code does ENQCMD with the MSR as it finds it: Luto's worse thing to worry about. Nobody's work is given: that it could be is the
 * observer's to say. Context: the kernel; needs no portal of a process.
 */
export function* kernel_enqcmd(this: Kernel, tsk: Task): Flow<void> {
  yield ATOMIC;
  this.observe_enqcmd(tsk, tsk.rq.cpu.rdmsrPasid());
}
