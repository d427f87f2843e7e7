/**
 * `gp-fixup`: a thread's first ENQCMD raises #GP, and the handler loads the number, once in the life of the thread (fa6af69f38d3, 5.18). It is what
 * the kernel here does by itself: the plain design changes nothing.
 *
 * Argument: no IPI, no decoding of the instruction, no write at context switch; it makes sense only if an mm never changes its PASID
 * (Luto, Sep 2021). Steps: docs/designs.md, gp-fixup. `flag-first` is as first proposed on the list (29 Sep 2021); `late` is 4/8 of the
 * series of Sep 2021: interrupts are enabled first, and the state is written where it is.
 */

import { validMsr } from '../../hw/index.ts';
import { IOMMU_PASID_INVALID } from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';
import { fpu__pasid_write } from './fpu-pasid-write.ts';

export const gpFixup: KernelDesign = {
  name: 'gp-fixup',
  family: 'pasid-msr',
  source: 'fa6af69f38d3 (5.18)',
  argument: 'load it when ENQCMD asks for it: the first #GP of a thread is taken for that',
  patch: {},
};

/** Ours: exec takes the flag with the PASID state. As merged it stays, and the new program's first ENQCMD is a signal. */
export const gpFixupRepaired: KernelDesign = {
  ...gpFixup,
  name: 'gp-fixup-repaired',
  source: 'ours',
  argument: 'as gp-fixup, and exec clears the flag together with the FPU state',
  patch: {
    after: {
      *fpu_flush_thread(tsk) {
        yield;
        tsk.pasid_activated.store(0);
      },
    },
  },
};

export const gpFixupFlagFirst: KernelDesign = {
  ...gpFixup,
  name: 'gp-fixup-flag-first',
  source: 'list, 29 Sep 2021',
  argument: 'as gp-fixup, with the flag written before the MSR',
  patch: {
    replace: {
      *try_fixup_enqcmd_gp(tsk) {
        const pasid = yield* this.pasid_to_load(tsk);
        if (pasid === IOMMU_PASID_INVALID) return false;
        yield;
        tsk.pasid_activated.store(1);
        yield;
        tsk.rq.cpu.wrmsrPasid(validMsr(pasid));
        return true;
      },
    },
  },
};

export const gpFixupLate: KernelDesign = {
  ...gpFixup,
  name: 'gp-fixup-late',
  source: 'series of Sep 2021, 4/8',
  argument: 'as gp-fixup, with interrupts on, by a helper that knows where the state is',
  patch: {
    replace: {
      *exc_general_protection(tsk) {
        yield* this.local_irq_enable(tsk.rq);
        return yield* this.try_fixup_enqcmd_gp(tsk);
      },
      *try_fixup_enqcmd_gp(tsk) {
        const pasid = yield* this.pasid_to_load(tsk);
        if (pasid === IOMMU_PASID_INVALID) return false;
        yield* fpu__pasid_write(this, tsk, pasid);
        yield;
        tsk.pasid_activated.store(1);
        return true;
      },
    },
  },
};
