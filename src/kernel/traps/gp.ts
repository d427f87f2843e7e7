/**
 * The lazy way to IA32_PASID (fa6af69f38d3, 5.18): the first ENQCMD of a thread raises #GP, and the handler loads the mm's PASID. A flag
 * in the task says that this was done once, so that a #GP for another reason is not taken for it again.
 */
import type { Flow } from '../../base/index.ts';
import { validMsr } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import { IOMMU_PASID_INVALID, type Mm, type Task } from '../objects.ts';

/**
 * Context: interrupts off since the exception, so that the FPU registers are live. Order: the MSR, then the flag.
 * linux v5.18 arch/x86/kernel/traps.c: try_fixup_enqcmd_gp
 */
export function* try_fixup_enqcmd_gp(this: Kernel, tsk: Task): Flow<boolean> {
  const pasid = yield* this.pasid_to_load(tsk);
  if (pasid === IOMMU_PASID_INVALID) return false;
  yield;
  tsk.rq.cpu.wrmsrPasid(validMsr(pasid));
  yield;
  tsk.pasid_activated.store(1);
  return true;
}

/** The conditions of the fix-up, in their order: the number to load, or none where the #GP has another cause. */
export function* pasid_to_load(this: Kernel, tsk: Task): Flow<number> {
  const isLazy = yield* this.pasid_loads_on_gp();
  if (!isLazy) return IOMMU_PASID_INVALID;
  yield;
  const mm = tsk.mm.load();
  if (mm === null) return IOMMU_PASID_INVALID;
  const found = yield* this.mm_get_enqcmd_pasid(mm);
  if (found === IOMMU_PASID_INVALID) return found;
  yield;
  if (tsk.pasid_activated.load() === 1) return IOMMU_PASID_INVALID;
  return yield* this.pasid_get(tsk, mm, found);
}

/** One plain read. linux v6.8 include/linux/iommu.h: mm_get_enqcmd_pasid */
export function* mm_get_enqcmd_pasid(this: Kernel, mm: Mm): Flow<number> {
  yield;
  const pasid = mm.pasid.load();
  this.observe_pasid(pasid);
  return pasid;
}

/** The task is about to hold the number: a design that counts such tasks takes its reference here, or refuses. */
export function* pasid_get(this: Kernel, _tsk: Task, _mm: Mm, pasid: number): Flow<number> {
  return pasid;
}

/** Whether a #GP is how IA32_PASID is loaded: not where a design brings the number there by itself. */
export function* pasid_loads_on_gp(this: Kernel): Flow<boolean> {
  return true;
}
