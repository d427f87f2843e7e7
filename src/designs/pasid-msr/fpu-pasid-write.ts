/** The helper of the series of Sep 2021 (4/8): a task writes its own PASID state, wherever that is. */
import { ATOMIC, type Flow } from '../../base/index.ts';
import { stateNamed, validMsr } from '../../hw/index.ts';
import { IOMMU_PASID_INVALID, type Kernel, type Task } from '../../kernel/index.ts';

export const PASID = stateNamed('PASID');

/** Value of IA32_PASID for mm->pasid. */
export function msrFor(pasid: number): number {
  return pasid === IOMMU_PASID_INVALID ? 0 : validMsr(pasid);
}

/** Live registers when the flag is clear or they are still valid; else memory. Context: the task itself, in the kernel. */
export function* fpu__pasid_write(k: Kernel, tsk: Task, pasid: number): Flow<void> {
  yield* k.fpregs_lock(tsk.rq);
  yield;
  const isInMemory = tsk.TIF_NEED_FPU_LOAD.load();
  const isLive = !isInMemory || (yield* k.fpregs_state_valid(tsk));
  if (isLive) {
    yield;
    tsk.rq.cpu.wrmsrPasid(msrFor(pasid));
  } else {
    yield ATOMIC;
    tsk.fpu.area.write(PASID, msrFor(pasid));
  }
  yield* k.fpregs_unlock(tsk.rq);
}
