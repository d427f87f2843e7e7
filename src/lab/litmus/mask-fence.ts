/**
 * The argument of the mail of Aug 2020 that mm_cpumask protects the load at the end of switch_mm: whoever changes the number sees the CPU in the
 * mask, or the switch sees the number. On x86 that takes a fence between the store and the read of the mask: the call to other CPUs has
 * one, after the mask was read.
 */
import { switchLoadRepaired } from '../../designs/index.ts';
import type { Patch } from '../../kernel/index.ts';
import type { Litmus } from './scenario.ts';
import { switchingTo } from './scenarios/switching.ts';

/** As the mail has it: nothing between the store and the mask. */
const UNFENCED: Patch = { omit: ['smp_mb'] };

const COMMON = { source: 'mail of 3 Aug 2020: protected by mm_cpumask' };

export const MASK_FENCE: Litmus = {
  ...switchingTo('another process', 'tso'),
  ...COMMON,
  name: 'mask and number, TSO',
  cases: [
    { name: 'as the mail has it', expect: 'violated', changes: [switchLoadRepaired, UNFENCED] },
    { name: 'fixed: a fence', expect: 'holds', changes: [switchLoadRepaired] },
  ],
};

export const MASK_NO_FENCE_SC: Litmus = {
  ...switchingTo('another process'),
  ...COMMON,
  name: 'mask and number, SC',
  cases: [{ name: 'as the mail has it', expect: 'holds', changes: [switchLoadRepaired, UNFENCED] }],
};
