/** Context switches and the two counts of an mm (designs.md 0): kernel threads borrow address spaces, and hold the mm_struct meanwhile. */
import { describe, expect, it } from 'vitest';
import { Bench, counts } from './bench.ts';

describe('a switch to a kernel thread', () => {
  it('leaves the address space loaded, and holds its mm_struct', () => {
    const bench = new Bench();
    const tsk = bench.process('A');
    const mm = tsk.mm.peek()!;
    const worker = bench.kthread('worker', 0);
    bench.switchTo(worker, 0);
    expect([worker.mm.peek(), worker.active_mm.peek(), tsk.rq.loaded_mm.peek()]).toEqual([null, mm, mm]);
    expect([counts(mm), mm.cpumask.peek(0), tsk.rq.curr.peek()]).toEqual([[1, 2], 1, worker]);
  });

  it('from another kernel thread hands the borrowed mm_struct on', () => {
    const bench = new Bench();
    const mm = bench.process('A').mm.peek()!;
    const [first, second] = [bench.kthread('first', 0), bench.kthread('second', 0)] as const;
    bench.switchTo(first, 0);
    bench.switchTo(second, 0);
    expect([first.active_mm.peek(), second.active_mm.peek(), counts(mm)]).toEqual([null, mm, [1, 2]]);
  });

  it('and back to the same task gives the mm_struct back, and loads nothing', () => {
    const bench = new Bench({ notes: ['load_mm_state', 'switch_mm_same'] });
    const tsk = bench.process('A');
    const worker = bench.kthread('worker', 0);
    bench.switchTo(worker, 0);
    bench.switchTo(tsk, 0);
    expect([counts(tsk.mm.peek()!), worker.active_mm.peek(), bench.notes]).toEqual([[1, 1], null, ['switch_mm_same']]);
  });

  it('and on to another process gives the mm_struct back, and takes the CPU out of its mask', () => {
    const bench = new Bench();
    const tsk = bench.process('A');
    const mm = tsk.mm.peek()!;
    const other = bench.task('B', 0, bench.process('C', 1).mm.peek(), null);
    bench.switchTo(bench.kthread('worker', 0), 0);
    bench.switchTo(other, 0);
    expect([counts(mm), mm.cpumask.peek(0), other.mm.peek()!.cpumask.peek(0)]).toEqual([[1, 1], 0, 1]);
    expect(tsk.rq.loaded_mm.peek()).toBe(other.mm.peek());
  });

  it('keeps the mm_struct, but not the address space, of a process that has exited', () => {
    const bench = new Bench({ notes: ['exit_mmap', 'free_mm'] });
    const tsk = bench.process('A');
    const mm = tsk.mm.peek()!;
    bench.kernel.switchingCpus.add(0);
    bench.run(tsk, bench.kernel.do_exit(tsk));
    expect([counts(mm), bench.notes]).toEqual([[0, 1], ['exit_mmap']]);
    const worker = bench.kthread('worker', 0);
    bench.switchTo(worker, 0);
    expect([worker.active_mm.peek(), counts(mm), bench.notes]).toEqual([mm, [0, 1], ['exit_mmap']]);
    bench.switchTo(bench.task('B', 0, bench.process('C', 1).mm.peek(), null), 0);
    expect(bench.notes).toEqual(['exit_mmap', 'free_mm']);
  });
});

describe('a kernel thread that uses an mm', () => {
  it('has it as its own and loaded, and holds its mm_struct, not the address space', () => {
    const bench = new Bench();
    const { kernel } = bench;
    const mm = bench.process('A', 1).mm.peek()!;
    const worker = bench.kthread('worker', 0);
    bench.run(worker, kernel.kthread_use_mm(worker, mm));
    expect([worker.mm.peek(), worker.active_mm.peek(), worker.rq.loaded_mm.peek()]).toEqual([mm, mm, mm]);
    expect([counts(mm), mm.cpumask.peek(0), worker.rq.cpu.IF.peek()]).toEqual([[1, 2], 1, true]);
  });

  it('gives back what it had borrowed before', () => {
    const bench = new Bench();
    const { kernel } = bench;
    const borrowed = bench.process('A', 0).mm.peek()!;
    const mm = bench.process('B', 1).mm.peek()!;
    const worker = bench.kthread('worker', 0);
    bench.switchTo(worker, 0);
    bench.run(worker, kernel.kthread_use_mm(worker, mm));
    expect([counts(borrowed), counts(mm), borrowed.cpumask.peek(0)]).toEqual([[1, 1], [1, 2], 0]);
  });

  it('borrows it when it is done, until the CPU goes on', () => {
    const bench = new Bench();
    const { kernel } = bench;
    const tsk = bench.process('A', 0);
    const mm = bench.process('B', 1).mm.peek()!;
    const worker = bench.kthread('worker', 0);
    bench.switchTo(worker, 0);
    bench.run(worker, kernel.kthread_use_mm(worker, mm));
    bench.run(worker, kernel.kthread_unuse_mm(worker));
    expect([worker.mm.peek(), worker.active_mm.peek(), counts(mm)]).toEqual([null, mm, [1, 2]]);
    bench.switchTo(tsk, 0);
    expect([counts(mm), counts(tsk.mm.peek()!), worker.active_mm.peek()]).toEqual([[1, 1], [1, 1], null]);
  });

  it('leaves a PASID that the process has in IA32_PASID of no CPU', () => {
    const bench = new Bench();
    const { kernel } = bench;
    const tsk = bench.process('A', 1);
    bench.run(tsk, kernel.user_enqcmd(tsk, bench.open(tsk)));
    const worker = bench.kthread('worker', 0);
    bench.run(worker, kernel.kthread_use_mm(worker, tsk.mm.peek()!));
    expect([bench.msr(0), bench.msr(1)]).toEqual([null, 1]);
  });
});

it('mmget_not_zero refuses an address space that is gone, and takes a user of one that is there', () => {
  const bench = new Bench();
  const { kernel } = bench;
  const [gone, there] = [bench.process('A', 0), bench.process('B', 1)] as const;
  const mms = [gone.mm.peek()!, there.mm.peek()!] as const;
  bench.open(gone);
  const other = bench.fork(gone, 'C', 0);
  bench.run(gone, kernel.do_exit(gone));
  expect(mms.map((mm) => bench.run(other, kernel.mmget_not_zero(mm)))).toEqual([false, true]);
  expect(counts(mms[1])).toEqual([2, 1]);
});
