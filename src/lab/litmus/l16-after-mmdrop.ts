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

/** What unbind does when the last user of a domain is gone: `free` the domain, `look` whether it was the last, take it off the list (`unlink`). */
function unbindIn(order: readonly ('free' | 'look' | 'unlink')[]): Patch {
  return {
    replace: {
      *iommu_sva_unbind_locked(handle) {
        const { dev, domain, mm } = handle;
        if (--handle.users > 0) return;
        mm.sva_handles = mm.sva_handles.filter((own) => own !== handle);
        yield;
        const pasid = mm.pasid.load();
        yield* this.iommu_detach_device_pasid(domain, dev, pasid);
        if (--domain.users > 0) return;
        for (const part of order) {
          if (part === 'free') yield* this.iommu_domain_free(domain);
          else {
            yield;
            if (part === 'look') iommuMm(this, mm).load();
            else iommuMm(this, mm).store(0);
          }
        }
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
    { name: 'as it was', expect: 'violated', changes: [IOMMU_MM, unbindIn(['free', 'look', 'unlink'])] },
    { name: 'fixed', expect: 'holds', changes: [IOMMU_MM, unbindIn(['look', 'unlink', 'free'])] },
    {
      name: 'wrong fix: looked first, unlinked last',
      expect: 'violated',
      changes: [IOMMU_MM, unbindIn(['look', 'free', 'unlink'])],
    },
  ],
};
