/**
 * A machine for litmus tests: CPUs, a kernel with designs and patches applied, devices, processes and their tasks, and all of it as threads of
 * the checker. docs/litmus.md teaches it.
 */
import {
  Cell,
  type Flow,
  gated,
  runAlone,
  type Step,
  TestMistake,
  UNBUFFERED,
  until,
  Words,
  type World,
} from '../../base/index.ts';
import { type AtEnd, atEnd, type Daemon } from '../../check/index.ts';
import type { KernelDesign } from '../../designs/index.ts';
import { atomicEngine, Dsa, interruptThread } from '../../hw/index.ts';
import {
  BASE,
  createKernel,
  type Device,
  dmaThroughEntry,
  type Files,
  IOMMU_FIRST_GLOBAL_PASID,
  type Kernel,
  type KernelFunctions,
  Mm,
  PASID_MAX,
  PasidAllocator,
  type Patch,
  patched,
  type Submitter,
  schedule,
  Task,
} from '../../kernel/index.ts';

export interface MachineOptions {
  readonly cpus?: number;
  /** Names, or how wide they are. Default: one, `dsa`, as wide as PASIDs are. */
  readonly devices?: readonly (
    | string
    | { readonly name: string; readonly max_pasids?: number; readonly places?: number }
  )[];
  /** Numbers that can be given out. Default: three, from the first one on. */
  readonly pasids?: { readonly first?: number; readonly last?: number };
}

/** A kernel with designs and patches, made once for all executions of a test. */
export interface Build {
  readonly functions: KernelFunctions;
  /** What designs make for themselves when kernel and tasks are there. */
  readonly setups: readonly ((kernel: Kernel) => void)[];
}

/** `changes`: designs, then patches, the first one innermost. What several designs need is applied once, before them. */
export function build(...changes: readonly (KernelDesign | Patch)[]): Build {
  return buildOn(BASE, changes);
}

/** The same on another table of functions: coverage.ts watches those of BASE. */
export function buildOn(base: KernelFunctions, changes: readonly (KernelDesign | Patch)[]): Build {
  const needs = [...new Set(changes.flatMap((change) => ('patch' in change ? (change.needs ?? []) : [])))];
  const patches = changes.map((change) => ('patch' in change ? change.patch : change));
  return {
    functions: patched(base, ...needs.map(({ patch }) => patch), ...patches),
    setups: needs.flatMap(({ setup }) => setup ?? []),
  };
}

/** A kernel for machines that have neither tasks nor PASIDs of their own, with what its designs set up. */
export function bareKernel(world: World, { functions, setups }: Build): Kernel {
  const kernel = createKernel(world, functions, { cpus: 1, devices: [], pasids: new PasidAllocator(world) });
  for (const setup of setups) setup(kernel);
  return kernel;
}

/** A process: an address space and its open files, before any task has them. */
export interface Process {
  readonly mm: Mm;
  readonly files: Files;
}

export class Machine {
  readonly kernel: Kernel;
  readonly world: World;
  private readonly flows: Record<string, Flow<unknown> | Daemon> = {};
  private readonly setups: Build['setups'];
  /** Tasks that have a CPU from the start. */
  private readonly placed: Task[] = [];

  constructor(world: World, { functions, setups }: Build, options: MachineOptions = {}) {
    this.world = world;
    this.setups = setups;
    const { first = IOMMU_FIRST_GLOBAL_PASID, last = first + 2 } = options.pasids ?? {};
    const devices = (options.devices ?? ['dsa']).map((device) => makeDevice(world, device, last - first + 1));
    const pasids = new PasidAllocator(world, first, last);
    this.kernel = createKernel(world, functions, { cpus: options.cpus ?? 2, devices, pasids });
  }

  /** The first device, or the one of that name. */
  device(name?: string): Device {
    const { devices } = this.kernel;
    const found = name === undefined ? devices[0] : devices.find((device) => device.name === name);
    expectThat(
      found !== undefined,
      name === undefined
        ? 'the machine has no device'
        : `the machine has no device '${name}': ${devices.map((own) => own.name).join(', ') || 'none'}`,
    );
    return found;
  }

  process(name: string): Process {
    const { kernel, world } = this;
    const mm = new Mm(world, name, kernel.rqs.length);
    mm.mm_users.store(0);
    runAlone(kernel.mm_pasid_init(mm, null));
    return { mm, files: { count: new Cell(world, `${name}.files`, 0), fds: new Set() } };
  }

  /** A task of the process that runs on a CPU from the start; `body`: what it does, in user mode. */
  task(name: string, cpu: number, process: Process, body: (tsk: Task) => Flow<unknown>): Task {
    const tsk = this.member(name, cpu, process);
    this.place(tsk);
    this.start(tsk, body(tsk));
    return tsk;
  }

  /** A task that `copy_process` makes: until then it waits. On a CPU that has no other. `isSure`: it is forked in every execution. */
  child(
    name: string,
    cpu: number,
    body: (tsk: Task) => Flow<unknown>,
    { isSure = true }: { readonly isSure?: boolean } = {},
  ): Task {
    expectThat(!this.isTaken(cpu), `${name} needs a CPU of its own, and CPU ${cpu} has another task: option cpus`);
    const tsk = this.make(name, cpu, null, null, false);
    tsk.runnable.store(false);
    const { kernel, world } = this;
    function* forked(): Flow<void> {
      yield until(world, `${name} is forked`, () => tsk.runnable.peek() || tsk.stillborn.peek());
      if (tsk.stillborn.peek()) return;
      yield* kernel.ret_from_fork(tsk);
      yield* body(tsk);
    }
    this.start(tsk, forked(), !isSure);
    return tsk;
  }

  /** A kernel thread. It runs from the start where no task does; else it needs `switching`. */
  kthread(name: string, cpu: number, body: (tsk: Task) => Flow<unknown>): Task {
    const tsk = this.make(name, cpu, null, null, true);
    tsk.saved_CPL = 0;
    if (tsk.rq.curr.peek() === null) this.place(tsk);
    this.start(tsk, body(tsk));
    return tsk;
  }

  /** A second task for a CPU: it waits there until the CPU switches to it. */
  waiting(name: string, cpu: number, process: Process, body: (tsk: Task) => Flow<unknown>): Task {
    const tsk = this.member(name, cpu, process);
    tsk.TIF_NEED_FPU_LOAD.store(true);
    this.start(tsk, body(tsk));
    return tsk;
  }

  /**
   * The CPU switches between these tasks: each is given the CPU by a preemption so many times at most; where the one that runs cannot go on
   * the CPU goes to one that can. A task stays on its CPU: kernel code here holds on to its runqueue where the kernel asks anew.
   */
  switching(cpu: number, times: number, ...tasks: readonly Task[]): void {
    const { kernel } = this;
    kernel.switchingCpus.add(cpu);
    for (const tsk of tasks) {
      const { [tsk.name]: flow } = this.flows;
      expectThat(flow !== undefined && !('daemon' in flow), `${tsk.name} is no task of this machine`);
      expectThat(tsk.rq.id === cpu, `${tsk.name} was made for ${tsk.rq.cpu.name}: a task stays on its CPU here`);
      const announced = (step: Step | undefined | null): void => tsk.announced(step);
      this.flows[tsk.name] = gated(this.world, `${tsk.name} runs`, () => tsk.on_cpu.peek(), flow, announced);
      this.flows[`cpu${cpu} to ${tsk.name}`] = { daemon: schedule(kernel, kernel.rqs[cpu]!, tsk, times) };
    }
  }

  /** For `always`: at the end each number that is given out is that of an address space which is still used. */
  nothingLeaks(): AtEnd {
    const { owners } = this.kernel.pasids;
    return atEnd(() => {
      for (let at = 0; at < owners.length; at++) {
        const owner = owners.peek(at);
        if (owner !== null && owner.mm_users.peek() === 0) return false;
      }
      return true;
    });
  }

  /** All of it as threads. `others`: threads besides. Context: once, when all is made. */
  threads(others: Readonly<Record<string, Flow<unknown> | Daemon>> = {}): Record<string, Flow<unknown> | Daemon> {
    const { kernel } = this;
    for (const setup of this.setups) setup(kernel);
    for (const tsk of this.placed) this.bootOn(tsk);
    for (const { cpu } of kernel.rqs) this.flows[`${cpu.name} interrupts`] = { daemon: interruptThread(cpu) };
    for (const dev of kernel.devices) {
      for (let place = 0; place < dev.dsa.queue.length; place++) {
        const name = place === 0 ? dev.name : `${dev.name} engine ${place + 1}`;
        this.flows[name] = { daemon: atomicEngine(dev.dsa, place, (work) => dmaThroughEntry(kernel, dev, work)) };
      }
    }
    return { ...this.flows, ...others };
  }

  /** One more task of a process. */
  private member(name: string, cpu: number, { files, mm }: Process): Task {
    mm.mm_users.store(mm.mm_users.peek() + 1);
    files.count.store(files.count.peek() + 1);
    return this.make(name, cpu, mm, files, false);
  }

  private isTaken(cpu: number): boolean {
    return this.kernel.tasks.some(({ rq }) => rq.id === cpu);
  }

  private make(name: string, cpu: number, mm: Mm | null, files: Files | null, kthread: boolean): Task {
    const { kernel, world } = this;
    const rq = kernel.rqs[cpu];
    expectThat(
      rq !== undefined,
      `${name} is to run on CPU ${cpu}, and there are CPUs 0 to ${kernel.rqs.length - 1}: option cpus`,
    );
    const tsk = new Task(world, name, rq, { mm, files, kthread });
    kernel.tasks.push(tsk);
    return tsk;
  }

  private place(tsk: Task): void {
    const { rq } = tsk;
    expectThat(
      rq.curr.peek() === null,
      `${rq.cpu.name} runs ${rq.curr.peek()?.name} already: machine.waiting for a second task`,
    );
    rq.curr.store(tsk);
    tsk.on_cpu.store(true);
    this.placed.push(tsk);
  }

  /** As if it had just been switched to, and was in user mode. */
  private bootOn(tsk: Task): void {
    if (tsk.kthread) tsk.rq.cpu.CPL.store(0);
    else runAlone(this.kernel.ret_from_fork(tsk));
  }

  private start(tsk: Task, body: Flow<unknown>, isDaemon = false): void {
    const { kernel, world } = this;
    function* thread(): Flow<void> {
      kernel.byThread[world.thread] = tsk;
      yield* body;
    }
    expectThat(this.flows[tsk.name] === undefined, `there are two tasks '${tsk.name}'`);
    this.flows[tsk.name] = isDaemon ? { daemon: thread() } : thread();
  }
}

/** The machine is asked for something that it cannot be. */
function expectThat(condition: boolean, message: string): asserts condition {
  if (!condition) throw new TestMistake(message);
}

function makeDevice(
  world: World,
  device: string | { readonly name: string; readonly max_pasids?: number; readonly places?: number },
  numbers: number,
): Device {
  const { name, max_pasids = PASID_MAX, places = 1 } = typeof device === 'string' ? { name: device } : device;
  return {
    name,
    max_pasids,
    dsa: new Dsa<Submitter>(world, name, places),
    entries: new Words<Mm | null>(world, `${name} PASID entries`, new Array(numbers).fill(null), UNBUFFERED),
  };
}
