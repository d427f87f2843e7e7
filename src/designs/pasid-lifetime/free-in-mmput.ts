/**
 * `free-in-mmput`: the number stays with the mm from its first bind on, and goes back in __mmput, when the last user of the address
 * space is gone (701fac40384f, 5.18-rc1).
 *
 * Argument (commit text): 20 bits are up to a million processes, exhaustion is no realistic concern, and the reference counts go away.
 * Before (thread 2021, Luto): "You could probably drop it more aggressively in __mmput()", with the warning that a kernel thread which
 * does ENQCMD would be in trouble. Steps: docs/designs.md, free-in-mmput. In the order of exit: exit_mm, files, task work.
 */
import type { KernelDesign } from '../design.ts';

export const freeInMmput: KernelDesign = {
  name: 'free-in-mmput',
  family: 'pasid-lifetime',
  source: '701fac40384f (5.18-rc1)',
  argument: 'a PASID belongs to the mm; free it when the address space dies',
  patch: {
    replace: {
      /** Step 2: after exit_mmap. */
      *__mmput(mm) {
        yield* this.exit_mmap(mm);
        yield* this.mm_pasid_drop(mm);
        yield* this.mmdrop(mm);
      },
      *__mmdrop(mm) {
        yield* this.destroy_context(mm);
        yield* this.free_mm(mm);
      },
    },
  },
};
