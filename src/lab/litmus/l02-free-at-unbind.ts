/**
 * L02 (Tony Luck, thread of Sep 2021): unbind gives the number back while a thread's MSR still has it. The process opens a device again, its mm
 * gets another number, and ENQCMD carries the old one.
 */
import { eagerIpiOrdered, eagerIpiRepaired, freeOnUnbind } from '../../designs/index.ts';
import type { Litmus } from './scenario.ts';
import { reopen } from './scenarios/reopen.ts';

export const L02: Litmus = {
  ...reopen,
  name: 'L02 freed at unbind',
  source: 'thread 2021, Tony Luck',
  cases: [
    { name: 'as it was', expect: 'violated', changes: [freeOnUnbind] },
    { name: 'fixed: with the mm', expect: 'holds' },
    { name: 'fixed: cleared everywhere', expect: 'holds', changes: [eagerIpiRepaired] },
    { name: 'wrong fix: an IPI clears the MSR, the flag stays', expect: 'violated', changes: [eagerIpiOrdered] },
  ],
};
