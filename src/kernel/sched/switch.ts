/**
 * Context switches (kernel/sched/core.c, arch/x86/mm/tlb.c, arch/x86/kernel/process_64.c). Kernel threads have no address space of
 * their own and borrow that of who ran before (lazy TLB), holding its mm_struct.
 *
 * Which registers are loaded where is said by the table in hw/cpu/states.ts. Left out: PCIDs and tlb_gen (hw/cpu/mmu.ts).
 */
import { ATOMIC, type Flow, LOCKED, untilAtomic } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Mm, Rq, Task } from '../objects.ts';

/**
 * A CPU's switches to one of its tasks: a daemon. By preemption, `times` of them at most: any point where the task that runs can be preempted will do,
 * and a task that waits in user mode can be given the CPU, where it spins. Besides, the CPU goes from a task that waits or is dead to one
 * that can go on. Order: interrupts are off throughout.
 */
export function* schedule(kernel: Kernel, rq: Rq, next: Task, times: number): Flow<void> {
  for (let preemptions = 0; ; ) {
    const mayPreempt = preemptions < times;
    yield untilAtomic(kernel.world, `${rq.cpu.name} can switch to ${next.name}`, () =>
      canSwitch(kernel, rq, next, mayPreempt),
    );
    const prev = rq.curr.load()!;
    if (canGoOn(kernel, prev) || !canGoOn(kernel, next)) preemptions++;
    prev.on_cpu.store(false);
    prev.saved_CPL = rq.cpu.CPL.load();
    rq.cpu.IF.store(false);
    rq.cpu.CPL.store(0);
    yield* kernel.context_switch(rq, prev, next);
    // The task's own steps can be made from here on: in the step in which interrupts are on again, and not before its registers are loaded.
    if (next.saved_CPL === 3) yield* kernel.exit_to_user_mode(next);
    else {
      yield ATOMIC;
      rq.cpu.IF.store(true);
    }
    next.on_cpu.store(true);
  }
}

/** Looks at as little as will do: what is looked at while it is false is what the checker tries other orders of. */
function canSwitch(kernel: Kernel, rq: Rq, next: Task, mayPreempt: boolean): boolean {
  const prev = rq.curr.peek();
  if (prev === null || prev === next || !next.runnable.peek() || next.on_cpu.peek()) return false;
  // Looked at in any case: whether the switch is a preemption depends on it.
  const goesOn = canGoOn(kernel, prev);
  if (!mayPreempt && goesOn) return false;
  // Who waits in the kernel sleeps.
  const isReady = canGoOn(kernel, next) || (mayPreempt && next.saved_CPL === 3);
  if (!isReady || !rq.cpu.IF.peek()) return false;
  // Who holds a spinlock, or has preemption off, does not sleep: it spins.
  return !prev.runnable.peek() || (rq.preempt_count.peek() === 0 && !holdsSpinlock(kernel, prev));
}

function canGoOn(kernel: Kernel, tsk: Task): boolean {
  return tsk.peekGoesOn(kernel.byThread.indexOf(tsk));
}

/** spin_lock turns preemption off. */
function holdsSpinlock({ byThread, world }: Kernel, tsk: Task): boolean {
  return (world.spinlocksHeld[byThread.indexOf(tsk)] ?? 0) > 0;
}

/** Context: interrupts off. linux v6.6 kernel/sched/core.c: context_switch */
export function* context_switch(this: Kernel, rq: Rq, prev: Task, next: Task): Flow<void> {
  next.rq = rq;
  yield;
  const mm = next.mm.load();
  yield;
  const prevMm = prev.mm.load();
  yield;
  const borrowed = prev.active_mm.load();
  if (mm === null) {
    yield* this.enter_lazy_tlb(rq, next);
    yield;
    next.active_mm.store(borrowed);
    if (prevMm !== null) yield* this.mmgrab(borrowed!);
    else {
      yield;
      prev.active_mm.store(null);
    }
  } else {
    yield* this.switch_mm_irqs_off(rq, borrowed, mm, next);
    if (prevMm === null) {
      yield;
      prev.active_mm.store(null);
    }
  }
  yield* this.switch_to(rq, prev, next);
  if (mm !== null && prevMm === null && borrowed !== null) yield* this.finish_task_switch(borrowed);
}

/** The borrowed mm_struct is let go. linux v6.6 kernel/sched/core.c: finish_task_switch */
export function* finish_task_switch(this: Kernel, mm: Mm): Flow<void> {
  yield* this.mmdrop(mm);
}

/** A kernel thread goes on with the tables that are loaded. linux v6.6 arch/x86/mm/tlb.c: enter_lazy_tlb */
export function* enter_lazy_tlb(this: Kernel, _rq: Rq, _tsk: Task): Flow<void> {}

/**
 * Another address space, unless it is the one that is loaded. Context: interrupts off. Order: out of the old mask, into the new
 * one (locked, so that what comes after is read after), then CR3. linux v6.6 arch/x86/mm/tlb.c: switch_mm_irqs_off
 */
export function* switch_mm_irqs_off(this: Kernel, rq: Rq, _prev: Mm | null, next: Mm, tsk: Task): Flow<void> {
  yield;
  const real_prev = rq.loaded_mm.load();
  if (real_prev === next) {
    yield* this.switch_mm_same(rq, next, tsk);
    return;
  }
  if (real_prev !== null) {
    yield LOCKED;
    real_prev.cpumask.exchange(rq.id, 0);
  }
  yield LOCKED;
  next.cpumask.exchange(rq.id, 1);
  yield;
  rq.loaded_mm.store(next);
  yield* this.load_mm_state(rq, next, tsk);
}

/** The early return: the mm is loaded already. */
export function* switch_mm_same(this: Kernel, _rq: Rq, _next: Mm, _tsk: Task): Flow<void> {}

/** The end of switch_mm_irqs_off, where mm_cpumask has this CPU: CR3, LDTR, what the table says of an mm and loads eagerly. */
export function* load_mm_state(this: Kernel, rq: Rq, next: Mm, _tsk: Task): Flow<void> {
  const { states } = rq.cpu;
  for (let at = 0; at < states.length; at++) {
    if (states[at]!.loadedAt === 'switch_mm') yield* this.load_register(rq, at, next.registers[at] ?? 0);
  }
}

/** Order: the old task's registers are saved while it is still current. linux v6.6 arch/x86/kernel/process_64.c: __switch_to */
export function* switch_to(this: Kernel, rq: Rq, prev: Task, next: Task): Flow<void> {
  yield* this.switch_fpu_prepare(prev);
  yield* this.switch_registers(rq, prev, next);
  yield;
  rq.curr.store(next);
  yield* this.switch_fpu_finish(next);
}

/** What the table says of a thread and loads eagerly, XSAVE component (PKRU) or not: saved for prev, loaded for next. */
export function* switch_registers(this: Kernel, rq: Rq, prev: Task, next: Task): Flow<void> {
  const { registers, states } = rq.cpu;
  for (let at = 0; at < states.length; at++) {
    if (states[at]!.loadedAt !== 'switch_to') continue;
    yield;
    prev.registers[at] = registers.load(at);
    yield* this.load_register(rq, at, next.registers[at] ?? 0);
  }
}

/** `at`: the register's index on its CPU. */
export function* load_register(this: Kernel, rq: Rq, at: number, value: number): Flow<void> {
  yield;
  rq.cpu.registers.store(at, value);
}

/** A kernel thread works in a user's address space for a while. linux v6.6 kernel/kthread.c: kthread_use_mm */
export function* kthread_use_mm(this: Kernel, tsk: Task, mm: Mm): Flow<void> {
  const { rq } = tsk;
  yield* this.mmgrab(mm);
  yield* this.local_irq_disable(rq);
  yield;
  const active_mm = tsk.active_mm.load();
  yield;
  tsk.active_mm.store(mm);
  yield;
  tsk.mm.store(mm);
  yield* this.switch_mm_irqs_off(rq, active_mm, mm, tsk);
  yield* this.local_irq_enable(rq);
  if (active_mm !== null) yield* this.mmdrop(active_mm);
}

/** The address space stays loaded, borrowed. linux v6.6 kernel/kthread.c: kthread_unuse_mm */
export function* kthread_unuse_mm(this: Kernel, tsk: Task): Flow<void> {
  yield* this.local_irq_disable(tsk.rq);
  yield;
  tsk.mm.store(null);
  yield* this.enter_lazy_tlb(tsk.rq, tsk);
  yield* this.local_irq_enable(tsk.rq);
}
