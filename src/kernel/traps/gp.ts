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
  yield;
  const mm = tsk.mm.load();
  if (mm === null) return false;
  const pasid = yield* this.mm_get_enqcmd_pasid(mm);
  if (pasid === IOMMU_PASID_INVALID) return false;
  yield;
  if (tsk.pasid_activated.load() === 1) return false;
  yield;
  tsk.rq.cpu.wrmsrPasid(validMsr(pasid));
  yield;
  tsk.pasid_activated.store(1);
  return true;
}

/** One plain read. linux v6.8 include/linux/iommu.h: mm_get_enqcmd_pasid */
export function* mm_get_enqcmd_pasid(this: Kernel, mm: Mm): Flow<number> {
  yield;
  return mm.pasid.load();
}
