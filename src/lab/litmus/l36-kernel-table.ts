/**
 * L36 and L37: a table of the kernel's half is freed while an IOMMU has a pointer to it cached, from an access that was refused at the leaf ("Fix stale IOTLB entries
 * for kernel address space"). L37 is a fix that was sent first: the flush is left to a worker, and the table is not.
 *
 * Wrong fixes besides: all levels but PTE tables freed as before; a list that is freed as it is after the flush, not as it was before.
 */
import { deferredFree, deferredFreeDraft, flushByWork, noFlush } from '../../designs/index.ts';
import type { Litmus, LitmusCase, Scenario } from './scenario.ts';
import { KERNEL_TABLE_SCENARIOS } from './scenarios/kernel-tables.ts';

function called(name: string): Scenario {
  return KERNEL_TABLE_SCENARIOS.find((scenario) => scenario.name === `kernel half: ${name}`)!;
}

const programOf = (name: string): Pick<LitmusCase, 'program'> => ({ program: called(name).program });

export const L36: Litmus = {
  ...called('PTE table'),
  name: 'L36 kernel table freed',
  source: 'e37d5a2d60a3 (fixes 26b25a2b98e4)',
  cases: [
    { name: 'as it was', expect: 'violated', changes: [noFlush] },
    { name: 'as it was, a PMD table', expect: 'violated', changes: [noFlush], ...programOf('PMD table') },
    { name: 'fixed', expect: 'holds', changes: [deferredFree] },
    { name: 'fixed, a PMD table', expect: 'holds', changes: [deferredFree], ...programOf('PMD table') },
    {
      name: 'wrong fix: PTE tables alone',
      expect: 'violated',
      changes: [deferredFreeDraft],
      ...programOf('PMD table'),
    },
    {
      name: 'wrong fix: what is listed after the flush',
      expect: 'violated',
      changes: [deferredFreeDraft],
      ...programOf('two tables in turn'),
    },
  ],
};

export const L37: Litmus = {
  ...called('PTE table'),
  name: 'L37 flushed by a worker',
  source: 'v3 of the series of 2025, objection by Dave Hansen',
  cases: [
    { name: 'as it was', expect: 'violated', changes: [flushByWork] },
    { name: 'fixed: the worker frees, too', expect: 'holds', changes: [deferredFree] },
    {
      name: 'wrong fix: the flush is queued before the table is unlinked',
      expect: 'violated',
      changes: [
        flushByWork,
        {
          before: {
            *pmd_free_pte_page({ kernel_pgtable_work }) {
              yield* this.schedule_kernel_pgtable_work(kernel_pgtable_work.pending);
            },
          },
        },
      ],
    },
  ],
};
