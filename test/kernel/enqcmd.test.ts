/** ENQCMD from #GP to the device (linux.md 2.1, 2.2): the fix-up's conditions, the restart, the flag of one fix-up, and signals. */
import { describe, expect, it } from 'vitest';
import { validMsr } from '../../src/hw/index.ts';
import { InvariantBroken, IOMMU_PASID_INVALID } from '../../src/kernel/index.ts';
import { Bench } from './bench.ts';

describe('the first ENQCMD of a thread', () => {
  it('raises #GP, which the kernel mends, and is restarted', () => {
    const bench = new Bench({ notes: ['exc_general_protection', 'try_fixup_enqcmd_gp', 'exit_to_user_mode'] });
    const tsk = bench.process('A');
    const file = bench.open(tsk);
    bench.notes.splice(0);
    expect(bench.msr(0)).toBe(null);
    expect(bench.run(tsk, bench.kernel.user_enqcmd(tsk, file, 4))).toBe('accepted');
    expect(bench.notes).toEqual(['exc_general_protection', 'try_fixup_enqcmd_gp', 'exit_to_user_mode']);
    expect([bench.msr(0), tsk.pasid_activated.peek()]).toEqual([1, 1]);
    const work = bench.dev.dsa.queue.peek(0);
    expect([work?.pasid, work?.page, work?.owner.mm, work?.task]).toEqual([1, 4, tsk.mm.peek(), 'A']);
  });

  it('is mended with interrupts off, and comes back to user mode with them on', () => {
    const seen: boolean[] = [];
    const bench = new Bench({
      changes: [
        {
          before: {
            *try_fixup_enqcmd_gp(tsk) {
              seen.push(tsk.rq.cpu.IF.peek(), tsk.rq.cpu.CPL.peek() === 0);
            },
          },
        },
      ],
    });
    const tsk = bench.process('A');
    bench.run(tsk, bench.kernel.user_enqcmd(tsk, bench.open(tsk)));
    expect([seen, tsk.rq.cpu.IF.peek(), tsk.rq.cpu.CPL.peek()]).toEqual([[false, true], true, 3]);
  });

  it('ends in SIGSEGV, with interrupts on, where the mm has no PASID', () => {
    const bench = new Bench({ notes: ['local_irq_enable'] });
    const tsk = bench.process('A');
    const file = bench.open(tsk);
    tsk.mm.peek()!.pasid.store(IOMMU_PASID_INVALID);
    expect(bench.run(tsk, bench.kernel.user_enqcmd(tsk, file))).toBe('SIGSEGV');
    expect([bench.notes, tsk.rq.cpu.IF.peek(), tsk.pasid_activated.peek()]).toEqual([['local_irq_enable'], true, 0]);
  });
});

describe('a later ENQCMD', () => {
  it('raises nothing', () => {
    const bench = new Bench({ notes: ['exc_general_protection'] });
    const tsk = bench.process('A');
    const file = bench.open(tsk);
    bench.run(tsk, bench.kernel.user_enqcmd(tsk, file));
    bench.run(tsk, bench.kernel.user_enqcmd(tsk, file));
    expect([bench.notes.length, bench.dev.dsa.queue.peek(1)?.pasid]).toEqual([1, 1]);
  });

  it('whose register was lost is not mended a second time: the flag says that the fix-up was had', () => {
    const bench = new Bench();
    const tsk = bench.process('A');
    const file = bench.open(tsk);
    bench.run(tsk, bench.kernel.user_enqcmd(tsk, file));
    tsk.rq.cpu.wrmsrPasid(0);
    expect(bench.run(tsk, bench.kernel.try_fixup_enqcmd_gp(tsk))).toBe(false);
    expect(() => bench.run(tsk, bench.kernel.user_enqcmd(tsk, file))).toThrow(InvariantBroken);
  });

  it('to a file that was opened after the first one was closed has the same number', () => {
    const bench = new Bench({ notes: ['exc_general_protection'] });
    const { kernel } = bench;
    const tsk = bench.process('A');
    const file = bench.open(tsk);
    bench.run(tsk, kernel.user_enqcmd(tsk, file));
    bench.work();
    bench.run(tsk, kernel.syscall(tsk, kernel.munmap_portal(tsk, file)));
    bench.run(tsk, kernel.syscall(tsk, kernel.filp_close(tsk.files!, file)));
    // IA32_PASID stays valid after the unbind: the mm still owns the number.
    expect(bench.msr(0)).toBe(1);
    expect(bench.run(tsk, kernel.user_enqcmd(tsk, bench.open(tsk, { name: 'again' })))).toBe('accepted');
    expect(bench.notes.length).toBe(1);
  });
});

describe('a portal', () => {
  it('that was unmapped ends ENQCMD in SIGBUS, although IA32_PASID is valid', () => {
    const bench = new Bench();
    const { kernel } = bench;
    const tsk = bench.process('A');
    const file = bench.open(tsk);
    bench.run(tsk, kernel.user_enqcmd(tsk, file));
    bench.run(tsk, kernel.syscall(tsk, kernel.munmap_portal(tsk, file)));
    expect(bench.run(tsk, kernel.user_enqcmd(tsk, file))).toBe('SIGBUS');
    expect(bench.msr(0)).toBe(1);
  });

  it('that goes between the look for it and the store raises #PF, and the task is in user mode after that', () => {
    const bench = new Bench();
    const tsk = bench.process('A');
    const file = bench.open(tsk);
    tsk.mm.peek()!.portals[0]!.portal.mapped.store(false);
    expect(bench.run(tsk, bench.kernel.user_enqcmd(tsk, file))).toBe('SIGBUS');
    expect([tsk.rq.cpu.CPL.peek(), tsk.rq.cpu.IF.peek()]).toEqual([3, true]);
  });

  it('is not there in a child', () => {
    const bench = new Bench();
    const parent = bench.process('parent');
    const file = bench.open(parent);
    const child = bench.fork(parent, 'child', 1);
    expect(bench.run(child, bench.kernel.user_enqcmd(child, file))).toBe('SIGBUS');
  });
});

it('a #GP of a task whose mm has a PASID is mended once, whatever raised it', () => {
  const bench = new Bench();
  const tsk = bench.process('A');
  bench.open(tsk);
  const handled = () => bench.run(tsk, bench.kernel.exc_general_protection(tsk));
  expect([handled(), handled()]).toEqual([true, false]);
});

it('the observer stops an ENQCMD that takes the number of another mm', () => {
  const bench = new Bench({ cpus: 3 });
  const [a, b] = [bench.process('A', 0), bench.process('B', 1)] as const;
  bench.open(a);
  const file = bench.open(b);
  b.rq.cpu.wrmsrPasid(validMsr(1));
  expect(() => bench.run(b, bench.kernel.user_enqcmd(b, file))).toThrow(/INV-2/);
});

it('a full queue makes ENQCMD wait until the device has room', () => {
  const bench = new Bench();
  const tsk = bench.process('A');
  const file = bench.open(tsk);
  for (let place = 0; place < bench.dev.dsa.queue.length; place++) bench.run(tsk, bench.kernel.user_enqcmd(tsk, file));
  expect(() => bench.run(tsk, bench.kernel.user_enqcmd(tsk, file))).toThrow(/has room waits for ever/);
});
