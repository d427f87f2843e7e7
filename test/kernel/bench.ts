/** A kernel for sequential tests: each task's flow runs alone, to its end. Devices work when they are told to. */
import { Cell, type Flow, runAlone, Words, World } from '../../src/base/index.ts';
import { type CpuState, Dsa, MSR_IA32_PASID_VALID, pasidOfMsr, stateNamed } from '../../src/hw/index.ts';
import {
  BASE,
  createKernel,
  type Device,
  type DeviceFile,
  dmaThroughEntry,
  type Files,
  type Kernel,
  type KernelFunctions,
  Mm,
  PASID_MAX,
  PasidAllocator,
  type Patch,
  patched,
  type Submitter,
  Task,
} from '../../src/kernel/index.ts';

export const PASID = stateNamed('PASID');

export interface BenchOptions {
  readonly cpus?: number;
  readonly pasids?: { readonly first: number; readonly last: number };
  /** `max_pasids` of each device. */
  readonly devices?: readonly number[];
  readonly states?: readonly CpuState[];
  /** Functions whose calls are noted, in their order. */
  readonly notes?: readonly (keyof KernelFunctions)[];
  readonly changes?: readonly Patch[];
}

export class Bench {
  readonly world = new World();
  readonly kernel: Kernel;
  readonly notes: string[] = [];

  constructor({ changes = [], cpus = 2, devices = [PASID_MAX], notes = [], pasids, states }: BenchOptions = {}) {
    const { world } = this;
    const { first, last } = pasids ?? { first: 1, last: 3 };
    const functions = patched(BASE, ...changes, this.noting(notes));
    this.kernel = createKernel(world, functions, {
      cpus,
      pasids: new PasidAllocator(world, first, last),
      devices: devices.map((max_pasids, i) => device(world, `dsa${i}`, max_pasids, last - first + 1)),
      ...(states === undefined ? {} : { states }),
    });
  }

  get dev(): Device {
    return this.kernel.devices[0]!;
  }

  /** A process of one thread that runs on a CPU, in user mode. */
  process(name: string, cpu = 0, files = this.files(name)): Task {
    const mm = new Mm(this.world, `mm ${name}`, this.kernel.rqs.length);
    const tsk = this.task(name, cpu, mm, files);
    this.place(tsk);
    return tsk;
  }

  /** A task that does not run yet. */
  task(name: string, cpu: number, mm: Mm | null, files: Files | null = null, kthread = false): Task {
    const { kernel, world } = this;
    const tsk = new Task(world, name, kernel.rqs[cpu]!, { mm, files, kthread });
    kernel.byThread[kernel.tasks.length] = tsk;
    kernel.tasks.push(tsk);
    return tsk;
  }

  /** A kernel thread; it runs if the CPU has nothing else. */
  kthread(name: string, cpu: number): Task {
    const tsk = this.task(name, cpu, null, null, true);
    const { rq } = tsk;
    if (rq.curr.peek() === null) {
      rq.curr.store(tsk);
      rq.cpu.CPL.store(0);
    }
    return tsk;
  }

  place(tsk: Task): void {
    const { rq } = tsk;
    rq.curr.store(tsk);
    rq.loaded_mm.store(tsk.mm.peek());
    tsk.mm.peek()?.cpumask.store(rq.id, 1);
    rq.fpu_fpregs_owner_ctx.store(tsk);
    tsk.fpu.last_cpu.store(rq.id);
  }

  files(name: string): Files {
    return { count: new Cell(this.world, `${name}.files`, 1), fds: new Set() };
  }

  /** Runs a flow as a task's code, with `current` and lock owners as they are then. */
  run<R>(tsk: Task, flow: Flow<R>): R {
    const { kernel, world } = this;
    world.thread = kernel.tasks.indexOf(tsk);
    try {
      return runAlone(flow, world.thread);
    } finally {
      world.thread = -1;
    }
  }

  /** Opens a device as a system call; the portal is mapped too. @throws for a bind that is refused. */
  open(tsk: Task, { cloexec = false, dev = this.dev, name = `${tsk.name}'s file` } = {}): DeviceFile {
    const { kernel } = this;
    const file = this.run(tsk, kernel.syscall(tsk, kernel.idxd_cdev_open(tsk, dev, { cloexec, name })));
    if (typeof file === 'number') throw new Error(`error ${file}`);
    this.run(tsk, kernel.syscall(tsk, kernel.idxd_cdev_mmap(tsk, file)));
    return file;
  }

  /** fork or clone: the child runs on `cpu`. */
  fork(tsk: Task, name: string, cpu: number, share = false): Task {
    const { kernel } = this;
    const child = this.task(name, cpu, null);
    this.run(tsk, kernel.syscall(tsk, kernel.copy_process(tsk, child, share)));
    this.run(child, kernel.ret_from_fork(child));
    return child;
  }

  /** A CPU goes on with another task. */
  switchTo(next: Task, cpu: number): void {
    const { kernel } = this;
    const rq = kernel.rqs[cpu]!;
    const prev = rq.curr.peek()!;
    rq.cpu.IF.store(false);
    this.run(next, kernel.context_switch(rq, prev, next));
    rq.cpu.IF.store(true);
  }

  /** All that is queued is worked on. */
  work(dev = this.dev): void {
    for (let place = 0; place < dev.dsa.queue.length; place++) {
      const work = dev.dsa.queue.peek(place);
      if (work !== null) dmaThroughEntry(this.kernel, dev, work);
      dev.dsa.queue.store(place, null);
    }
  }

  /** PASID in the CPU's IA32_PASID; null: it is not valid. */
  msr(cpu: number): number | null {
    const { cpu: of } = this.kernel.rqs[cpu]!;
    const value = of.registers.peek(of.indexOf(PASID));
    return value >= MSR_IA32_PASID_VALID ? pasidOfMsr(value) : null;
  }

  private noting(names: readonly (keyof KernelFunctions)[]): Patch {
    const { notes } = this;
    const before: Record<string, () => Flow<void>> = {};
    for (const name of names) {
      before[name] = function* (): Flow<void> {
        notes.push(name);
      };
    }
    return { before };
  }
}

function device(world: World, name: string, max_pasids: number, numbers: number): Device {
  return {
    name,
    max_pasids,
    dsa: new Dsa<Submitter>(world, name),
    entries: new Words<Mm | null>(world, `${name} PASID entries`, new Array(numbers).fill(null), { unbuffered: true }),
  };
}

/** mm_users and mm_count. */
export function counts(mm: Mm): readonly [users: number, count: number] {
  return [mm.mm_users.peek(), mm.mm_count.peek()];
}
