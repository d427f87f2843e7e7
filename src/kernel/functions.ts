/** The kernel's functions by name: what a design or a patch changes. In the order of the call graph, from system calls down. */
import * as files from './fs/files.ts';
import * as idxd from './fs/idxd.ts';
import * as mm from './mm/mm.ts';
import * as notifier from './mm/notifier.ts';
import * as observer from './observer.ts';
import * as fpu from './sched/fpu.ts';
import * as life from './sched/life.ts';
import * as smp from './sched/smp.ts';
import * as switching from './sched/switch.ts';
import { intel_pasid_setup_first_level, intel_pasid_tear_down_entry } from './sva/entries.ts';
import * as sva from './sva/iommu-sva.ts';
import * as entry from './traps/entry.ts';
import * as gp from './traps/gp.ts';

const { InvariantBroken: _broken, ...observations } = observer;
const { schedule: _daemon, ...switches } = switching;
const { EBUSY: _busy, EOVERFLOW: _overflow, ...binds } = sva;

export const BASE = {
  ...entry,
  ...gp,
  ...life,
  ...files,
  ...idxd,
  ...binds,
  intel_pasid_setup_first_level,
  intel_pasid_tear_down_entry,
  ...mm,
  ...notifier,
  ...switches,
  ...fpu,
  ...smp,
  ...observations,
};
