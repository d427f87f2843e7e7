/** No function of the kernel goes without a litmus test unseen: those that none enters are listed here, with the reason. */
import { expect, it } from 'vitest';
import { COUNTED, coverageText, kernelCoverage } from './coverage.ts';
import { LITMUS } from './index.ts';

/** By reason: functions that no litmus test enters. test/kernel runs each of them alone. */
const NEVER_ENTERED: Readonly<Record<string, readonly string[]>> = {
  'no litmus test forks or clones': [
    'copy_files',
    'copy_mm',
    'copy_process',
    'copy_thread',
    'dup_mm',
    'dup_task_struct',
    'fpu_clone',
    'fpu_clone_pasid',
    'give_mm',
    'mmget',
    'ret_from_fork',
  ],
  'no litmus test runs another program': [
    'begin_new_exec',
    'do_close_on_exec',
    'exec_mm_release',
    'exec_mmap',
    'flush_thread',
    'fpu_flush_thread',
    'fpu_invalidate_fpregs_state',
  ],
  'no litmus test closes a device before it exits': ['filp_close', 'munmap_portal'],
  'no litmus test has two tasks on a CPU, or a kernel thread': [
    'context_switch',
    'enter_lazy_tlb',
    'finish_task_switch',
    'kernel_enqcmd',
    'kthread_unuse_mm',
    'kthread_use_mm',
    'load_mm_state',
    'load_register',
    'save_fpregs_to_fpstate',
    'switch_fpu_finish',
    'switch_fpu_prepare',
    'switch_mm_irqs_off',
    'switch_mm_same',
    'switch_to',
  ],
  'no litmus test has the kernel use the FPU, so that nothing is loaded at the return to user mode': [
    'fpregs_lock',
    'fpregs_restore_userregs',
    'fpregs_state_valid',
    'fpregs_unlock',
    'kernel_fpu_begin',
    'kernel_fpu_end',
    'kernel_uses_fpu',
  ],
  'only a #GP that is not mended comes to it, which a correct kernel does not have': ['local_irq_enable'],
  'only designs that change MSRs of other CPUs call other CPUs': [
    'mm_cpumask',
    'on_each_cpu_mask',
    'preempt_disable',
    'preempt_enable',
  ],
  'the callers are left out: I/O page faults, drivers that take a notifier back by unregister': [
    'mmget_not_zero',
    'mmu_notifier_unregister',
  ],
};
/** Of each test: what is entered at all is entered early. `npm run coverage:kernel` looks longer. */
const EXECUTIONS = 20;

it('every function of the kernel is entered by some litmus test, or is listed here with a reason', () => {
  const coverage = kernelCoverage(LITMUS, EXECUTIONS);
  const listed = Object.values(NEVER_ENTERED).flat();
  expect(coverage.never.toSorted(), coverageText(coverage).join('\n')).toEqual(listed.toSorted());
});

it('counts functions of the kernel, and no observers', () => {
  expect(COUNTED).toContain('iommu_sva_bind_device');
  expect(COUNTED.filter((name) => name.startsWith('observe'))).toEqual([]);
});

it("counts the kernel's own function, not what a design has put in its place", () => {
  const [replaced] = LITMUS.filter(({ name }) => name === 'L01 freed at mmput / as it was');
  const { entered, executions, never } = kernelCoverage([replaced!], 3);
  expect([never.includes('__mmput'), entered.has('exit_mmap'), executions]).toEqual([true, true, 3]);
});
