/** Hardware models: physical memory and page tables. The door of the layer; docs/language.md has the words. */
export {
  Cpu,
  type InterruptRequest,
  interruptThread,
  MSR_IA32_PASID_VALID,
  pasidOfMsr,
  validMsr,
} from './cpu/cpu.ts';
export { ENQCMD, type Enqueued } from './cpu/enqcmd.ts';
export {
  INVLPG,
  INVPCID,
  INVPCID_TYPE,
  type InvpcidDescriptor,
  MOV_CR3,
  MOV_CR4,
} from './cpu/invalidate.ts';
export { accessMemory, type Cr3, isCanonical, Mmu, type MmuOptions, speculate, type Translated } from './cpu/mmu.ts';
export { CR4, type MemoryAccess, PAGING, type PagingFeatures, PF } from './cpu/page-fault.ts';
export { CPU_STATES, type CpuState, type LoadedAt, stateNamed, WISHES } from './cpu/states.ts';
export { type Lookup, Tlb, type TlbEntry, type TlbTag } from './cpu/tlb.ts';
export { XRSTORS, XSAVES, XsaveArea } from './cpu/xsave.ts';
export { Atc } from './device/atc.ts';
export { atomicEngine, Dsa, type Portal, type Work } from './device/dsa.ts';
export { type OutstandingGroup, PageRequestInterface } from './device/pri.ts';
export { type AccessResult, ExternalDevice, type ExternalDeviceOptions, type PageResponse } from './external/device.ts';
export { ExternalMirror, type ExternalMirrorOptions, type MirrorEntry, type MirrorFault } from './external/mirror.ts';
export { type Place, Places } from './external/places.ts';
export {
  type ExternalAccess,
  type ExternalEntry,
  ExternalWalker,
  frameOf,
  type WalkerOptions,
  type WalkFault,
} from './external/walker.ts';
export { ArenaMemory, type ArenaOptions, HostMemoryExhausted } from './memory/arena-memory.ts';
export { MemoryMisuse, RecordedMemory } from './memory/recorded-memory.ts';
export { ReferencedMemory } from './memory/referenced-memory.ts';
export { type TableMemory, WORDS_PER_FRAME } from './memory/table-memory.ts';
export { WriteBackMemory } from './memory/write-back.ts';
export {
  IOMMU_READ,
  IOMMU_WRITE,
  indexAt,
  maskLo,
  offsetInSpan,
  type PageTableFormat,
  spanPages,
} from './pt/format.ts';
export { SS_PDE_LEAF, SS_PDPTE_LEAF, SS_PTE, SS_TABLE, VTD_SECOND_STAGE } from './pt/formats/vtd-second-stage.ts';
export { X86_64, X86_64_PDE_LEAF, X86_64_PDPTE_LEAF, X86_64_PTE, X86_64_TABLE } from './pt/formats/x86-64.ts';
export {
  createCpu,
  DMA_PTE,
  DMA_PTE_AS_IT_WAS,
  EADDRINUSE,
  EINVAL,
  ENOMEM,
  ERANGE,
  GENERIC_PT,
  REPLAY,
  type Semantics,
} from './pt/page-table.straight.ts';
export { createShared, type Shared } from './pt/shared.ts';
export { EXECUTE, NO_PASID, ownerOf, READ, WRITE } from './vtd/caches.ts';
export { type Capabilities, capabilities, FULL_UNIT } from './vtd/capabilities.ts';
export {
  CC_INV_DSC,
  DESCRIPTORS,
  DEV_TLB_INV_DSC,
  IEC_INV_DSC,
  INV_WAIT_DSC,
  IOTLB_INV_DSC,
  P_DEV_TLB_INV_DSC,
  P_IOTLB_INV_DSC,
  PAGE_GRP_RESP_DSC,
  PC_INV_DSC,
} from './vtd/descriptors.ts';
export { type FaultReason, faultReason, REASONS } from './vtd/fault-reasons.ts';
export {
  CONTEXT_ENTRY,
  PASID_DIRECTORY_ENTRY,
  PASID_ENTRY,
  PGTT_FIRST_STAGE,
  PGTT_NESTED,
  PGTT_PASS_THROUGH,
  PGTT_SECOND_STAGE,
  ROOT_ENTRY,
  SCALABLE_CONTEXT_ENTRY,
  SCALABLE_ROOT_ENTRY,
} from './vtd/layouts.ts';
export {
  type DeviceTlbAnswer,
  type DeviceTlbInvalidation,
  type DeviceTlbPort,
  type InterruptSink,
  SparseMemory,
  type VtdMemory,
} from './vtd/memory.ts';
export { isStopMarker, type PageRequest, PageRequestQueue } from './vtd/page-requests.ts';
export {
  descriptorThread,
  eviction,
  invalidationThread,
  type RecordedUnit,
  recordedUnit,
  recorderIn,
} from './vtd/recorded.ts';
export {
  CAP,
  CCMD,
  ECAP,
  EVENT_CONTROL,
  FRCD,
  FSTS,
  GCMD,
  ICS,
  IOTLB,
  IQA,
  IQH,
  IQT,
  IVA,
  RTADDR,
} from './vtd/register-layouts.ts';
export {
  CCMD_OFFSET,
  FSTS_OFFSET,
  GCMD_OFFSET,
  IQA_OFFSET,
  IQH_OFFSET,
  IQT_OFFSET,
  RTADDR_OFFSET,
} from './vtd/registers.ts';
export type { Choices } from './vtd/state.ts';
export { writeEntry } from './vtd/tables.ts';
export { translate } from './vtd/translate.ts';
export { type UnitOptions, VtdUnit } from './vtd/unit.ts';
export { Walk } from './vtd/walk.ts';
