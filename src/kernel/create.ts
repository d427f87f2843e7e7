/** A kernel: a table of functions, and state. */
import { Mutex, type World } from '../base/index.ts';
import type { CpuState } from '../hw/index.ts';
import type { Kernel, KernelFunctions, KernelState } from './kernel.ts';
import { type Device, Rq } from './objects.ts';
import type { PasidAllocator } from './sva/pasids.ts';

export interface KernelOptions {
  readonly cpus: number;
  readonly devices: readonly Device[];
  readonly pasids: PasidAllocator;
  /** Registers that CPUs have. Default: IA32_PASID alone. */
  readonly states?: readonly CpuState[];
}

/** `functions`: a table made by `patched`, once for all executions. */
export function createKernel(world: World, functions: KernelFunctions, options: KernelOptions): Kernel {
  const state: KernelState = {
    world,
    rqs: Array.from({ length: options.cpus }, (_, id) => new Rq(world, id, options.cpus, options.states)),
    devices: options.devices,
    pasids: options.pasids,
    iommu_sva_lock: new Mutex(world, 'iommu_sva_lock'),
    pasid_mutex: new Mutex(world, 'pasid_mutex'),
    tasks: [],
    byThread: [],
    extra: new Map(),
    switchingCpus: new Set(),
  };
  const kernel: Kernel = Object.assign(Object.create(functions) as Kernel, state);
  for (const rq of kernel.rqs) {
    rq.cpu.onReturn = function* () {
      // Of the interrupted task: registers that an interrupt's use of the FPU has saved are loaded again.
      const tsk = rq.curr.load();
      if (tsk !== null) yield* kernel.exit_to_user_mode(tsk);
    };
  }
  return kernel;
}
