/**
 * fork, clone, exec and exit (kernel/fork.c, fs/exec.c, kernel/exit.c), in the order that matters: exit gives the address space back before
 * the files, and task work comes last; exec changes the address space, then the registers, then closes files.
 *
 * Left out: signals, waiting for children, threads killed by exec (de_thread).
 */
import { Cell, type Flow, LOCKED, TestMistake } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import { type Files, Mm, openFiles, type Task } from '../objects.ts';

/**
 * The child, made beforehand, becomes runnable. Returns 0 or a negative error. `share`: CLONE_VM and CLONE_FILES (a thread).
 * linux v6.6 kernel/fork.c: copy_process
 */
export function* copy_process(this: Kernel, tsk: Task, child: Task, share: boolean): Flow<number> {
  if (child.files !== null) throw new TestMistake(`${child.name} is forked twice: machine.child makes one for each`);
  yield* this.dup_task_struct(tsk, child);
  yield* this.copy_files(tsk, child, share);
  const failed = yield* this.copy_mm(tsk, child, share);
  if (failed !== 0) {
    // bad_fork_cleanup_files
    yield* this.exit_files(child);
    yield;
    child.stillborn.store(true);
    return failed;
  }
  yield* this.copy_thread(tsk, child);
  // wake_up_new_task takes locks: what was stored is seen by the child.
  yield LOCKED;
  child.runnable.exchange(true);
  return 0;
}

/** linux v6.6 kernel/fork.c: dup_task_struct */
export function* dup_task_struct(this: Kernel, _tsk: Task, child: Task): Flow<void> {
  yield;
  child.pasid_activated.store(0);
}

/** linux v6.6 kernel/fork.c: copy_files */
export function* copy_files(this: Kernel, tsk: Task, child: Task, share: boolean): Flow<void> {
  const files = tsk.files!;
  if (share) {
    yield LOCKED;
    files.count.add(1);
    child.files = files;
    return;
  }
  for (const file of openFiles(files)) yield* this.get_file(file);
  child.files = { count: new Cell(this.world, `${child.name}.files`, 1), fds: new Set(files.fds) };
}

/** linux v6.6 kernel/fork.c: copy_mm */
export function* copy_mm(this: Kernel, tsk: Task, child: Task, share: boolean): Flow<number> {
  yield;
  const mm = tsk.mm.load()!;
  if (share) {
    yield* this.mmget(mm);
    yield* this.give_mm(child, mm);
    return 0;
  }
  const copy = yield* this.dup_mm(mm, `${child.name}'s mm`);
  if (typeof copy === 'number') return copy;
  yield* this.give_mm(child, copy);
  return 0;
}

export function* give_mm(this: Kernel, child: Task, mm: Mm): Flow<void> {
  yield;
  child.mm.store(mm);
  yield;
  child.active_mm.store(mm);
}

/** memcpy of the parent's, then mm_init. A portal is not copied (VM_DONTCOPY). linux v6.6 kernel/fork.c: dup_mm */
export function* dup_mm(this: Kernel, mm: Mm, name: string): Flow<Mm | number> {
  yield;
  const pasid = mm.pasid.load();
  const copy = new Mm(this.world, name, this.rqs.length, pasid);
  const failed = yield* this.mm_pasid_init(copy, mm);
  return failed === 0 ? copy : failed;
}

/** linux v6.6 arch/x86/kernel/process.c: copy_thread */
export function* copy_thread(this: Kernel, tsk: Task, child: Task): Flow<void> {
  yield* this.fpu_clone(tsk, child);
}

/**
 * A new program: returns 0 or a negative error. Order: as listed. Context: the only thread of its process.
 * linux v6.6 fs/exec.c: begin_new_exec
 */
export function* begin_new_exec(this: Kernel, tsk: Task, name: string): Flow<number> {
  const mm = new Mm(this.world, name, this.rqs.length);
  const failed = yield* this.mm_pasid_init(mm, null);
  if (failed !== 0) return failed;
  yield* this.exec_mmap(tsk, mm);
  yield* this.flush_thread(tsk);
  yield* this.do_close_on_exec(tsk.files!);
  return 0;
}

/** Order: mm_release of the old one before the switch. linux v6.6 fs/exec.c: exec_mmap */
export function* exec_mmap(this: Kernel, tsk: Task, mm: Mm): Flow<void> {
  const { rq } = tsk;
  yield;
  const old_mm = tsk.mm.load()!;
  yield* this.exec_mm_release(tsk, old_mm);
  yield* this.local_irq_disable(rq);
  yield;
  tsk.active_mm.store(mm);
  yield;
  tsk.mm.store(mm);
  yield* this.switch_mm_irqs_off(rq, old_mm, mm, tsk);
  yield* this.local_irq_enable(rq);
  yield* this.mmput(old_mm);
}

/** linux v6.6 kernel/fork.c: exec_mm_release */
export function* exec_mm_release(this: Kernel, tsk: Task, mm: Mm): Flow<void> {
  yield* this.deactivate_mm(tsk, mm);
}

/** linux v6.6 arch/x86/kernel/process.c: flush_thread */
export function* flush_thread(this: Kernel, tsk: Task): Flow<void> {
  yield* this.fpu_flush_thread(tsk);
}

/** Order: the address space goes before the files do. linux v6.6 kernel/exit.c: do_exit */
export function* do_exit(this: Kernel, tsk: Task): Flow<void> {
  yield* this.exit_mm(tsk);
  yield* this.exit_files(tsk);
  yield* this.exit_task_work(tsk);
  yield* this.do_task_dead(tsk);
}

/** The mm stays loaded, borrowed, until the CPU switches. linux v6.6 kernel/exit.c: exit_mm */
export function* exit_mm(this: Kernel, tsk: Task): Flow<void> {
  yield;
  const mm = tsk.mm.load();
  // A kernel thread.
  if (mm === null) return;
  yield* this.exit_mm_release(tsk, mm);
  yield* this.mmgrab(mm);
  yield;
  tsk.mm.store(null);
  yield* this.mmput(mm);
}

/** linux v6.6 kernel/fork.c: exit_mm_release */
export function* exit_mm_release(this: Kernel, tsk: Task, mm: Mm): Flow<void> {
  yield* this.deactivate_mm(tsk, mm);
}

/** The architecture's part of mm_release: the series of Sep 2021 put its reference down here. linux v6.6 asm/mmu_context.h */
export function* deactivate_mm(this: Kernel, _tsk: Task, _mm: Mm): Flow<void> {}

/** linux v6.6 fs/file.c: exit_files */
export function* exit_files(this: Kernel, tsk: Task): Flow<void> {
  const files: Files | null = tsk.files;
  tsk.files = null;
  if (files !== null) yield* this.put_files_struct(files);
}

/** linux v6.6 include/linux/task_work.h: exit_task_work */
export function* exit_task_work(this: Kernel, _tsk: Task): Flow<void> {
  yield* this.task_work_run();
}

/** It never runs again; the mm that its CPU had for it is let go when the CPU switches, or here. linux v6.6 sched/core.c: do_task_dead */
export function* do_task_dead(this: Kernel, tsk: Task): Flow<void> {
  yield;
  tsk.runnable.store(false);
  if (this.switches(tsk.rq)) return;
  // Nothing else runs on this CPU: the idle task, which has borrowed the mm, lets it go.
  yield;
  const active_mm = tsk.active_mm.load();
  yield;
  tsk.rq.loaded_mm.store(null);
  if (active_mm === null) return;
  yield LOCKED;
  active_mm.cpumask.exchange(tsk.rq.id, 0);
  yield* this.mmdrop(active_mm);
}

/** Whether the test lets the CPU switch between tasks. */
export function switches(this: Kernel, rq: { readonly id: number }): boolean {
  return this.switchingCpus.has(rq.id);
}

/** A new task's first steps on a CPU of its own. linux v6.6 kernel/sched/core.c: schedule_tail; arch/x86/kernel/process.c: ret_from_fork */
export function* ret_from_fork(this: Kernel, tsk: Task): Flow<void> {
  const { rq } = tsk;
  yield* this.local_irq_disable(rq);
  yield;
  const mm = tsk.mm.load();
  if (mm !== null) yield* this.switch_mm_irqs_off(rq, null, mm, tsk);
  yield;
  rq.curr.store(tsk);
  yield* this.switch_fpu_finish(tsk);
  yield;
  rq.cpu.CPL.store(0);
  yield* this.exit_to_user_mode(tsk);
}
