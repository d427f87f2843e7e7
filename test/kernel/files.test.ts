/** When a device file is released (designs.md 0): at the return to user mode, by the last process that has it, after the device is quiet. */
import { describe, expect, it } from 'vitest';
import { Bench, counts } from './bench.ts';

describe('a device file', () => {
  it('is released at the return to user mode of the close that drops its last reference', () => {
    const bench = new Bench({ notes: ['fput', 'idxd_cdev_release', 'exit_to_user_mode'] });
    const { kernel } = bench;
    const tsk = bench.process('A');
    const file = bench.open(tsk);
    bench.run(tsk, kernel.syscall(tsk, kernel.munmap_portal(tsk, file)));
    bench.notes.splice(0);
    bench.run(tsk, kernel.syscall(tsk, kernel.filp_close(tsk.files!, file)));
    expect(bench.notes).toEqual(['fput', 'idxd_cdev_release', 'exit_to_user_mode']);
    expect([file.handle?.users, file.seen.bound.peek(), bench.dev.entries.peek(0)]).toEqual([0, false, null]);
  });

  it('is held by its mapped portal when it is closed, and released with that', () => {
    const bench = new Bench({ notes: ['idxd_cdev_release'] });
    const { kernel } = bench;
    const tsk = bench.process('A');
    const file = bench.open(tsk);
    bench.run(tsk, kernel.syscall(tsk, kernel.filp_close(tsk.files!, file)));
    expect([bench.notes, [...tsk.files!.fds], file.f_count.peek()]).toEqual([[], [], 1]);
    bench.run(tsk, kernel.syscall(tsk, kernel.munmap_portal(tsk, file)));
    expect(bench.notes).toEqual(['idxd_cdev_release']);
  });

  it('waits at its release until the device has no work of its PASID, before the entry goes', () => {
    const bench = new Bench({ notes: ['idxd_drain_pasid', 'intel_pasid_tear_down_entry'] });
    const { kernel } = bench;
    const tsk = bench.process('A');
    const file = bench.open(tsk);
    expect(bench.run(tsk, kernel.user_enqcmd(tsk, file))).toBe('accepted');
    bench.run(tsk, kernel.syscall(tsk, kernel.munmap_portal(tsk, file)));
    const close = () => bench.run(tsk, kernel.syscall(tsk, kernel.filp_close(tsk.files!, file)));
    expect(close).toThrow(/has no work of PASID 1 waits for ever/);
    const again = new Bench({ notes: ['idxd_drain_pasid', 'intel_pasid_tear_down_entry'] });
    const other = again.process('A');
    const quiet = again.open(other);
    again.run(other, again.kernel.user_enqcmd(other, quiet));
    again.work();
    again.run(other, again.kernel.do_exit(other));
    // `.release` of the mm first, without a drain; then the file.
    expect(again.notes).toEqual(['intel_pasid_tear_down_entry', 'idxd_drain_pasid', 'intel_pasid_tear_down_entry']);
  });

  it('that a child has too is released by the last of the two, and its bind stays with the mm that opened it', () => {
    const bench = new Bench({ notes: ['idxd_cdev_release', 'free_mm'] });
    const { kernel } = bench;
    const parent = bench.process('parent');
    const file = bench.open(parent);
    const child = bench.fork(parent, 'child', 1);
    // The table of each, and the parent's portal, which fork does not copy.
    expect([file.f_count.peek(), child.mm.peek()!.portals]).toEqual([3, []]);
    bench.run(parent, kernel.do_exit(parent));
    expect([bench.notes, file.f_count.peek()]).toEqual([[], 1]);
    expect([kernel.pasids.owners.peek(0), counts(file.mm)]).toEqual([file.mm, [0, 1]]);
    bench.notes.splice(0);
    bench.run(child, kernel.do_exit(child));
    // Both structures: the child's own, when its CPU lets it go, and the parent's, which the bind has held.
    expect(bench.notes).toEqual(['idxd_cdev_release', 'free_mm', 'free_mm']);
    expect(kernel.pasids.owners.peek(0)).toBe(null);
  });

  it('of a thread is in the same table, which the last thread closes', () => {
    const bench = new Bench({ notes: ['idxd_cdev_release'] });
    const { kernel } = bench;
    const tsk = bench.process('A');
    const file = bench.open(tsk);
    const thread = bench.fork(tsk, 'B', 1, true);
    expect([thread.files, file.f_count.peek()]).toEqual([tsk.files, 2]);
    bench.run(tsk, kernel.do_exit(tsk));
    expect(bench.notes).toEqual([]);
    bench.run(thread, kernel.do_exit(thread));
    expect(bench.notes).toEqual(['idxd_cdev_release']);
  });
});

it('an open that the bind refuses leaves no file', () => {
  const bench = new Bench({ pasids: { first: 1, last: 1 } });
  const { kernel } = bench;
  bench.open(bench.process('A', 0));
  const tsk = bench.process('B', 1);
  expect(bench.run(tsk, kernel.syscall(tsk, kernel.idxd_cdev_open(tsk, bench.dev)))).toBe(-28);
  expect([...tsk.files!.fds]).toEqual([]);
});

// Left out of the model: delayed_fput. A kernel thread never returns to user mode, so that task work that it queues is not run.
it.skip('whose last reference a kernel thread drops is released by a worker (fput of a PF_KTHREAD: delayed_fput)', () => {
  const bench = new Bench({ notes: ['idxd_cdev_release'] });
  const { kernel } = bench;
  const tsk = bench.process('A');
  bench.open(tsk);
  const mm = tsk.mm.peek()!;
  const worker = bench.kthread('worker', 1);
  bench.run(worker, kernel.mmget_not_zero(mm));
  bench.run(tsk, kernel.do_exit(tsk));
  bench.run(worker, kernel.mmput(mm));
  expect([bench.notes, counts(mm)]).toEqual([['idxd_cdev_release'], [0, 0]]);
});
