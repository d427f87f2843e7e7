/**
 * Who runs where, and calls to other CPUs (kernel/smp.c). A call runs with interrupts off on its CPU, at any point where that has them on;
 * bottom halves that are off do not keep it away.
 */
import { ATOMIC, assert, type Flow, MFENCE, until } from '../../base/index.ts';
import type { InterruptRequest } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Mm, Rq, Task } from '../objects.ts';
import { InvariantBroken } from '../observer.ts';

export type SmpFunction = (this: Kernel, rq: Rq) => Flow<void>;

/** The task whose code the running thread of the checker is. Not an access. */
export function current(this: Kernel): Task {
  const task = this.byThread[this.world.thread];
  assert(task !== undefined, 'current is asked for outside of any task');
  return task;
}

/** linux v6.6 include/linux/irqflags.h: local_irq_disable */
export function* local_irq_disable(this: Kernel, rq: Rq): Flow<void> {
  yield;
  rq.cpu.IF.store(false);
}

export function* local_irq_enable(this: Kernel, rq: Rq): Flow<void> {
  yield;
  rq.cpu.IF.store(true);
}

/** linux v6.6 include/linux/preempt.h: preempt_disable */
export function* preempt_disable(this: Kernel, rq: Rq): Flow<void> {
  yield ATOMIC;
  rq.preempt_count.store(rq.preempt_count.load() + 1);
}

export function* preempt_enable(this: Kernel, rq: Rq): Flow<void> {
  yield ATOMIC;
  rq.preempt_count.store(rq.preempt_count.load() - 1);
}

/** CPUs of mm_cpumask. A plain read of each: no fence. linux v6.6 include/linux/mm_types.h: mm_cpumask */
export function* mm_cpumask(this: Kernel, mm: Mm): Flow<readonly Rq[]> {
  const set: Rq[] = [];
  for (const rq of this.rqs) {
    yield;
    if (mm.cpumask.load(rq.id) !== 0) set.push(rq);
  }
  return set;
}

/** What was stored before is seen by others before what is read after. linux v6.6 asm/barrier.h: smp_mb */
export function* smp_mb(this: Kernel): Flow<void> {
  yield MFENCE;
}

/**
 * Runs `func` on all CPUs of the mask, this one among them, and waits until it has run. Order: what was stored before is seen by the
 * handlers (MFENCE before the ICR is written); the mask was read before that fence. Context: interrupts on; does not sleep.
 * linux v6.6 kernel/smp.c: smp_call_function_many_cond
 */
export function* on_each_cpu_mask(this: Kernel, mask: readonly Rq[], name: string, func: SmpFunction): Flow<void> {
  const self = this.current().rq;
  yield* this.preempt_disable(self);
  // Before the ICR is written.
  yield MFENCE;
  const sent: InterruptRequest[] = [];
  for (const rq of mask) {
    if (rq === self) continue;
    const pending = self.csd[rq.id]!;
    const request = { name, handler: () => func.call(this, rq), pending, toJSON: () => name };
    sent.push(request);
    yield ATOMIC;
    pending.store(1);
    rq.cpu.interrupts.put(request);
  }
  if (mask.includes(self)) {
    yield* this.local_irq_disable(self);
    yield* func.call(this, self);
    yield* this.local_irq_enable(self);
  }
  for (const { pending } of sent) yield until(this.world, `${name} has run`, () => pending.peek() === 0);
  yield* this.preempt_enable(self);
}

/**
 * Context: the caller may sleep here: interrupts and preemption are on, and no spinlock is held. A breach is a bug ("scheduling while atomic").
 * Looks at what is the task's and its CPU's own, which is no step. linux v6.6 include/linux/kernel.h: might_sleep
 */
export function might_sleep(this: Kernel, where: string): void {
  const { thread, spinlocksHeld } = this.world;
  const atomic = (why: string): never => {
    throw new InvariantBroken(`INV-9: ${where} may sleep, and ${why} (scheduling while atomic)`);
  };
  if ((spinlocksHeld[thread] ?? 0) > 0) atomic('a spinlock is held');
  const rq = this.byThread[thread]?.rq;
  if (rq === undefined) return;
  if (!rq.cpu.IF.peek()) atomic('interrupts are off');
  if (rq.preempt_count.peek() > 0) atomic('preemption is off');
}
