/** iommu_sva_bind_device and unbind (linux.md 1.3, 1.4): numbers, shared handles, errors, and references of the mm_struct. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Bound,
  type Device,
  ENOSPC,
  EOVERFLOW,
  IOMMU_PASID_INVALID,
  PASID_MAX,
  type SvaHandle,
  type Task,
} from '../../src/kernel/index.ts';
import { runs } from '../support/domain-arbitraries.ts';
import { Bench, type BenchOptions, counts } from './bench.ts';

function bind(bench: Bench, tsk: Task, dev: Device = bench.dev): Bound {
  const bound = tryBind(bench, tsk, dev);
  if (typeof bound === 'number') throw new Error(`error ${bound}`);
  return bound;
}

function tryBind(bench: Bench, tsk: Task, dev: Device = bench.dev): Bound | number {
  return bench.run(tsk, bench.kernel.iommu_sva_bind_device(dev, tsk.mm.peek()!));
}

function unbind(bench: Bench, tsk: Task, handle: SvaHandle): void {
  bench.run(tsk, bench.kernel.iommu_sva_unbind_device(handle));
}

function processes(options: BenchOptions, count: number): { readonly bench: Bench; readonly tasks: readonly Task[] } {
  const bench = new Bench({ cpus: count, ...options });
  return { bench, tasks: Array.from({ length: count }, (_, cpu) => bench.process(`P${cpu}`, cpu)) };
}

describe('bind', () => {
  it('gives the lowest number that is free', () => {
    const { bench, tasks } = processes({}, 3);
    expect(tasks.map((tsk) => bind(bench, tsk).pasid)).toEqual([1, 2, 3]);
  });

  it('gives a second bind of the same mm and device the same handle, with two users', () => {
    const { bench, tasks } = processes({}, 1);
    const first = bind(bench, tasks[0]!);
    const second = bind(bench, tasks[0]!);
    expect(second.handle).toBe(first.handle);
    expect([second.pasid, second.handle.users]).toEqual([first.pasid, 2]);
  });

  it('gives a second device the same number and domain, and a handle of its own', () => {
    const { bench, tasks } = processes({ devices: [PASID_MAX, PASID_MAX] }, 1);
    const [first, second] = bench.kernel.devices.map((dev) => bind(bench, tasks[0]!, dev)) as [Bound, Bound];
    expect(second.pasid).toBe(first.pasid);
    expect(second.handle).not.toBe(first.handle);
    expect(second.handle.domain).toBe(first.handle.domain);
    expect(first.handle.domain.users).toBe(2);
  });

  it('holds the mm_struct once for each domain, and its users not at all', () => {
    const { bench, tasks } = processes({ devices: [PASID_MAX, PASID_MAX] }, 1);
    const mm = tasks[0]!.mm.peek()!;
    for (const dev of bench.kernel.devices) bind(bench, tasks[0]!, dev);
    expect(counts(mm)).toEqual([1, 2]);
  });

  it('sets the entry of its device alone', () => {
    const { bench, tasks } = processes({ devices: [PASID_MAX, PASID_MAX] }, 1);
    bind(bench, tasks[0]!);
    expect(bench.kernel.devices.map(({ entries }) => entries.peek(0))).toEqual([tasks[0]!.mm.peek(), null]);
  });

  it("fails with EOVERFLOW when the mm's number is too wide for the device, and changes nothing", () => {
    const { bench, tasks } = processes({ devices: [PASID_MAX, 2] }, 2);
    const [wide, narrow] = bench.kernel.devices as [Device, Device];
    bind(bench, tasks[0]!, wide);
    bind(bench, tasks[1]!, wide);
    const before = counts(tasks[1]!.mm.peek()!);
    expect(tryBind(bench, tasks[1]!, narrow)).toBe(EOVERFLOW);
    expect(counts(tasks[1]!.mm.peek()!)).toEqual(before);
    expect(tasks[1]!.mm.peek()!.sva_handles.length).toBe(1);
    // The first process has number 1, which fits.
    expect(bind(bench, tasks[0]!, narrow).pasid).toBe(1);
  });

  it('fails with ENOSPC when no number is left, and leaves nothing behind', () => {
    const { bench, tasks } = processes({ pasids: { first: 1, last: 1 } }, 2);
    bind(bench, tasks[0]!);
    const mm = tasks[1]!.mm.peek()!;
    expect(tryBind(bench, tasks[1]!)).toBe(ENOSPC);
    expect(counts(mm)).toEqual([1, 1]);
    expect([mm.pasid.peek(), mm.subscriptions, mm.sva_domains, mm.sva_handles]).toEqual([
      IOMMU_PASID_INVALID,
      [],
      [],
      [],
    ]);
    expect(bench.kernel.iommu_sva_lock.owner).toBe(-1);
  });

  it('fails with ENOSPC when the free numbers are too wide for a first device that is narrow', () => {
    const { bench, tasks } = processes({ devices: [PASID_MAX, 2] }, 2);
    bind(bench, tasks[0]!);
    expect(tryBind(bench, tasks[1]!, bench.kernel.devices[1])).toBe(ENOSPC);
  });
});

describe('unbind', () => {
  it('detaches with the last of the binds that share a handle', () => {
    const { bench, tasks } = processes({ notes: ['iommu_detach_device_pasid', 'iommu_domain_free'] }, 1);
    const { handle } = bind(bench, tasks[0]!);
    bind(bench, tasks[0]!);
    unbind(bench, tasks[0]!, handle);
    expect([bench.notes, bench.dev.entries.peek(0)]).toEqual([[], tasks[0]!.mm.peek()]);
    unbind(bench, tasks[0]!, handle);
    expect(bench.notes).toEqual(['iommu_detach_device_pasid', 'iommu_domain_free']);
    expect(bench.dev.entries.peek(0)).toBe(null);
  });

  it('frees the domain with its last device, and with it the reference of the mm_struct', () => {
    const { bench, tasks } = processes({ devices: [PASID_MAX, PASID_MAX], notes: ['iommu_domain_free'] }, 1);
    const handles = bench.kernel.devices.map((dev) => bind(bench, tasks[0]!, dev).handle);
    const mm = tasks[0]!.mm.peek()!;
    unbind(bench, tasks[0]!, handles[0]!);
    expect([bench.notes.length, ...counts(mm)]).toEqual([0, 1, 2]);
    unbind(bench, tasks[0]!, handles[1]!);
    expect([bench.notes.length, ...counts(mm)]).toEqual([1, 1, 1]);
    expect([mm.sva_domains, mm.sva_handles, mm.subscriptions]).toEqual([[], [], []]);
  });

  it('leaves the mm its number, which the next bind has again', () => {
    const { bench, tasks } = processes({}, 2);
    unbind(bench, tasks[0]!, bind(bench, tasks[0]!).handle);
    expect(bind(bench, tasks[1]!).pasid).toBe(2);
    expect(bind(bench, tasks[0]!).pasid).toBe(1);
  });

  it('frees the number only with the mm_struct, and that one is the next to be given', () => {
    const { bench, tasks } = processes({}, 3);
    const [first, second, third] = tasks as [Task, Task, Task];
    unbind(bench, first, bind(bench, first).handle);
    bench.run(first, bench.kernel.do_exit(first));
    expect(bind(bench, second).pasid).toBe(1);
    expect(bind(bench, third).pasid).toBe(2);
  });

  it('after the end of the address space detaches what .release has torn down, and frees the mm_struct', () => {
    const { bench, tasks } = processes({ notes: ['free_mm'] }, 2);
    const [gone, other] = tasks as [Task, Task];
    const { handle } = bind(bench, gone);
    bench.run(gone, bench.kernel.do_exit(gone));
    expect([bench.dev.entries.peek(0), bench.notes]).toEqual([null, []]);
    expect(bind(bench, other).pasid).toBe(2);
    unbind(bench, other, handle);
    expect(bench.notes).toEqual(['free_mm']);
  });
});

/** The allocator and the counts of binds, by a model of sets and maps. */
it('binds and unbinds in any order give the numbers and leave the entries that a model of sets does', () => {
  const op = fc.record({ process: fc.nat(2), dev: fc.nat(1), what: fc.constantFrom('bind', 'bind', 'unbind', 'exit') });
  fc.assert(
    fc.property(fc.array(op, { maxLength: 25 }), (ops) => {
      const { bench, tasks } = processes({ devices: [PASID_MAX, 3], pasids: { first: 1, last: 2 } }, 3);
      const { devices } = bench.kernel;
      const own = new Map<number, number>();
      const users = new Map<string, number>();
      const gone = new Set<number>();
      for (const { dev, process, what } of ops) {
        if (gone.has(process)) continue;
        const tsk = tasks[process]!;
        const mm = tsk.mm.peek()!;
        const key = `${process} ${dev}`;
        if (what === 'bind') {
          const free = [1, 2].find((pasid) => ![...own.values()].includes(pasid));
          const wanted = own.get(process) ?? free ?? ENOSPC;
          const bound = tryBind(bench, tsk, devices[dev]!);
          expect(typeof bound === 'number' ? bound : bound.pasid).toBe(wanted);
          if (wanted < 0) continue;
          own.set(process, wanted);
          users.set(key, (users.get(key) ?? 0) + 1);
        } else if (what === 'unbind') {
          const handle = mm.sva_handles.find((each) => each.dev === devices[dev]);
          expect(handle?.users ?? 0).toBe(users.get(key) ?? 0);
          if (handle === undefined) continue;
          unbind(bench, tsk, handle);
          users.set(key, users.get(key)! - 1);
        } else if (mm.sva_handles.length === 0) {
          bench.run(tsk, bench.kernel.do_exit(tsk));
          own.delete(process);
          gone.add(process);
        }
        for (const [pasid, at] of [1, 2].map((each) => [each, each - 1] as const)) {
          const owner = [...own].find(([, number]) => number === pasid)?.[0];
          for (const [i, { entries }] of devices.entries()) {
            const isBound = owner !== undefined && (users.get(`${owner} ${i}`) ?? 0) > 0;
            expect(entries.peek(at)).toBe(isBound ? tasks[owner]!.mm.peek() : null);
          }
        }
      }
    }),
    runs(150),
  );
});
