/**
 * What Intel's SVA driver does when the CPU's TLBs are flushed (drivers/iommu/intel/svm.c, 6.6 to 6.9): the range in bytes becomes page-selective descriptors.
 *
 * Left out: the list of devices of an mm (one here), cache tags (intel-cache.ts).
 */
import type { Flow } from '../../base/index.ts';
import { P_DEV_TLB_INV_DSC, P_IOTLB_INV_DSC } from '../../hw/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Device } from '../objects.ts';
import { descriptor, FLPT_DEFAULT_DID, infoOf } from './intel-iommu.ts';

/** -1UL: up to the last byte. */
export const ULONG_MAX = 2n ** 64n - 1n;
const PAGE_SIZE = 4096n;

/** [start, end) in bytes; up to ULONG_MAX: all. Context: does not sleep. linux v6.7 drivers/iommu/intel/svm.c: intel_arch_invalidate_secondary_tlbs */
export function* intel_arch_invalidate_secondary_tlbs(
  this: Kernel,
  dev: Device,
  pasid: number,
  start: bigint,
  end: bigint,
): Flow<void> {
  if (start === 0n && end === ULONG_MAX) {
    yield* this.intel_flush_svm_all(dev, pasid);
    return;
  }
  yield* this.intel_flush_svm_range(dev, pasid, start, svm_pages(start, end));
}

/** Pages of a range, as 64 bits wide numbers count them. */
export function svm_pages(start: bigint, end: bigint): bigint {
  return BigInt.asUintN(64, end - start + PAGE_SIZE - 1n) / PAGE_SIZE;
}

/** Order: the IOTLB, then the device. linux v6.7 drivers/iommu/intel/svm.c: intel_flush_svm_all */
export function* intel_flush_svm_all(this: Kernel, dev: Device, pasid: number): Flow<void> {
  yield* this.qi_flush_piotlb(infoOf(dev).iommu, FLPT_DEFAULT_DID, pasid);
  yield* this.devtlb_invalidation_with_pasid(dev, pasid);
}

/** In blocks of as many pages as the range has, rounded up to a power of two, and aligned. linux v6.6 drivers/iommu/intel/svm.c: intel_flush_svm_range */
export function* intel_flush_svm_range(
  this: Kernel,
  dev: Device,
  pasid: number,
  address: bigint,
  pages: bigint,
): Flow<void> {
  const block = 1n << BigInt(order_of(pages));
  const align = block * PAGE_SIZE;
  const end = address + pages * PAGE_SIZE;
  for (let start = address - (address % align); start < end; start += align) {
    yield* this.flush_svm_range_dev(dev, pasid, start, pages === 0n ? 0n : block);
  }
}

/** Order: the IOTLB, then the device. linux v6.6 drivers/iommu/intel/svm.c: __flush_svm_range_dev */
export function* flush_svm_range_dev(
  this: Kernel,
  dev: Device,
  pasid: number,
  address: bigint,
  pages: bigint,
): Flow<void> {
  yield* this.qi_flush_piotlb_pages(dev, pasid, address, pages);
  yield* this.qi_flush_dev_iotlb_pasid(dev, pasid, address, pages);
}

/** No pages: no descriptor. linux v6.6 drivers/iommu/intel/dmar.c: qi_flush_piotlb */
export function* qi_flush_piotlb_pages(
  this: Kernel,
  dev: Device,
  pasid: number,
  address: bigint,
  pages: bigint,
): Flow<void> {
  if (pages === 0n) return;
  const AM = order_of(pages);
  const ADDR = Number(first_page(address, AM));
  const page = descriptor(P_IOTLB_INV_DSC, { TYPE: 6, G: 3, DID: FLPT_DEFAULT_DID, PASID: pasid, AM, ADDR });
  yield* this.qi_submit_sync(infoOf(dev).iommu, [page]);
}

/** No pages: no descriptor. Size in the address: its lowest clear bit. linux v6.6 drivers/iommu/intel/dmar.c: qi_flush_dev_iotlb_pasid */
export function* qi_flush_dev_iotlb_pasid(
  this: Kernel,
  dev: Device,
  pasid: number,
  address: bigint,
  pages: bigint,
): Flow<void> {
  const { ats_enabled, iommu, sid } = infoOf(dev);
  if (!ats_enabled || pages === 0n) return;
  const order = order_of(pages);
  const first = first_page(address, order);
  const ADDR = order === 0 ? first : first | ((1n << BigInt(order - 1)) - 1n);
  yield* this.qi_submit_sync(iommu, [
    descriptor(P_DEV_TLB_INV_DSC, { TYPE: 8, SID: sid, PASID: pasid, S: order === 0 ? 0 : 1, ADDR }),
  ]);
}

/** ilog2(roundup_pow_of_two(pages)) */
function order_of(pages: bigint): number {
  let order = 0;
  while (1n << BigInt(order) < pages) order++;
  return order;
}

/** Of the aligned block of 2^order pages in which the address lies. */
function first_page(address: bigint, order: number): bigint {
  return (address / PAGE_SIZE) & ~((1n << BigInt(order)) - 1n);
}
