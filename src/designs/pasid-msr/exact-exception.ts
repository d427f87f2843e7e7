/**
 * `exact-exception`: the wish at the end of the mail of Aug 2020, completed: ENQCMD without a valid PASID raises an exception of its own that
 * names the resource. The handler loads the mm's number or ends in SIGSEGV; a #GP is never taken for it, and no thread has a flag.
 *
 * Argument (Luto): the mechanism that tells the kernel that a lazy load is needed "got flubbed". Steps: docs/designs.md, exact-exception.
 */
import { validMsr } from '../../hw/index.ts';
import { IOMMU_PASID_INVALID } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';

export const exactException: KernelDesign = {
  name: 'exact-exception',
  family: 'pasid-msr',
  source: 'mail of 3 Aug 2020, last wish',
  argument: 'an exception that says: the PASID is not loaded',
  patch: {
    replace: {
      /** The handler of #LR(PASID), the model's #GP of ENQCMD. Context: interrupts off. */
      *exc_general_protection(tsk) {
        yield;
        const mm = tsk.mm.load();
        if (mm === null) return false;
        const found = yield* this.mm_get_enqcmd_pasid(mm);
        if (found === IOMMU_PASID_INVALID) return false;
        const pasid = yield* this.pasid_get(tsk, mm, found);
        if (pasid === IOMMU_PASID_INVALID) return false;
        yield;
        tsk.rq.cpu.wrmsrPasid(validMsr(pasid));
        return true;
      },
    },
  },
};
