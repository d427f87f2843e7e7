/**
 * What the kernel's functions work on: mm_struct, task_struct, struct file, runqueues, with the fields that matter here and their names.
 * Fields that threads share without a lock are cells; what one lock guards, or one task owns, is a plain field.
 *
 * Fields that only the observer looks at (verdicts, never behaviour) are in `seen`.
 */
import {
  Cell,
  type Flow,
  Mutex,
  type SharedObject,
  SpinLock,
  type Step,
  UNBUFFERED,
  Words,
  type World,
} from '../base/index.ts';
import { Cpu, type CpuState, type Dsa, type Portal, stateNamed, XsaveArea } from '../hw/index.ts';
import type { DeviceDomainInfo, DmarDomain } from './iommu/intel-iommu.ts';

/** No PASID: IOMMU_PASID_INVALID (before 6.4 INVALID_IOASID; before 5.18 zero). */
export const IOMMU_PASID_INVALID = -1;

const PASID = stateNamed('PASID');

export interface Subscription {
  readonly mm: Mm;
  /** `.release`: called by exit_mmap, may not sleep. */
  readonly release: () => Flow<void>;
}

/** One domain of an mm: what its page table is to an IOMMU (struct iommu_domain, IOMMU_DOMAIN_SVA). Context: iommu_sva_lock. */
export interface SvaDomain {
  readonly mm: Mm;
  users: number;
  readonly subscription: Subscription;
  /** Devices whose PASID entry leads to the mm. */
  readonly devices: Device[];
  /** On a VT-d unit. */
  readonly dmar?: DmarDomain;
}

/** struct iommu_sva. Context: iommu_sva_lock. */
export interface SvaHandle {
  readonly mm: Mm;
  readonly dev: Device;
  readonly domain: SvaDomain;
  users: number;
}

export interface Device {
  readonly name: string;
  /** `dev->iommu->max_pasids`. */
  readonly max_pasids: number;
  readonly dsa: Dsa<Submitter>;
  /** The device's PASID table: where each PASID's entry leads. Unbuffered: set-up and tear-down return when the device knows. */
  readonly entries: Words<Mm | null>;
  /** On a VT-d unit, whose tables are in place of `entries`. */
  readonly info?: DeviceDomainInfo;
}

export class Mm {
  readonly name: string;
  readonly mm_users: Cell<number>;
  readonly mm_count: Cell<number>;
  /** The mm's PASID, from 6.8 on in mm->iommu_mm. Freed with the mm_struct. */
  readonly pasid: Cell<number>;
  /** mm_cpumask: 1 for each CPU that may have it loaded. */
  readonly cpumask: Words<number>;
  readonly notifier_lock: SpinLock;
  subscriptions: Subscription[] = [];
  /** Readers in SRCU sections of its notifiers. */
  readonly srcu: Cell<number>;
  /** Its user pages, as one object: freed by exit_mmap. */
  readonly pages: Cell<number>;
  /** Mappings that it has had; each knows whether it is mapped still. Threads add their own, whose order says nothing. */
  readonly portals: MappedPortal[] = [];
  /** Frame of the top table, and all tables, where there is a unit that walks them. */
  pgd = 0;
  tables: readonly number[] = [];
  /** By index of a CPU's registers: what the mm has in those that are loaded with it. */
  readonly registers: number[] = [];
  /** Context: iommu_sva_lock. */
  sva_domains: SvaDomain[] = [];
  sva_handles: SvaHandle[] = [];
  /** mm->context.lock. */
  readonly context_lock: Mutex;
  readonly seen: { readonly exiting: Cell<boolean> };

  constructor(world: World, name: string, cpus: number, pasid = IOMMU_PASID_INVALID) {
    this.name = name;
    this.mm_users = new Cell(world, `${name}.mm_users`, 1, { freeable: true });
    this.mm_count = new Cell(world, `${name}.mm_count`, 1, { freeable: true });
    this.pasid = new Cell(world, `${name}.pasid`, pasid, { freeable: true });
    this.cpumask = new Words(world, `${name}.cpumask`, new Array<number>(cpus).fill(0), { freeable: true });
    this.context_lock = new Mutex(world, `${name}.context.lock`);
    this.notifier_lock = new SpinLock(world, `${name}.notifier_lock`);
    this.srcu = new Cell(world, `${name}.srcu`, 0, { freeable: true });
    this.pages = new Cell(world, `${name}'s pages`, 0, { freeable: true, unbuffered: true });
    this.seen = { exiting: new Cell<boolean>(world, `${name} exits`, false, UNBUFFERED) };
  }

  toJSON(): string {
    return this.name;
  }
}

/** Whose work a descriptor is, whatever its PASID says. */
export interface Submitter {
  readonly mm: Mm;
  readonly file: DeviceFile;
}

/** A mapping of a device's portal: it holds the file. */
export interface MappedPortal {
  readonly file: DeviceFile;
  readonly portal: Portal<Submitter>;
}

/** An open file of a device. Its bind belongs to the mm that opened it, whoever has the file later. */
export interface DeviceFile {
  readonly name: string;
  readonly dev: Device;
  readonly mm: Mm;
  readonly f_count: Cell<number>;
  readonly cloexec: boolean;
  handle: SvaHandle | null;
  pasid: number;
  readonly seen: { readonly bound: Cell<boolean> };
  toJSON(): string;
}

/**
 * files_struct: open files of the tasks that share it. Each thread adds and removes its own, in any order; who goes through all of them
 * (fork, exec, the last exit) does so when no sibling does either, by name.
 */
export interface Files {
  readonly count: Cell<number>;
  readonly fds: Set<DeviceFile>;
}

/** Open files in an order that does not depend on who opened first. */
export function openFiles({ fds }: Files): readonly DeviceFile[] {
  return [...fds].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** struct fpu: the task's XSAVE area, and the CPU whose registers had it last. */
export interface Fpu {
  readonly area: XsaveArea;
  readonly last_cpu: Cell<number>;
}

export interface TaskOptions {
  readonly mm: Mm | null;
  readonly files: Files | null;
  readonly kthread?: boolean;
}

/** Whether a step is more than one that can be made at once. */
function mayWait(step: Step | undefined | null): boolean {
  return step === null || (step !== undefined && step.role !== 'atomic' && step.role !== 'locked');
}

export class Task {
  readonly name: string;
  readonly kthread: boolean;
  readonly mm: Cell<Mm | null>;
  readonly active_mm: Cell<Mm | null>;
  readonly fpu: Fpu;
  readonly TIF_NEED_FPU_LOAD: Cell<boolean>;
  /** task->pasid_activated (has_valid_pasid in the series of Sep 2021). */
  readonly pasid_activated: Cell<number>;
  files: Files | null;
  /** The CPU that it runs on, or ran on last. Changed by the scheduler while it does not run. */
  rq: Rq;
  /** It runs: its steps can be made. */
  readonly on_cpu: Cell<boolean>;
  /** It may be given a CPU: forked, and not dead. */
  readonly runnable: Cell<boolean>;
  /** fork failed: it will never run. */
  readonly stillborn: Cell<boolean>;
  /** Files whose last reference it dropped (task work). Its own. */
  readonly task_works: DeviceFile[] = [];
  /** The observer's: mm->pasid as it, or the handler of its #GP, saw it last. Its own. */
  seen_pasid = IOMMU_PASID_INVALID;
  /** What it does next, of a task that shares its CPU; null: nothing any more. */
  private next_step: Step | undefined | null = undefined;
  /** Written where a step of it begins or ends something that it has to wait for, so that who looks is ordered against that. */
  private readonly progress: SharedObject;
  private readonly world: World;
  /** By index of a CPU's registers: what it has in those that are loaded at a switch. Changed by the scheduler while it does not run. */
  readonly registers: number[] = [];
  /** CPL to go on with, of a task that was switched out. Changed by the scheduler while it does not run. */
  saved_CPL = 3;
  /** What a design keeps in the task: `kernel-per-thread`. */
  readonly thread_pasid: Cell<number>;

  constructor(world: World, name: string, rq: Rq, { files, kthread = false, mm }: TaskOptions) {
    this.name = name;
    this.world = world;
    this.progress = world.register(`${name} goes on`);
    this.kthread = kthread;
    this.rq = rq;
    this.files = files;
    this.mm = new Cell<Mm | null>(world, `${name}.mm`, mm, UNBUFFERED);
    this.active_mm = new Cell<Mm | null>(world, `${name}.active_mm`, mm, UNBUFFERED);
    this.fpu = {
      area: new XsaveArea(world, `${name}.xsave`, rq.cpu.states),
      last_cpu: new Cell(world, `${name}.last_cpu`, -1, UNBUFFERED),
    };
    this.TIF_NEED_FPU_LOAD = new Cell<boolean>(world, `${name}.TIF_NEED_FPU_LOAD`, false, UNBUFFERED);
    this.pasid_activated = new Cell(world, `${name}.pasid_activated`, 0, UNBUFFERED);
    this.on_cpu = new Cell<boolean>(world, `${name}.on_cpu`, false, UNBUFFERED);
    this.runnable = new Cell<boolean>(world, `${name}.runnable`, true, UNBUFFERED);
    this.stillborn = new Cell<boolean>(world, `${name} is stillborn`, false, UNBUFFERED);
    this.thread_pasid = new Cell(world, `${name}.thread_pasid`, 0, UNBUFFERED);
  }

  /** Its flow has announced its next step; null: it has ended. Context: the end of the step before. */
  announced(step: Step | undefined | null): void {
    const isFirst = this.world.thread === -1 || this.world.logged === 0;
    if (!isFirst && (mayWait(step) || mayWait(this.next_step))) this.world.record(this.progress, 'write');
    this.next_step = step;
  }

  /** Whether it has something to do that it need not wait for, as its thread: for conditions. */
  peekGoesOn(thread: number): boolean {
    if (this.world.peeking) this.world.peeked.push(this.progress.base);
    const { next_step } = this;
    if (!this.runnable.peek() || next_step === null) return false;
    return next_step === undefined || next_step.enabled(thread);
  }

  /** Its PASID state in memory, for properties: not an access. */
  peekXstatePasid(): number {
    return this.fpu.area.peek(PASID);
  }

  toJSON(): string {
    return this.name;
  }
}

/** A CPU and the kernel's variables of it. Only that CPU changes them. */
export class Rq {
  readonly cpu: Cpu;
  readonly id: number;
  /** `current`. */
  readonly curr: Cell<Task | null>;
  /** cpu_tlbstate.loaded_mm. */
  readonly loaded_mm: Cell<Mm | null>;
  readonly fpu_fpregs_owner_ctx: Cell<Task | null>;
  /** preempt_count: above 0 no other task gets the CPU. */
  readonly preempt_count: Cell<number>;
  /** Bottom halves off (SOFTIRQ_DISABLE_OFFSET). */
  readonly bh_count: Cell<number>;
  /** in_kernel_fpu: kernel code uses the registers. */
  readonly in_kernel_fpu: Cell<boolean>;
  /** cfd_data: by target CPU, 1 while a call of this CPU has not run there. */
  readonly csd: readonly Cell<number>[];

  constructor(world: World, id: number, cpus: number, states?: readonly CpuState[]) {
    this.id = id;
    this.cpu = states === undefined ? new Cpu(world, id) : new Cpu(world, id, states);
    const { name } = this.cpu;
    this.curr = new Cell<Task | null>(world, `${name}.current`, null, UNBUFFERED);
    this.loaded_mm = new Cell<Mm | null>(world, `${name}.loaded_mm`, null, UNBUFFERED);
    this.fpu_fpregs_owner_ctx = new Cell<Task | null>(world, `${name}.fpregs_owner`, null, UNBUFFERED);
    this.preempt_count = new Cell(world, `${name}.preempt_count`, 0, UNBUFFERED);
    this.in_kernel_fpu = new Cell<boolean>(world, `${name}.in_kernel_fpu`, false, UNBUFFERED);
    this.csd = Array.from(
      { length: cpus },
      (_, target) => new Cell(world, `call of ${name} to cpu${target}`, 0, UNBUFFERED),
    );
    this.bh_count = new Cell(world, `${name}.bh_count`, 0, UNBUFFERED);
  }
}
