/** mmu notifiers: `.release` runs once and before pages go, references of the mm_struct; and SRCU, with the checker: who waits for whom. */
import { describe, expect, it } from 'vitest';
import { Cell, type Flow, type World } from '../../src/base/index.ts';
import { check, type Program } from '../../src/check/index.ts';
import {
  BASE,
  createKernel,
  type Kernel,
  Mm,
  PasidAllocator,
  type Patch,
  patched,
  type Subscription,
} from '../../src/kernel/index.ts';
import { Bench, counts } from './bench.ts';

/** A subscription of a process's mm that counts its releases. */
function subscribed(bench: Bench): {
  readonly mm: Mm;
  readonly subscription: Subscription;
  readonly releases: () => number;
} {
  const tsk = bench.process('A');
  const mm = tsk.mm.peek()!;
  let releases = 0;
  function* release(): Flow<void> {
    releases++;
  }
  const subscription = { mm, release };
  bench.run(tsk, bench.kernel.mmu_notifier_register(subscription));
  return { mm, subscription, releases: () => releases };
}

describe('.release', () => {
  it('runs once when the address space ends, before its pages are freed, and is not run again by unregister', () => {
    const bench = new Bench({ notes: ['mmu_notifier_release', 'free_pgtables', 'free_mm'] });
    const { mm, releases, subscription } = subscribed(bench);
    const tsk = bench.kernel.tasks[0]!;
    bench.run(tsk, bench.kernel.do_exit(tsk));
    expect([releases(), bench.notes, mm.subscriptions]).toEqual([1, ['mmu_notifier_release', 'free_pgtables'], []]);
    bench.run(tsk, bench.kernel.mmu_notifier_unregister(subscription));
    expect([releases(), bench.notes.at(-1)]).toEqual([1, 'free_mm']);
  });

  it('runs once by unregister, and not when the address space ends', () => {
    const bench = new Bench();
    const { mm, releases, subscription } = subscribed(bench);
    const tsk = bench.kernel.tasks[0]!;
    bench.run(tsk, bench.kernel.mmu_notifier_unregister(subscription));
    expect([releases(), counts(mm)]).toEqual([1, [1, 1]]);
    bench.run(tsk, bench.kernel.do_exit(tsk));
    expect(releases()).toBe(1);
  });

  it('is not run by put, which gives the reference back', () => {
    const bench = new Bench();
    const { mm, releases, subscription } = subscribed(bench);
    const tsk = bench.kernel.tasks[0]!;
    expect(counts(mm)).toEqual([1, 2]);
    bench.run(tsk, bench.kernel.mmu_notifier_put(subscription));
    expect([releases(), counts(mm), mm.subscriptions]).toEqual([0, [1, 1], []]);
  });

  it('of each of several subscriptions runs', () => {
    const bench = new Bench();
    const { mm, releases } = subscribed(bench);
    const tsk = bench.kernel.tasks[0]!;
    const second: string[] = [];
    function* release(): Flow<void> {
      second.push('released');
    }
    bench.run(tsk, bench.kernel.mmu_notifier_register({ mm, release }));
    bench.run(tsk, bench.kernel.do_exit(tsk));
    expect([releases(), second]).toEqual([1, ['released']]);
  });
});

function kernelOf(world: World, ...changes: readonly Patch[]): { readonly kernel: Kernel; readonly mm: Mm } {
  const kernel = createKernel(world, patched(BASE, ...changes), {
    cpus: 1,
    devices: [],
    pasids: new PasidAllocator(world),
  });
  const mm = new Mm(world, 'mm', 1);
  return { kernel, mm };
}

function verdict(program: (world: World) => Program): readonly [string, string] {
  const { message, verdict: is } = check({ name: 'srcu', expect: 'holds', program }, { minimise: 0 });
  return [is, message];
}

/** A reader looks at an object in an SRCU section if it is still linked; a writer takes it out, waits, and frees it. */
function readerAndWriter(world: World, ...changes: readonly Patch[]): Program {
  const { kernel, mm } = kernelOf(world, ...changes);
  const isLinked = new Cell<boolean>(world, 'linked', true);
  const object = new Cell(world, 'object', 0, { freeable: true });
  function* reader(): Flow<void> {
    yield* kernel.srcu_read_lock(mm);
    yield;
    if (isLinked.load()) {
      yield;
      object.load();
      world.reach('read');
    }
    yield* kernel.srcu_read_unlock(mm);
  }
  function* writer(): Flow<void> {
    yield;
    isLinked.store(false);
    yield* kernel.synchronize_srcu(mm);
    yield;
    object.free();
  }
  return { threads: { reader: reader(), writer: writer() }, reachable: ['read'] };
}

/** The address space ends while a driver takes its notifier out, and then frees what `.release` works on. */
function exitAndUnregister(world: World, ...changes: readonly Patch[]): Program {
  const { kernel, mm } = kernelOf(world, ...changes);
  const object = new Cell(world, "the driver's", 0, { freeable: true });
  function* release(): Flow<void> {
    yield;
    object.store(1);
    world.reach('released');
  }
  const subscription = { mm, release };
  mm.subscriptions = [subscription];
  mm.mm_count.store(2);
  function* unregister(): Flow<void> {
    yield* kernel.mmu_notifier_unregister(subscription);
    yield;
    object.free();
  }
  return {
    threads: { exit: kernel.mmput(mm), driver: unregister() },
    always: { 'the mm_struct is freed once': () => mm.mm_count.peek() >= 0 },
    reachable: ['released'],
  };
}

describe('synchronize_srcu', () => {
  const WITHOUT: Patch = { omit: ['synchronize_srcu'] };

  it('waits for the sections that began before it', () => {
    expect(verdict((world) => readerAndWriter(world))).toEqual(['holds', 'in every execution']);
  });

  it('left out lets a reader use what is freed', () => {
    expect(verdict((world) => readerAndWriter(world, WITHOUT))).toEqual(['violated', expect.stringMatching(/freed/)]);
  });

  it("in unregister waits for a .release under way on the address space's end", () => {
    expect(verdict((world) => exitAndUnregister(world))).toEqual(['holds', 'in every execution']);
  });

  it('left out of unregister lets .release use what the driver has freed', () => {
    expect(verdict((world) => exitAndUnregister(world, WITHOUT))).toEqual(['violated', expect.stringMatching(/freed/)]);
  });
});
