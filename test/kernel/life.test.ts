/** fork, clone, exec and exit in the order of the kernel (linux.md 2.3, designs.md 0), and what becomes of mm, files and PASID. */
import { describe, expect, it } from 'vitest';
import { InvariantBroken, IOMMU_PASID_INVALID } from '../../src/kernel/index.ts';
import { Bench, counts } from './bench.ts';

describe('exit', () => {
  it('gives the address space back, then the files, then runs task work, then is dead', () => {
    const bench = new Bench({
      notes: [
        'exit_mm',
        'exit_mmap',
        'exit_files',
        'exit_task_work',
        'idxd_cdev_release',
        'do_task_dead',
        'mm_pasid_drop',
      ],
    });
    const tsk = bench.process('A');
    bench.open(tsk);
    bench.run(tsk, bench.kernel.do_exit(tsk));
    const order = [
      'exit_mm',
      'exit_mmap',
      'exit_files',
      'exit_task_work',
      'idxd_cdev_release',
      'do_task_dead',
      'mm_pasid_drop',
    ];
    expect(bench.notes).toEqual(order);
  });

  it('calls .release of notifiers before portals and pages go', () => {
    const bench = new Bench({ notes: ['mmu_notifier_release', 'intel_mm_release', 'unmap_vmas', 'free_pgtables'] });
    const tsk = bench.process('A');
    bench.open(tsk);
    bench.run(tsk, bench.kernel.do_exit(tsk));
    expect(bench.notes).toEqual(['mmu_notifier_release', 'intel_mm_release', 'unmap_vmas', 'free_pgtables']);
  });

  it('of one of two threads keeps the address space', () => {
    const bench = new Bench({ notes: ['exit_mmap', 'free_mm'] });
    const tsk = bench.process('A');
    const thread = bench.fork(tsk, 'B', 1, true);
    const mm = tsk.mm.peek()!;
    bench.run(tsk, bench.kernel.do_exit(tsk));
    expect([bench.notes, counts(mm), tsk.mm.peek()]).toEqual([[], [1, 1], null]);
    bench.run(thread, bench.kernel.do_exit(thread));
    expect(bench.notes).toEqual(['exit_mmap', 'free_mm']);
  });

  it('takes the CPU out of mm_cpumask, and the mm off the CPU, once nothing else runs there', () => {
    const bench = new Bench();
    const tsk = bench.process('A');
    const mm = tsk.mm.peek()!;
    bench.run(tsk, bench.kernel.do_exit(tsk));
    expect([mm.cpumask.peek(0), tsk.rq.loaded_mm.peek(), tsk.runnable.peek()]).toEqual([0, null, false]);
  });
});

describe('fork', () => {
  it('gives the child an mm of its own, without a PASID', () => {
    const bench = new Bench();
    const parent = bench.process('parent');
    const file = bench.open(parent);
    bench.run(parent, bench.kernel.user_enqcmd(parent, file));
    const child = bench.fork(parent, 'child', 1);
    const mm = child.mm.peek()!;
    expect(mm).not.toBe(parent.mm.peek());
    expect([mm.pasid.peek(), counts(mm), mm.sva_handles, mm.sva_domains]).toEqual([
      IOMMU_PASID_INVALID,
      [1, 1],
      [],
      [],
    ]);
    expect(parent.mm.peek()!.pasid.peek()).toBe(1);
  });

  it('gives the child no PASID in its registers and no flag, and takes none from the parent', () => {
    const bench = new Bench();
    const parent = bench.process('parent');
    const file = bench.open(parent);
    bench.run(parent, bench.kernel.user_enqcmd(parent, file));
    const child = bench.fork(parent, 'child', 1);
    expect([bench.msr(0), bench.msr(1)]).toEqual([1, null]);
    expect([parent.pasid_activated.peek(), child.pasid_activated.peek()]).toEqual([1, 0]);
    expect(child.peekXstatePasid()).toBe(0);
  });

  it('of a parent whose registers are in memory clears the PASID in the child all the same', () => {
    const bench = new Bench();
    const parent = bench.process('parent');
    const file = bench.open(parent);
    const { kernel } = bench;
    bench.run(parent, kernel.user_enqcmd(parent, file));
    bench.run(parent, kernel.kernel_fpu_begin(parent));
    bench.run(parent, kernel.kernel_fpu_end(parent));
    expect(parent.TIF_NEED_FPU_LOAD.peek()).toBe(true);
    bench.fork(parent, 'child', 1);
    expect([bench.msr(0), bench.msr(1)]).toEqual([1, null]);
  });

  it('that fails leaves no reference of a file behind', () => {
    const bench = new Bench({
      changes: [
        {
          replace: {
            *mm_pasid_init(mm, parent) {
              mm.pasid.store(IOMMU_PASID_INVALID);
              return parent === null ? 0 : -12;
            },
          },
        },
      ],
    });
    const parent = bench.process('parent');
    const file = bench.open(parent);
    const child = bench.task('child', 1, null);
    child.runnable.store(false);
    expect(bench.run(parent, bench.kernel.copy_process(parent, child, false))).toBe(-12);
    expect([file.f_count.peek(), child.runnable.peek()]).toEqual([2, false]);
  });
});

describe('clone', () => {
  it('shares the mm, and the thread faults once and gets the same PASID', () => {
    const bench = new Bench({ notes: ['try_fixup_enqcmd_gp'] });
    const tsk = bench.process('A');
    const file = bench.open(tsk);
    bench.run(tsk, bench.kernel.user_enqcmd(tsk, file));
    const thread = bench.fork(tsk, 'B', 1, true);
    expect([thread.mm.peek(), counts(tsk.mm.peek()!)[0], bench.msr(1)]).toEqual([tsk.mm.peek(), 2, null]);
    bench.work();
    bench.notes.splice(0);
    expect(bench.run(thread, bench.kernel.user_enqcmd(thread, file))).toBe('accepted');
    expect([bench.notes, bench.msr(1)]).toEqual([['try_fixup_enqcmd_gp'], 1]);
  });
});

describe('exec', () => {
  it('changes the address space, then the registers, then closes files', () => {
    const bench = new Bench({
      notes: ['exec_mmap', 'exec_mm_release', 'exit_mmap', 'flush_thread', 'do_close_on_exec', 'idxd_cdev_release'],
    });
    const tsk = bench.process('A');
    bench.open(tsk, { cloexec: true });
    bench.run(tsk, bench.kernel.syscall(tsk, bench.kernel.begin_new_exec(tsk, 'new mm')));
    const order = [
      'exec_mmap',
      'exec_mm_release',
      'exit_mmap',
      'flush_thread',
      'do_close_on_exec',
      'idxd_cdev_release',
    ];
    expect(bench.notes).toEqual(order);
  });

  it('gives a new mm without a PASID, and gives the old one up', () => {
    const bench = new Bench({ notes: ['free_mm'] });
    const tsk = bench.process('A');
    const old = tsk.mm.peek()!;
    bench.open(tsk, { cloexec: true });
    bench.run(tsk, bench.kernel.syscall(tsk, bench.kernel.begin_new_exec(tsk, 'new mm')));
    const mm = tsk.mm.peek()!;
    expect([mm.name, tsk.active_mm.peek(), tsk.rq.loaded_mm.peek()]).toEqual(['new mm', mm, mm]);
    expect([mm.pasid.peek(), counts(mm), mm.cpumask.peek(0), old.cpumask.peek(0)]).toEqual([-1, [1, 1], 1, 0]);
    expect([bench.notes, bench.kernel.pasids.owners.peek(0)]).toEqual([['free_mm'], null]);
  });

  it('keeps a file that is not O_CLOEXEC, whose bind holds the old mm_struct and its number', () => {
    const bench = new Bench({ notes: ['free_mm', 'exit_mmap'] });
    const tsk = bench.process('A');
    const old = tsk.mm.peek()!;
    const file = bench.open(tsk);
    bench.run(tsk, bench.kernel.syscall(tsk, bench.kernel.begin_new_exec(tsk, 'new mm')));
    expect([[...tsk.files!.fds], file.mm, bench.notes]).toEqual([[file], old, ['exit_mmap']]);
    expect([counts(old), bench.kernel.pasids.owners.peek(0), bench.dev.entries.peek(0)]).toEqual([[0, 1], old, null]);
  });

  it('has IA32_PASID not valid at the next return to user mode', () => {
    const bench = new Bench();
    const tsk = bench.process('A');
    const file = bench.open(tsk);
    bench.run(tsk, bench.kernel.user_enqcmd(tsk, file));
    bench.work();
    expect(bench.msr(0)).toBe(1);
    bench.run(tsk, bench.kernel.syscall(tsk, bench.kernel.begin_new_exec(tsk, 'new mm')));
    expect([bench.msr(0), tsk.TIF_NEED_FPU_LOAD.peek()]).toEqual([null, false]);
  });

  it('leaves the flag of the one fix-up set, so that the new program is refused one (linux.md 2.3)', () => {
    const bench = new Bench();
    const tsk = bench.process('A');
    const file = bench.open(tsk, { cloexec: true });
    bench.run(tsk, bench.kernel.user_enqcmd(tsk, file));
    bench.work();
    bench.run(tsk, bench.kernel.syscall(tsk, bench.kernel.begin_new_exec(tsk, 'new mm')));
    expect(tsk.pasid_activated.peek()).toBe(1);
    const again = bench.open(tsk, { name: 'opened anew' });
    expect(() => bench.run(tsk, bench.kernel.user_enqcmd(tsk, again))).toThrow(InvariantBroken);
  });
});
