/** Where a task's registers are (designs.md 0, XSTATE): live or in memory, whose they are, and when they are loaded. */
import { describe, expect, it } from 'vitest';
import { stateNamed, validMsr } from '../../src/hw/index.ts';
import type { Task } from '../../src/kernel/index.ts';
import { Bench, PASID } from './bench.ts';

const FPU = stateNamed('FPU, XMM');
const STATES = [FPU, PASID];

/** Two tasks of two processes on CPU 0; the first one runs, and has a PASID in its registers. */
function two(): { readonly bench: Bench; readonly a: Task; readonly b: Task } {
  const bench = new Bench({ notes: ['save_fpregs_to_fpstate'] });
  const a = bench.process('A', 0);
  const b = bench.task('B', 0, bench.process('C', 1).mm.peek(), null);
  b.TIF_NEED_FPU_LOAD.store(true);
  a.rq.cpu.wrmsrPasid(validMsr(7));
  return { bench, a, b };
}

const returns = (bench: Bench, tsk: Task) => bench.run(tsk, bench.kernel.exit_to_user_mode(tsk));
const flagOf = (tsk: Task) => tsk.TIF_NEED_FPU_LOAD.peek();

describe("a task's registers", () => {
  it('are saved when it is switched out, stay in the CPU, and are known to be its own', () => {
    const { a, b, bench } = two();
    bench.switchTo(b, 0);
    expect([a.peekXstatePasid(), bench.msr(0)]).toEqual([validMsr(7), 7]);
    expect([a.rq.fpu_fpregs_owner_ctx.peek(), a.fpu.last_cpu.peek()]).toEqual([a, 0]);
  });

  it('are loaded at the return to user mode, and not at the switch', () => {
    const { b, bench } = two();
    bench.switchTo(b, 0);
    expect([bench.msr(0), flagOf(b)]).toEqual([7, true]);
    returns(bench, b);
    expect([bench.msr(0), flagOf(b)]).toEqual([null, false]);
    expect([b.rq.fpu_fpregs_owner_ctx.peek(), b.fpu.last_cpu.peek()]).toEqual([b, 0]);
  });

  it('are not loaded where they are still in the CPU, whatever memory has by now', () => {
    const { a, bench } = two();
    bench.switchTo(bench.kthread('worker', 0), 0);
    bench.switchTo(a, 0);
    a.fpu.area.write(PASID, validMsr(8));
    returns(bench, a);
    expect([bench.msr(0), flagOf(a)]).toEqual([7, false]);
  });

  it('are loaded from memory where they were made invalid', () => {
    const { a, bench } = two();
    bench.switchTo(bench.kthread('worker', 0), 0);
    bench.switchTo(a, 0);
    bench.run(a, bench.kernel.fpu_invalidate_fpregs_state(a));
    a.fpu.area.write(PASID, validMsr(8));
    returns(bench, a);
    expect(bench.msr(0)).toBe(8);
  });

  it('are loaded again after another task had the CPU', () => {
    const { a, b, bench } = two();
    bench.switchTo(b, 0);
    returns(bench, b);
    bench.switchTo(a, 0);
    expect([bench.msr(0), flagOf(a)]).toEqual([null, true]);
    returns(bench, a);
    expect(bench.msr(0)).toBe(7);
  });

  it('are not saved a second time where they are in memory already', () => {
    const { a, b, bench } = two();
    bench.switchTo(b, 0);
    bench.notes.splice(0);
    // It never came to user mode, so that the CPU has nothing of it.
    bench.switchTo(a, 0);
    expect([bench.notes, b.peekXstatePasid()]).toEqual([[], 0]);
  });

  it('go with it to another CPU, and are not taken for its own on the first when it comes back', () => {
    const { a, b, bench } = two();
    bench.switchTo(b, 0);
    bench.switchTo(a, 1);
    returns(bench, a);
    expect([bench.msr(1), a.fpu.last_cpu.peek(), a.rq.id]).toEqual([7, 1, 1]);
    a.rq.cpu.wrmsrPasid(validMsr(9));
    bench.switchTo(bench.kthread('worker', 1), 1);
    // B did not use the registers: CPU 0 still has those of A that are old, and knows A as their owner.
    expect([bench.msr(0), bench.kernel.rqs[0]!.fpu_fpregs_owner_ctx.peek()]).toEqual([7, a]);
    bench.switchTo(a, 0);
    returns(bench, a);
    expect([bench.msr(0), a.fpu.last_cpu.peek()]).toEqual([9, 0]);
  });

  it("of a kernel thread are nobody's: nothing is saved, loaded or flagged", () => {
    const { bench } = two();
    const [first, second] = [bench.kthread('first', 0), bench.kthread('second', 0)] as const;
    bench.switchTo(first, 0);
    bench.notes.splice(0);
    bench.switchTo(second, 0);
    expect([bench.notes, flagOf(first), flagOf(second)]).toEqual([[], false, false]);
  });
});

describe('kernel code that uses the FPU', () => {
  it("saves the registers, flags the task, and leaves them nobody's", () => {
    const { a, bench } = two();
    bench.run(a, bench.kernel.kernel_fpu_begin(a));
    expect([a.peekXstatePasid(), flagOf(a), a.rq.fpu_fpregs_owner_ctx.peek()]).toEqual([validMsr(7), true, null]);
    expect(a.rq.preempt_count.peek()).toBe(1);
    bench.run(a, bench.kernel.kernel_fpu_end(a));
    expect(a.rq.preempt_count.peek()).toBe(0);
  });

  it('has what it left in the registers replaced at the return to user mode', () => {
    const { a, bench } = two();
    bench.run(a, bench.kernel.kernel_fpu_begin(a));
    a.rq.cpu.wrmsrPasid(0);
    bench.run(a, bench.kernel.kernel_fpu_end(a));
    returns(bench, a);
    expect([bench.msr(0), flagOf(a), a.rq.fpu_fpregs_owner_ctx.peek()]).toEqual([7, false, a]);
  });

  it("twice in one system call does not save its own values over the task's", () => {
    const { a, bench } = two();
    for (const value of [0, validMsr(3)]) {
      bench.run(a, bench.kernel.kernel_fpu_begin(a));
      a.rq.cpu.wrmsrPasid(value);
      bench.run(a, bench.kernel.kernel_fpu_end(a));
    }
    returns(bench, a);
    expect(bench.msr(0)).toBe(7);
  });

  it('in a kernel thread saves nothing', () => {
    const { bench } = two();
    const worker = bench.kthread('worker', 0);
    bench.switchTo(worker, 0);
    bench.notes.splice(0);
    bench.run(worker, bench.kernel.kernel_fpu_begin(worker));
    expect([bench.notes, flagOf(worker), worker.rq.fpu_fpregs_owner_ctx.peek()]).toEqual([[], false, null]);
  });
});

it('exec makes every component initial, not the PASID alone', () => {
  const bench = new Bench({ states: STATES });
  const tsk = bench.process('A');
  const { cpu } = tsk.rq;
  cpu.registers.store(cpu.indexOf(FPU), 5);
  cpu.wrmsrPasid(validMsr(7));
  bench.run(tsk, bench.kernel.kernel_fpu_begin(tsk));
  bench.run(tsk, bench.kernel.kernel_fpu_end(tsk));
  bench.run(tsk, bench.kernel.syscall(tsk, bench.kernel.begin_new_exec(tsk, 'new mm')));
  expect([cpu.registers.peek(cpu.indexOf(FPU)), bench.msr(0)]).toEqual([0, null]);
});

it('fork copies the other components, and leaves the PASID out', () => {
  const bench = new Bench({ states: STATES });
  const tsk = bench.process('A');
  const { cpu } = tsk.rq;
  cpu.registers.store(cpu.indexOf(FPU), 5);
  cpu.wrmsrPasid(validMsr(7));
  const child = bench.fork(tsk, 'B', 1);
  expect([child.rq.cpu.registers.peek(0), bench.msr(1), bench.msr(0)]).toEqual([5, null, 7]);
});
