/** The kernel's functions by name: what a design or a patch changes. In the order of the call graph, from system calls down. */
import * as files from './fs/files.ts';
import * as idxd from './fs/idxd.ts';
import * as unitObserver from './iommu/intel-observer.ts';
import * as pasidTable from './iommu/intel-pasid.ts';
import * as prq from './iommu/intel-prq.ts';
import * as qi from './iommu/intel-qi.ts';
import { intel_pasid_replace_first_level } from './iommu/intel-replace.ts';
import { intel_pasid_flush_entry, intel_pasid_tear_down_absent } from './iommu/intel-tear-down.ts';
import * as iopf from './iommu/io-pgfault.ts';
import * as pageFault from './mm/fault.ts';
import * as gup from './mm/gup.ts';
import * as hmm from './mm/hmm.ts';
import * as interval from './mm/interval-notifier.ts';
import * as memory from './mm/memory.ts';
import * as migrate from './mm/migrate-device.ts';
import * as mm from './mm/mm.ts';
import * as gather from './mm/mmu-gather.ts';
import * as notifier from './mm/notifier.ts';
import * as secondary from './mm/secondary-tlbs.ts';
import * as testHmm from './mm/test-hmm.ts';
import * as observer from './observer.ts';
import * as fpu from './sched/fpu.ts';
import * as life from './sched/life.ts';
import * as smp from './sched/smp.ts';
import * as switching from './sched/switch.ts';
import { intel_pasid_setup_first_level, intel_pasid_tear_down_entry } from './sva/entries.ts';
import * as external from './sva/external-tlbs.ts';
import * as sva from './sva/iommu-sva.ts';
import * as entry from './traps/entry.ts';
import * as gp from './traps/gp.ts';

const { InvariantBroken: _broken, ...observations } = observer;
const { schedule: _daemon, ...switches } = switching;
const { EBUSY: _busy, EOVERFLOW: _overflow, ...binds } = sva;
const { setupFirstLevel: _setup, ...pasidEntries } = pasidTable;
const { callEach: _each, ...notifications } = secondary;
const { IntervalSubscriptions: _subscriptions, ...intervals } = interval;
const { EBUSY_RANGE: _range, EFAULT: _fault, ...ranges } = hmm;
const { COPIED_WORDS: _words, dmirrorRange: _dmirror, ...dmirror } = testHmm;
const { QI_OPT_WAIT_DRAIN: _drain, devTlbInvalidation: _devTlb, ...queued } = qi;

export const BASE = {
  ...entry,
  ...gp,
  ...life,
  ...files,
  ...idxd,
  ...binds,
  intel_pasid_setup_first_level,
  intel_pasid_tear_down_entry,
  intel_pasid_flush_entry,
  intel_pasid_tear_down_absent,
  intel_pasid_replace_first_level,
  ...pasidEntries,
  ...queued,
  ...prq,
  ...iopf,
  ...mm,
  ...notifier,
  ...memory,
  ...gather,
  ...notifications,
  ...external,
  ...pageFault,
  ...gup,
  ...intervals,
  ...ranges,
  ...migrate,
  ...dmirror,
  ...switches,
  ...fpu,
  ...smp,
  ...observations,
  ...unitObserver,
};
