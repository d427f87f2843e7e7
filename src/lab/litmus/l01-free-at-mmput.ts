/**
 * L01, 2667ed10d9f0 (fixes 701fac40384f): the PASID was given back in __mmput, which an exiting task comes to in exit_mm; the device file is
 * released later, in exit_task_work. In between the device still works under the number, and another process may get it.
 */
import { freeInMmput } from '../../designs/index.ts';
import type { Litmus } from './scenario.ts';
import { exit } from './scenarios/exit.ts';

export const L01: Litmus = {
  ...exit,
  name: 'L01 freed at mmput',
  source: '2667ed10d9f0 "mm: Fix PASID use-after-free issue"',
  about: 'Two processes open a device, give it work and exit.',
  cases: [
    { name: 'as it was', expect: 'violated', changes: [freeInMmput] },
    { name: 'fixed', expect: 'holds' },
    {
      name: 'wrong fix: the device is drained first',
      expect: 'violated',
      changes: [
        freeInMmput,
        {
          before: {
            *mm_pasid_drop(mm) {
              for (const dev of this.devices) yield* this.idxd_drain_pasid(dev, mm.pasid.peek());
            },
          },
        },
      ],
    },
  ],
};
