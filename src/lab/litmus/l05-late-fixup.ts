/** L05 (Luto, 29 Sep 2021): the fix-up runs when interrupts are on again, and a softirq has moved the FPU state to memory meanwhile. */
import { gpFixupLate } from '../../designs/index.ts';
import type { Kernel, Task } from '../../kernel/index.ts';
import type { Litmus } from './scenario.ts';
import { softirq } from './scenarios/softirq.ts';

function* late(this: Kernel, tsk: Task) {
  yield* this.local_irq_enable(tsk.rq);
  return yield* this.try_fixup_enqcmd_gp(tsk);
}

export const L05: Litmus = {
  ...softirq,
  name: 'L05 fixed up late',
  source: 'list, 29 Sep 2021 (Luto)',
  cases: [
    { name: 'as it was', expect: 'violated', changes: [{ replace: { exc_general_protection: late } }] },
    { name: 'fixed: before interrupts are on', expect: 'holds' },
    { name: 'fixed: written where the state is', expect: 'holds', changes: [gpFixupLate] },
    {
      name: 'wrong fix: without preemption',
      expect: 'violated',
      changes: [
        {
          replace: {
            *exc_general_protection(tsk) {
              yield* this.preempt_disable(tsk.rq);
              const isMended = yield* late.call(this, tsk);
              yield* this.preempt_enable(tsk.rq);
              return isMended;
            },
          },
        },
      ],
    },
  ],
};
