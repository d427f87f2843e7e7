/** What a design of these families is: a name, where it comes from, and a change of the kernel. */
import type { Kernel, Patch } from '../kernel/index.ts';

export interface KernelDesign {
  readonly name: string;
  readonly family:
    | 'pasid-lifetime'
    | 'pasid-msr'
    | 'external-tlb'
    | 'kernel-tables'
    | 'iotlb-flush'
    | 'table-reclaim'
    | 'mirror';
  /** Thread, commit or mail. */
  readonly source: string;
  /** How its author argued, in a sentence or two. */
  readonly argument: string;
  readonly patch: Patch;
  /** What it stands on, and others may too: applied once, before their patches. */
  readonly needs?: readonly Need[];
}

export interface Need {
  readonly patch: Patch;
  /** Makes what it keeps for itself, when the kernel and its tasks are there. */
  readonly setup?: (kernel: Kernel) => void;
}
