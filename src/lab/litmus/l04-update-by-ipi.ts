/**
 * L04 (9bfecd058339): the number is brought into the MSRs by IPI. fpregs_lock is bottom halves off and keeps no IPI away, so that the handler
 * writes where state is on its way; and it writes for whoever runs there, a kernel thread in kthread_use_mm among them.
 */
import { ipiAllThreadsOrdered, switchLoadRepaired, updatePasid, updatePasidMsr } from '../../designs/index.ts';
import type { Patch } from '../../kernel/index.ts';
import type { Litmus } from './scenario.ts';
import { kernelFpu, signalFrame } from './scenarios/fpu-region.ts';
import { kthreadUsesMm } from './scenarios/kernel-enqcmd.ts';

const source = '9bfecd058339 "Force disable X86_FEATURE_ENQCMD and remove update_pasid()"';

export const L04: Litmus = {
  ...signalFrame,
  name: 'L04 loaded by IPI',
  source,
  cases: [
    { name: 'as it was', expect: 'violated', changes: [updatePasidMsr, updatePasid] },
    { name: 'fixed: by #GP', expect: 'holds' },
    { name: 'fixed: deferred in the region', expect: 'holds', changes: [switchLoadRepaired] },
    { name: 'wrong fix: only where the mm runs', expect: 'violated', changes: [ipiAllThreadsOrdered] },
  ],
};

/** Deferred where bottom halves are off, and nowhere else. */
const IN_FPREGS_LOCK: Patch = {
  replace: {
    *fpu_state_moves(rq) {
      yield;
      return rq.bh_count.load() > 0;
    },
  },
};

export const L04_KERNEL_FPU: Litmus = {
  ...kernelFpu,
  name: 'L04 loaded by IPI, kernel FPU',
  source,
  cases: [
    { name: 'as it was', expect: 'violated', changes: [updatePasidMsr, updatePasid] },
    { name: 'fixed: by #GP', expect: 'holds' },
    { name: 'fixed: deferred while the state moves', expect: 'holds', changes: [switchLoadRepaired] },
    { name: 'wrong fix: deferred in fpregs_lock', expect: 'violated', changes: [switchLoadRepaired, IN_FPREGS_LOCK] },
  ],
};

export const L04_KTHREAD: Litmus = {
  ...kthreadUsesMm,
  name: 'L04 loaded into a kernel thread',
  source,
  cases: [
    { name: 'as it was', expect: 'violated', changes: [updatePasidMsr, updatePasid] },
    { name: 'fixed: by #GP', expect: 'holds' },
    { name: 'wrong fix: only where the mm runs', expect: 'violated', changes: [ipiAllThreadsOrdered] },
  ],
};
