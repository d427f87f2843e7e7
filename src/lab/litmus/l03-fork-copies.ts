/** L03 (list, 2 Mar 2021; a6cbd44093ef): a child's mm_struct is a copy of its parent's, PASID and all, and bind takes it for its own. */
import { IOMMU_PASID_INVALID, type Patch } from '../../kernel/index.ts';
import type { Litmus } from './scenario.ts';
import { fork } from './scenarios/fork.ts';

const COPIED: Patch = {
  replace: {
    *mm_pasid_init() {
      return 0;
    },
  },
};

export const L03: Litmus = {
  ...fork,
  name: 'L03 copied by fork',
  source: 'list, 2 Mar 2021; a6cbd44093ef "kernel/fork: Initialize mm\'s PASID"',
  cases: [
    { name: 'as it was', expect: 'violated', changes: [COPIED] },
    { name: 'fixed', expect: 'holds' },
    {
      name: 'wrong fix: cleared when the child runs already',
      expect: 'violated',
      changes: [
        COPIED,
        {
          after: {
            *copy_process(_tsk, child) {
              yield;
              const mm = child.mm.load();
              yield;
              mm?.pasid.store(IOMMU_PASID_INVALID);
            },
          },
        },
      ],
    },
  ],
};
