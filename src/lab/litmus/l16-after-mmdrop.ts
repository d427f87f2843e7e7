/**
 * L16, 06e14c36e20b (fixes e37d5a2d60a3): the domain of an address space that is gone holds the last reference of the mm_struct. 6.19.0 freed the domain first, and with it
 * mm->iommu_mm went; then it looked whether a domain is left there, and took it off the list of address spaces that devices walk.
 *
 * Wrong fix: the look comes first, and the list is changed where it was.
 */
import { Cell } from '../../base/index.ts';
import type { Kernel, Mm, Patch } from '../../kernel/index.ts';
import type { Litmus } from './scenario.ts';
import { passedFile } from './scenarios/passed-file.ts';

/** struct iommu_mm_data: what lists of domains and of address spaces are linked through. */
function iommuMm({ extra, world }: Kernel, mm: Mm): Cell<number> {
  const key = `${mm.name}.iommu_mm`;
  const known = extra.get(key) as Cell<number> | undefined;
  const own = known ?? new Cell(world, key, 0, { freeable: true });
  extra.set(key, own);
  return own;
}

/** The allocation belongs to the mm, and goes with it. linux v6.19 drivers/iommu/iommu-sva.c: iommu_alloc_mm_data, mm_pasid_drop */
const IOMMU_MM: Patch = {
  before: {
    *iommu_sva_bind_locked(_dev, mm) {
      yield;
      iommuMm(this, mm).store(1);
    },
  },
  after: {
    *mm_pasid_drop(mm) {
      yield;
      iommuMm(this, mm).free();
    },
  },
};

type Part = 'look' | 'unlink';

/** What unbind does to iommu_mm when the last user of a domain is gone: looks whether it was the last domain, takes the mm off the list. `parts`: in that order. */
function* partsOf(kernel: Kernel, mm: Mm, parts: readonly Part[]) {
  for (const part of parts) {
    yield;
    if (part === 'look') iommuMm(kernel, mm).load();
    else iommuMm(kernel, mm).store(0);
  }
}

function unbindIn(before: readonly Part[], after: readonly Part[]): Patch {
  return {
    before: {
      *iommu_domain_free({ mm }) {
        yield* partsOf(this, mm, before);
      },
    },
    after: {
      *iommu_domain_free({ mm }) {
        yield* partsOf(this, mm, after);
      },
    },
  };
}

export const L16: Litmus = {
  ...passedFile,
  name: 'L16 after the last mmdrop',
  source: '06e14c36e20b (fixes e37d5a2d60a3)',
  about:
    'Two processes open a device, give it work and exit; the file is released, and with it the last reference of the mm_struct.',
  cases: [
    { name: 'as it was', expect: 'violated', changes: [IOMMU_MM, unbindIn([], ['look', 'unlink'])] },
    { name: 'fixed', expect: 'holds', changes: [IOMMU_MM, unbindIn(['look', 'unlink'], [])] },
    {
      name: 'wrong fix: looked first, unlinked last',
      expect: 'violated',
      changes: [IOMMU_MM, unbindIn(['look'], ['unlink'])],
    },
  ],
};
