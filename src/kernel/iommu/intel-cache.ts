/**
 * Cache tags (drivers/iommu/intel/cache.c, 6.10): a domain knows by a list which caches may have something of it, and a flush goes through that list: what has no tag is
 * not flushed. And what a reset of a device does about its own cache (drivers/pci/pci.c).
 *
 * Left out: tags of nested domains, users of a tag, batches of descriptors.
 */
import { ATOMIC, type Cell, type Flow, SpinLock, type World } from '../../base/index.ts';
import type { ExternalDevice, ExternalWalker } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { ExternalBind } from '../sva/external-tlbs.ts';

/** A device as a tag points to it: with the allocation of its struct device. */
export interface TaggedDevice {
  readonly device: ExternalDevice;
  readonly life: Cell<number>;
}

interface CacheTag {
  readonly type: 'IOTLB' | 'DEVTLB';
  readonly dev: TaggedDevice;
}

/** struct dmar_domain, as far as tags go. */
export class TaggedDomain {
  readonly walker: ExternalWalker;
  readonly space: number;
  readonly cache_lock: SpinLock;
  /** Context: cache_lock. */
  cache_tags: readonly CacheTag[] = [];

  constructor(world: World, walker: ExternalWalker, space: number) {
    this.walker = walker;
    this.space = space;
    this.cache_lock = new SpinLock(world, 'cache_lock');
  }
}

/** A tag for the device's TLB only if ATS is enabled by now. linux v6.12 drivers/iommu/intel/cache.c: cache_tag_assign_domain */
export function* cache_tag_assign_domain(this: Kernel, dom: TaggedDomain, dev: TaggedDevice): Flow<void> {
  yield dom.cache_lock.acquire();
  const own: readonly CacheTag[] = [{ type: 'IOTLB', dev }];
  yield;
  const isEnabled = dev.device.ats_enabled.load();
  dom.cache_tags = [...dom.cache_tags, ...own, ...(isEnabled ? [{ type: 'DEVTLB' as const, dev }] : [])];
  yield dom.cache_lock.release();
}

/** Of the device's TLB only if ATS is enabled still. linux v6.12 drivers/iommu/intel/cache.c: cache_tag_unassign_domain */
export function* cache_tag_unassign_domain(this: Kernel, dom: TaggedDomain, dev: TaggedDevice): Flow<void> {
  yield dom.cache_lock.acquire();
  yield;
  const isEnabled = dev.device.ats_enabled.load();
  dom.cache_tags = dom.cache_tags.filter((tag) => tag.dev !== dev || (tag.type === 'DEVTLB' && !isEnabled));
  yield dom.cache_lock.release();
}

/** Order: IOTLBs, then devices. Context: does not sleep. linux v6.12 drivers/iommu/intel/cache.c: cache_tag_flush_range */
export function* cache_tag_flush_range(this: Kernel, dom: TaggedDomain, start: number, end: number): Flow<void> {
  yield dom.cache_lock.acquire();
  for (const { dev, type } of dom.cache_tags) {
    yield ATOMIC;
    if (type === 'IOTLB') dom.walker.invalidate(dom.space, start, end);
    else {
      dev.life.load();
      dev.device.invalidate(dom.space, start, end);
    }
  }
  yield dom.cache_lock.release();
}

/** Order: ATS, then tags. linux v6.13 drivers/iommu/intel/iommu.c: intel_iommu_probe_finalize, dmar_domain_attach_device */
export function* dmar_domain_attach_device(this: Kernel, dom: TaggedDomain, dev: TaggedDevice): Flow<void> {
  yield* this.iommu_enable_pci_ats(dev);
  yield* this.cache_tag_assign_domain(dom, dev);
}

/** Order: tags, then ATS. linux v6.13 drivers/iommu/intel/iommu.c: device_block_translation */
export function* device_block_translation(this: Kernel, dom: TaggedDomain, dev: TaggedDevice): Flow<void> {
  yield* this.cache_tag_unassign_domain(dom, dev);
  yield* this.iommu_disable_pci_ats(dev);
}

/** linux v6.12 drivers/iommu/intel/iommu.c: iommu_enable_pci_ats */
export function* iommu_enable_pci_ats(this: Kernel, { device }: TaggedDevice): Flow<void> {
  yield ATOMIC;
  device.enableAts(true);
}

/** linux v6.12 drivers/iommu/intel/iommu.c: iommu_disable_pci_ats */
export function* iommu_disable_pci_ats(this: Kernel, { device }: TaggedDevice): Flow<void> {
  yield ATOMIC;
  device.enableAts(false);
}

/** A reset of a device that works for an mm. The device does nothing meanwhile, and hears nothing. linux v6.6 drivers/pci/pci.c: pcie_flr */
export function* pcie_flr(this: Kernel, bind: ExternalBind, device: ExternalDevice): Flow<void> {
  yield* this.pci_dev_reset_iommu_prepare(bind, device);
  yield;
  device.inReset.store(true);
  yield;
  device.inReset.store(false);
  yield* this.pci_dev_reset_iommu_done(bind, device);
}

/** Order: nobody translates for it any more, its TLB is flushed, ATS is off. series of Dec 2025, v8 */
export function* pci_dev_reset_iommu_prepare(this: Kernel, bind: ExternalBind, device: ExternalDevice): Flow<void> {
  yield;
  bind.walker.roots.store(bind.space, 0);
  yield* this.sva_flush_range(bind, 0, Number.POSITIVE_INFINITY);
  yield ATOMIC;
  device.enableAts(false);
}

/** ATS is on, with an empty TLB; then the domain comes back. series of Dec 2025, v8 */
export function* pci_dev_reset_iommu_done(this: Kernel, bind: ExternalBind, device: ExternalDevice): Flow<void> {
  yield ATOMIC;
  device.enableAts(true);
  yield;
  bind.walker.roots.store(bind.space, bind.root ?? 0);
}
