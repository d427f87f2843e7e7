/** Workloads and virtual time. The door of the layer. */

export {
  BUFFER_PFN,
  MIB_PAGES,
  stress,
  stressPairs,
  stridePages,
  TIB_PAGES,
} from './workloads/iova-stress.straight.ts';
export type { IovaStressResult, IovaStressRun } from './workloads/iova-stress-result.ts';
