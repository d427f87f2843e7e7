/**
 * `free-in-mmdrop`: as free-in-mmput, but the number goes back with the mm_struct itself (2667ed10d9f0, 5.18). This is what the kernel here does
 * by itself: the design changes nothing.
 *
 * Argument (thread 2021, Luto): "take a reference when you stick the PASID in the mm_struct and drop the reference in __mmdrop(). Problem
 * solved." Whoever holds the structure delays it: each bind, each kernel thread that borrows it. Steps: docs/designs.md, free-in-mmdrop.
 */
import type { KernelDesign } from '../design.ts';

export const freeInMmdrop: KernelDesign = {
  name: 'free-in-mmdrop',
  family: 'pasid-lifetime',
  source: '2667ed10d9f0 (5.18); 6.8 and later with iommu_mm_data',
  argument: 'a PASID belongs to the mm; free it when the structure dies',
  patch: {},
};
