/**
 * `static`: every mm has a number from its making to its end (thread 2021, option 1).
 *
 * Argument (Fenghua Yu): no allocation or free in between; against it: a limit of a million processes. Thomas Gleixner: not worried about
 * the limit, but pointless for those who never use it. Steps: docs/designs.md, static.
 *
 * Open in the thread: at which point of the mm's end it goes back. As sketched we take mm exit, __mmput. `static-repaired` takes __mmdrop,
 * and fork and exec fail when none is left; that unbind tears down and drains before its mmdrop is so in all designs here.
 */
import {
  type Device,
  ENOSPC,
  EOVERFLOW,
  IOMMU_PASID_INVALID,
  type Kernel,
  type Mm,
  PASID_MAX,
} from '../../kernel/index.ts';
import type { KernelDesign } from '../design.ts';
import { freeInMmput } from './free-in-mmput.ts';

const EAGAIN = -11;

/** Bind uses the number that the mm has. The first bind is where designs that load MSRs at bind do so. */
function* use(k: Kernel, mm: Mm, dev: Device) {
  yield;
  const pasid = mm.pasid.load();
  if (pasid === IOMMU_PASID_INVALID) return ENOSPC;
  if (pasid >= dev.max_pasids) return EOVERFLOW;
  if (mm.sva_handles.length === 0) yield* k.publish_pasid(mm, pasid);
  return pasid;
}

/** Step 1, a number for a new mm; `refuse`: what making it comes to when none is left. */
function* allocate(k: Kernel, mm: Mm, refuse: number) {
  const pasid = yield* k.iommu_alloc_global_pasid(mm, { max_pasids: PASID_MAX });
  yield;
  mm.pasid.store(pasid < 0 ? IOMMU_PASID_INVALID : pasid);
  return pasid < 0 ? refuse : 0;
}

export const staticAsSketched: KernelDesign = {
  name: 'static-as-sketched',
  family: 'pasid-lifetime',
  source: 'thread 2021, option 1',
  argument: 'one number for each mm, from its making to its end',
  patch: {
    replace: {
      ...freeInMmput.patch.replace,
      *mm_pasid_init(mm) {
        return yield* allocate(this, mm, 0);
      },
      *iommu_alloc_mm_data(mm, dev) {
        return yield* use(this, mm, dev);
      },
    },
  },
};

export const staticRepaired: KernelDesign = {
  ...staticAsSketched,
  name: 'static-repaired',
  argument: 'as static, given back with the mm_struct; fork and exec fail when none is left',
  patch: {
    replace: {
      *mm_pasid_init(mm) {
        return yield* allocate(this, mm, EAGAIN);
      },
      *iommu_alloc_mm_data(mm, dev) {
        return yield* use(this, mm, dev);
      },
    },
  },
};
