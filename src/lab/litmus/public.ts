/** What a litmus test of one's own is made of: docs/litmus.md. The door `tablewalk/litmus`. */
import type { CheckTest } from '../../check/index.ts';
import { casesOf, type Litmus } from './scenario.ts';

export {
  DESIGNS,
  EXTERNAL_TLB,
  INTEL_SVM,
  type KernelDesign,
  PASID_LIFETIME,
  PASID_MSR,
} from '../../designs/index.ts';
export {
  type AccessResult,
  ENQCMD,
  type ExternalDevice,
  MSR_IA32_PASID_VALID,
  pasidOfMsr,
  stateNamed,
  validMsr,
  XRSTORS,
  XSAVES,
} from '../../hw/index.ts';
export {
  type Bound,
  type Device,
  type DeviceFile,
  EBUSY,
  ENOSPC,
  EOVERFLOW,
  type Files,
  InvariantBroken,
  IOMMU_PASID_INVALID,
  type Kernel,
  type KernelFunctions,
  type Mm,
  type NotifiedMm,
  PASID_MAX,
  type Patch,
  type RangeOps,
  type Rq,
  type SvaDomain,
  type SvaHandle,
  type Task,
  type Vma,
} from '../../kernel/index.ts';
export { type Build, build, Machine, type MachineOptions, type Process } from './machine.ts';
export type { Litmus, LitmusCase, Scenario } from './scenario.ts';
export { closed, opened, tryOpen } from './steps.ts';
export { SvaMachine, type SvaMachineOptions } from './sva-machine.ts';

/** The tests of a litmus, one a case: export them from a test file. */
export function defineLitmus(litmus: Litmus): readonly CheckTest[] {
  return casesOf(litmus, 'own').map(({ test }) => test);
}
