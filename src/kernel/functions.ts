/** The kernel's functions by name: what a design or a patch changes. In the order of the call graph, from system calls down. */
import * as files from './fs/files.ts';
import * as idxd from './fs/idxd.ts';
import * as dma from './iommu/dma-iommu.ts';
import * as domainObserver from './iommu/domain-observer.ts';
import * as cacheTags from './iommu/intel-cache.ts';
import * as unitObserver from './iommu/intel-observer.ts';
import * as pasidTable from './iommu/intel-pasid.ts';
import * as prq from './iommu/intel-prq.ts';
import * as qi from './iommu/intel-qi.ts';
import { intel_pasid_replace_first_level } from './iommu/intel-replace.ts';
import * as svmFlush from './iommu/intel-svm-flush.ts';
import { intel_pasid_flush_entry, intel_pasid_tear_down_absent } from './iommu/intel-tear-down.ts';
import * as iopf from './iommu/io-pgfault.ts';
import * as iova from './iommu/iova.ts';
import * as domains from './iommu/paging-domain.ts';
import * as pageFault from './mm/fault.ts';
import * as gup from './mm/gup.ts';
import * as hmm from './mm/hmm.ts';
import * as hugeMemory from './mm/huge-memory.ts';
import * as interval from './mm/interval-notifier.ts';
import * as kernelTables from './mm/kernel-tables.ts';
import * as memory from './mm/memory.ts';
import * as migrate from './mm/migrate-device.ts';
import * as mm from './mm/mm.ts';
import * as gather from './mm/mmu-gather.ts';
import * as mprotect from './mm/mprotect.ts';
import * as notifier from './mm/notifier.ts';
import * as rmap from './mm/rmap.ts';
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
import * as kva from './sva/kva-range.ts';
import * as requests from './sva/page-requests.ts';
import * as entry from './traps/entry.ts';
import * as gp from './traps/gp.ts';

const { InvariantBroken: _broken, ...observations } = observer;
const { schedule: _daemon, ...switches } = switching;
const { EBUSY: _busy, EOVERFLOW: _overflow, ...binds } = sva;
const { setupFirstLevel: _setup, ...pasidEntries } = pasidTable;
const { TaggedDomain: _tagged, ...tagged } = cacheTags;
const { ULONG_MAX: _max, svm_pages: _pages, ...svmFlushes } = svmFlush;
const { DmaDomain: _dma, takeTables: _take, ...dmaApi } = dma;
const { IovaDomain: _iovad, NO_IOVA: _none, ...iovas } = iova;
const { INIT_MM: _init, InitMm: _initMm, ...kernelHalf } = kernelTables;
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
  ...rmap,
  ...hugeMemory,
  ...mprotect,
  ...requests,
  ...kernelHalf,
  ...kva,
  ...svmFlushes,
  ...tagged,
  ...dmaApi,
  ...iovas,
  ...domains,
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
  ...domainObserver,
};
