/** Hardware models: physical memory and page tables. The door of the layer; docs/language.md has the words. */
export { ArenaMemory, type ArenaOptions, HostMemoryExhausted } from './memory/arena-memory.ts';
export { MemoryMisuse, RecordedMemory } from './memory/recorded-memory.ts';
export { type TableMemory, WORDS_PER_FRAME } from './memory/table-memory.ts';
export { IOMMU_READ, IOMMU_WRITE, indexAt, type PageTableFormat, spanPages } from './pt/format.ts';
export { VTD_SECOND_STAGE } from './pt/formats/vtd-second-stage.ts';
export { X86_64 } from './pt/formats/x86-64.ts';
export {
  createCpu,
  DMA_PTE,
  EADDRINUSE,
  EINVAL,
  ENOMEM,
  ERANGE,
  GENERIC_PT,
  REPLAY,
  type Semantics,
} from './pt/page-table.straight.ts';
export { EXECUTE, NO_PASID, ownerOf, READ, WRITE } from './vtd/caches.ts';
export { type Capabilities, capabilities } from './vtd/capabilities.ts';
export { type FaultReason, faultReason, REASONS } from './vtd/fault-reasons.ts';
export * from './vtd/layouts.ts';
export { SparseMemory, type VtdMemory } from './vtd/memory.ts';
export { invalidationThread, type RecordedUnit, recordedUnit, recorderIn } from './vtd/recorded.ts';
export type { Choices } from './vtd/state.ts';
export { translate } from './vtd/translate.ts';
export { type UnitOptions, VtdUnit } from './vtd/unit.ts';
export { Walk } from './vtd/walk.ts';
